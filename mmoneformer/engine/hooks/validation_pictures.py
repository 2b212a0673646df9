"""Pictures of the results while training."""

from collections.abc import Sequence
from typing import Any

from mmdet.structures import DetDataSample
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmoneformer.datasets.transforms import LoadImageFromFile
from mmoneformer.registry import HOOKS


@HOOKS.register_module()
class ValidationPicturesHook(Hook):
    """Draws the first images of each validation, so that they can be compared over time.

    The visualizer hands them to its backends, as ``val_<img_id>``: the local one writes files, others show them beside
    the curves.

    Args:
        count: How many images.
    """

    def __init__(self, *, count: int = 4) -> None:
        self.count = count
        self._load = LoadImageFromFile()

    def before_val_epoch(self, runner: Runner) -> None:
        """Begin to count."""
        self._left = self.count

    @master_only
    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence[DetDataSample] | None = None
    ) -> None:
        """Draw images of a batch, annotation and results beside each other."""
        drawn = list(outputs or ())[: self._left]
        self._left -= len(drawn)
        for sample in drawn:
            image = self._load({'img_path': sample.img_path})['img'][..., ::-1]
            runner.visualizer.add_datasample(f'val_{sample.img_id}', image, sample, step=runner.iter)
