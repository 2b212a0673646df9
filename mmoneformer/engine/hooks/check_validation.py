"""Finds what does not fit in the validation of a training before its first iteration, and not hours later."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import CheckpointHook, EarlyStoppingHook, Hook
from mmengine.runner import Runner, autocast

from mmoneformer.evaluation.task_metric import SKIPPED, TaskMetric
from mmoneformer.registry import HOOKS


@HOOKS.register_module()
class CheckValidationHook(Hook):
    """Validates the first image before the training: test pipeline, tasks of the model, metrics and their names.

    All metrics measure the image, except for those that write files. Their results are dropped. The labels of mmdet's
    metrics are checked before tests and validations, too.
    """

    def before_test(self, runner: Runner) -> None:
        """Check the labels of the metrics, as ``check_labels``."""
        check_labels(runner.test_loop.evaluator.metrics)

    def before_val(self, runner: Runner) -> None:
        """Check the labels of the metrics, as ``check_labels``."""
        check_labels(getattr(getattr(runner.val_loop, 'evaluator', None), 'metrics', ()))

    def before_train(self, runner: Runner) -> None:
        """Validate the first image.

        Raises:
            ValueError: If no metric has the name by which the best checkpoint is chosen; and whatever the first
                validation would raise.
        """
        loop = runner.val_loop
        if not hasattr(loop, 'evaluator') or not _validates(runner):
            return
        check_labels(loop.evaluator.metrics)
        batch = loop.dataloader.collate_fn([loop.dataloader.dataset[0]])
        runner.model.eval()
        with torch.no_grad(), autocast(enabled=getattr(loop, 'fp16', False)):
            outputs = runner.model.val_step(batch)
        samples = [sample if isinstance(sample, dict) else sample.to_dict() for sample in outputs]
        metrics = [metric for metric in loop.evaluator.metrics if getattr(metric, 'needs_ground_truth', True)]
        try:
            for metric in metrics:
                metric.process(batch, samples)
            check_names(runner.hooks, measured_names(loop.evaluator.metrics))
        finally:
            for metric in metrics:
                metric.results.clear()


def check_labels(metrics: Sequence[BaseMetric]) -> None:
    """Check the labels of metrics of mmdet that read an ``ann_file``, where label i is its i-th category.

    Raises:
        ValueError: If it is not the i-th class.
    """
    for metric in metrics:
        coco, classes = getattr(metric, '_coco_api', None), (metric.dataset_meta or {}).get('classes', ())
        if coco is None:
            continue
        names = [coco.cats[category_id]['name'] for category_id in coco.get_cat_ids(cat_names=classes)]
        wrong = [label for label, (name, own) in enumerate(zip(names, classes, strict=False)) if name != own]
        if wrong:
            raise ValueError(
                f'mmdet.{type(metric).__name__} takes label {wrong[0]} for the category {names[wrong[0]]!r} of its '
                f"ann_file, but it is the class {classes[wrong[0]]!r}: leave out ann_file, with 'instances' among the "
                'meta_keys of PackOneFormerInputs, or use ThingInstanceAP or PanopticQuality'
            )


def measured_names(metrics: Sequence[BaseMetric]) -> set[str] | None:
    """Names of what is measured.

    Args:
        metrics: They have processed an image.

    Returns:
        The names; None if they are not known, as those of metrics of other packages, which depend on what is found.
    """
    if not all(isinstance(metric, TaskMetric) for metric in metrics):
        return None
    names: set[str] = set()
    for metric in metrics:
        if all(result is SKIPPED for result in metric.results):
            if metric.needs_ground_truth:
                return None
            continue  # it writes files
        with _silence():
            measured = metric.compute_metrics(metric.results)
        names.update(f'{metric.prefix}/{name}' if metric.prefix else name for name in measured)
    return names


def check_names(hooks: Sequence[Hook], names: set[str] | None) -> None:
    """Check the names that hooks look for among the metrics.

    Raises:
        ValueError: If a metric is missing.
    """
    for hook in hooks:
        if isinstance(hook, CheckpointHook) and hook.save_best:
            setting, wanted = 'save_best of the checkpoint hook', hook.key_indicators
        elif isinstance(hook, EarlyStoppingHook):
            setting, wanted = 'monitor of EarlyStoppingHook', [hook.monitor]
        else:
            continue
        missing = [name for name in wanted if names is not None and name != 'auto' and name not in names]
        if missing:
            raise ValueError(
                f'{setting} is {missing[0]!r}, which no metric of val_evaluator measures: choose one of '
                f'{sorted(names or ())}, or add the metric'
            )


def _validates(runner: Runner) -> bool:
    """Whether there is a validation in the rest of the training."""
    loop = runner.train_loop
    return loop.iter < loop.max_iters and getattr(loop, 'val_begin', 1) <= max(loop.max_iters, loop.max_epochs)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep tables and warnings about a single image out of the log."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(previous)
