"""Training that starts from the weights of a model with other classes."""

from collections.abc import Mapping
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor

from mmoneformer.checkpoints.backbones import BACKBONES
from mmoneformer.checkpoints.fine_tuning import CLASS_ROWS, fit_classes, fit_queries
from mmoneformer.checkpoints.model_weights import check_classes, check_keys, plain_weights
from mmoneformer.registry import HOOKS

FOR_TRAINING = ('panoptic_head.text_mapper.', 'panoptic_head.contrastive_loss.')
CONSTANTS = ('num_batches_tracked', *(end for backbone in BACKBONES.values() for end in backbone.constants))
REMEDY = '; start a new training from the checkpoint with load_from, which matches classes by name'


@HOOKS.register_module()
class FineTuningHook(Hook):
    """Adapts the weights of ``load_from`` to the model before training loads them, and checks that they fit.

    Classes are matched by name, and what is kept is logged. A run that is resumed or tested must have the classes of
    the checkpoint, in their order. Weights that do not fit are an error in all runs; mmengine would only warn, and
    keep the random values of the model.
    """

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Replace tensors of the checkpoint that can be adapted, and check the others.

        Raises:
            ValueError: If a run is resumed or tested with other classes than those of the checkpoint; if the
                checkpoint has another number of classes than names; if other tensors are missing, unexpected or of
                another shape; or if a run is resumed from weights alone.
        """
        model = getattr(runner.model, 'module', runner.model)  # inside a wrapper for distributed training
        if not hasattr(model, 'dataset_meta'):
            return  # another model than ours
        file = runner._load_from or 'the checkpoint'
        weights = checkpoint.get('state_dict', checkpoint)
        plain = plain_weights(weights, file)
        weights.clear()
        weights.update(plain)
        stored = checkpoint.get('meta', {}).get('dataset_meta') or {}
        own = {key.removeprefix('module.'): value for key, value in runner.model.state_dict().items()}
        if not runner._resume and isinstance(runner.optim_wrapper, OptimWrapper):
            _adapt(weights, stored, own, model.dataset_meta['classes'])
        else:
            check_classes(stored, model.dataset_meta, REMEDY if runner._resume else '')
        _check_fit(weights, own, file, is_resumed=runner._resume)
        if runner._resume:
            _check_progress(checkpoint, file)


def _adapt(weights: dict[str, Tensor], stored: Mapping[str, Any], own: Mapping[str, Tensor], classes: Any) -> None:
    if CLASS_ROWS[0] not in weights:
        return
    names = stored.get('classes') or classes
    rows = len(weights[CLASS_ROWS[0]])
    if rows != len(names) + 1:
        raise ValueError(
            f'the weights of load_from have {rows - 1} classes, but {len(names)} names of classes: convert them '
            'again, or save them with the names in meta.dataset_meta'
        )
    queries, summaries = fit_queries(weights, own)
    weights.update(queries)
    if tuple(names) != tuple(classes):
        fitted, summary = fit_classes(weights, names, own, classes)
        weights.update(fitted)
        summaries.append(summary)
    for summary in summaries:
        print_log(f'fine-tuning: {summary}', logger='current')


def _check_fit(weights: Mapping[str, Tensor], own: Mapping[str, Tensor], file: object, *, is_resumed: bool) -> None:
    """Check names and shapes; converted weights may lack what only training needs."""
    check_keys(
        weights,
        own,
        source=file,
        is_optional=lambda key: key.endswith(CONSTANTS) or (not is_resumed and key.startswith(FOR_TRAINING)),
    )


def _check_progress(checkpoint: Mapping[str, Any], file: object) -> None:
    missing = [key for key in ('epoch', 'iter') if key not in checkpoint.get('meta', {})]
    if missing or 'message_hub' not in checkpoint:
        raise ValueError(
            f'{file} contains weights, but not the progress of a training to resume (meta.iter, message_hub): start '
            'a new training from it with load_from'
        )
