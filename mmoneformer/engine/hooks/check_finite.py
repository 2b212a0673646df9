"""Reports losses and gradients that are not finite."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn

from mmoneformer.registry import HOOKS


@HOOKS.register_module()
class CheckFiniteHook(Hook):
    """Logs the loss terms that are NaN or infinite, and the images; stops the training if this continues.

    It reads the values that mmengine logs, so it costs nothing while they are finite. If the gradient is not finite,
    the step is skipped: by ``FiniteOptimWrapper``, or by the gradient scaler of float16. That scaler finds its scale
    by such gradients, which are therefore not reported while the scale is 1 or more.

    Args:
        patience: Number of such iterations in a row after which the training stops, at least 1.

    Raises:
        FloatingPointError: In training, after ``patience`` iterations, or if weights or statistics of the model are
            not finite.
    """

    def __init__(self, *, patience: int = 10) -> None:
        if patience < 1:
            raise ValueError(f'patience must be at least 1, got {patience}')
        self.patience = patience
        self.consecutive = 0
        self.total = 0

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Mapping[str, Tensor] | None = None
    ) -> None:
        """Check the losses of this process, and the gradient, which is that of all processes."""
        scalars = runner.message_hub.log_scalars
        terms = [name for name in outputs or () if not math.isfinite(scalars[f'train/{name}'].current())]
        if not terms and (_gradient_is_finite(runner) or _is_finding_scale(runner)):
            self.consecutive = 0
            return
        self.consecutive += 1
        self.total += 1
        message = (
            f'iteration {runner.iter + 1}: not finite: {", ".join(terms) or "the gradient"}; images (id, path): '
            f'{_images(data_batch)}; {self.consecutive} such iterations in a row, {self.total} in all'
        )
        broken = next(_broken_state(runner.model), None)
        if broken is not None:
            raise FloatingPointError(f'{message}. {broken} of the model is not finite: resume from a checkpoint')
        if self.consecutive >= self.patience:
            raise FloatingPointError(f'{message}. Lower the learning rate, or check the images')
        step = 'taken, as the gradient is finite' if _gradient_is_finite(runner) else 'skipped'
        runner.logger.error(f'{message}. The step is {step}')


def _gradient_is_finite(runner: Runner) -> bool:
    history = runner.message_hub.log_scalars.get('train/grad_norm')
    return history is None or not runner.optim_wrapper.should_update() or math.isfinite(history.current())


def _is_finding_scale(runner: Runner) -> bool:
    scaler = getattr(runner.optim_wrapper, 'loss_scaler', None)
    return scaler is not None and scaler.get_scale() >= 1


def _images(data_batch: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    return [(sample.img_id, sample.img_path) for sample in data_batch['data_samples']]


def _broken_state(model: nn.Module) -> Iterator[str]:
    """Names of parameters and buffers that are not finite."""
    for name, value in (*model.named_parameters(), *model.named_buffers()):
        if not value.isfinite().all():
            yield name
