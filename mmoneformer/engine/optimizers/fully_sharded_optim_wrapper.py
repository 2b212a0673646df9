"""Steps of a model whose gradient is split among the processes."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.model import MMFullyShardedDataParallel

from mmoneformer.engine.optimizers.finite_optim_wrapper import FiniteOptimWrapper
from mmoneformer.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class FullyShardedOptimWrapper(FiniteOptimWrapper):
    """Clips by the norm of the whole gradient, where others would see that of this process's part."""

    @contextmanager
    def optim_context(self, model: MMFullyShardedDataParallel) -> Iterator[None]:
        """Remember the model, which knows how its gradient is split."""
        self._model = model
        with super().optim_context(model):
            yield

    def _clip_grad(self) -> None:
        norm = self._model.clip_grad_norm_(**self.clip_grad_kwargs)
        self.message_hub.update_scalar('train/grad_norm', float(norm))
