"""Training that starts from the weights of a model with other classes."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

from mmoneformer.checkpoints.fine_tuning import CLASS_ROWS, fit_classes, fit_queries
from mmoneformer.registry import HOOKS


@HOOKS.register_module()
class FineTuningHook(Hook):
    """Adapts the weights of ``load_from`` to the model before training loads them, and logs what is kept.

    Classes are matched by name. In a run that is resumed or tested nothing is changed, because its classes are those
    that the checkpoint was trained with.
    """

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Replace tensors of the checkpoint that do not fit.

        Raises:
            ValueError: If the checkpoint has another number of classes than the model, but not their names.
        """
        weights = checkpoint.get('state_dict', checkpoint)
        is_training = isinstance(runner.optim_wrapper, OptimWrapper)
        if runner._resume or not is_training or CLASS_ROWS[0] not in weights:
            return
        model = getattr(runner.model, 'module', runner.model)  # inside a wrapper for distributed training
        own = {key.removeprefix('module.'): value for key, value in runner.model.state_dict().items()}
        classes = model.dataset_meta['classes']
        stored = checkpoint.get('meta', {}).get('dataset_meta', {}).get('classes', classes)
        rows = len(weights[CLASS_ROWS[0]])
        if rows != len(stored) + 1:
            raise ValueError(
                f'the weights of load_from have {rows - 1} classes, but {len(stored)} names of classes: convert them '
                'again, or save them with the names in meta.dataset_meta'
            )
        queries, summaries = fit_queries(weights, own)
        weights.update(queries)
        if tuple(stored) != tuple(classes):
            fitted, summary = fit_classes(weights, stored, own, classes)
            weights.update(fitted)
            summaries.append(summary)
        for summary in summaries:
            print_log(f'fine-tuning: {summary}', logger='current')
