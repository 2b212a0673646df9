"""Fine-tuning: training begins with the weights of a model of other classes."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

from mmoneformer.checkpoints.fine_tuning import CLASS_ROWS, fit_classes, fit_queries
from mmoneformer.registry import HOOKS


@HOOKS.register_module()
class FineTuningHook(Hook):
    """Makes the weights of ``load_from`` fit the model, before training loads them, and says in the log what it kept.

    Classes are matched by their names, whatever their order. A run that is resumed or tested has the classes that the
    checkpoint was trained with, so nothing is changed then.
    """

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Replace in the checkpoint what does not fit.

        Raises:
            ValueError: If the weights have another number of classes than the model, and do not carry their names.
        """
        weights = checkpoint.get('state_dict', checkpoint)
        is_training = isinstance(runner.optim_wrapper, OptimWrapper)
        if runner._resume or not is_training or CLASS_ROWS[0] not in weights:
            return
        model = getattr(runner.model, 'module', runner.model)  # behind a wrapper for several processes
        own = {key.removeprefix('module.'): value for key, value in runner.model.state_dict().items()}
        classes = model.dataset_meta['classes']
        stored = checkpoint.get('meta', {}).get('dataset_meta', {}).get('classes', classes)
        rows = len(weights[CLASS_ROWS[0]])
        if rows != len(stored) + 1:
            raise ValueError(
                f'load_from has {rows - 1} classes and names {len(stored)}: it is unknown which rows to '
                'keep without the names'
            )
        queries, sentences = fit_queries(weights, own)
        weights.update(queries)
        if tuple(stored) != tuple(classes):
            fitted, sentence = fit_classes(weights, stored, own, classes)
            weights.update(fitted)
            sentences.append(sentence)
        for sentence in sentences:
            print_log(f'fine-tuning: {sentence}', logger='current')
