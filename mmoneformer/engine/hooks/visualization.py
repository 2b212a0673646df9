"""Images of the results, in validations and tests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.structures import DetDataSample
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmoneformer.datasets.transforms import LoadImageFromFile
from mmoneformer.registry import HOOKS
from mmoneformer.result_images import image_id, write_png
from mmoneformer.results.as_dict import as_dict
from mmoneformer.visualization import draw_sheet
from mmoneformer_deploy.result_files import FreeNames


@HOOKS.register_module()
class OneFormerVisualizationHook(Hook):
    """Draws the first images of each validation, and all images of a test.

    In a validation, the visualizer passes the annotation and the results to its backends as ``val_<img_id>``: the
    local one writes files, others show them next to the curves. In a test, the image and its results are written to
    ``<img_id>.png``. The names are those of ``FreeNames``: no image replaces another one, or a file of the user.

    Args:
        num_val_images: Images to draw in each validation.
        test_out_dir: Folder for the images of a test, created if it does not exist; None to write none.
        draw: Whether to pass the images of a test to the visualizer instead, if there is no folder for them. This and
            the others are what ``test.py --show-dir`` and ``--show`` of mmdet and mmseg set.
        show: Whether to open a window for each of them, too.
        wait_time: Seconds after which the window closes; 0 to wait for a key.
    """

    def __init__(
        self,
        *,
        num_val_images: int = 4,
        test_out_dir: str | None = None,
        draw: bool = False,
        show: bool = False,
        wait_time: float = 0,
    ) -> None:
        self.num_val_images = num_val_images
        self.draws_tests = show or (draw and test_out_dir is None)
        self.window = dict(show=show, wait_time=wait_time)
        self.test_out_dir = None if test_out_dir is None else Path(test_out_dir)
        self._load = LoadImageFromFile()

    def before_val_epoch(self, runner: Runner) -> None:
        """Start to count images."""
        self._remaining = self.num_val_images
        self._val_names = FreeNames()

    @master_only
    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence[DetDataSample] | None = None
    ) -> None:
        """Draw images of a batch, until enough are drawn."""
        samples = list(outputs or ())[: self._remaining]
        self._remaining -= len(samples)
        for sample in samples:
            name = self._val_names.claim(image_id(sample))
            runner.visualizer.add_datasample(f'val_{name}', self._read(sample), sample, step=runner.iter)

    def before_test(self, runner: Runner) -> None:
        """Create the folder."""
        if self.test_out_dir is not None:
            self.test_out_dir.mkdir(parents=True, exist_ok=True)
        self._test_names = FreeNames(self.test_out_dir)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence[DetDataSample] | None = None
    ) -> None:
        """Draw the images of a batch.

        Raises:
            OSError: If an image cannot be read again, or a file cannot be written.
        """
        if self.test_out_dir is None and not self.draws_tests:
            return
        model = getattr(runner.model, 'module', runner.model)  # inside a wrapper for distributed training
        for sample in outputs or ():
            pixels = self._read(sample)
            image = f'{image_id(sample)} {sample.img_path}'
            name = self._test_names.claim(image_id(sample), lambda name: [f'{name}.png'], image)
            if self.test_out_dir is not None:
                results = as_dict(sample, model.dataset_meta, model.test_cfg.tasks)
                sheet = draw_sheet(pixels, results, model.dataset_meta)
                write_png(self.test_out_dir / f'{name}.png', sheet[..., ::-1], image)
            if self.draws_tests:
                runner.visualizer.add_datasample(f'test_{name}', pixels, sample, **self.window)

    def _read(self, sample: DetDataSample) -> np.ndarray:
        """Read the image, RGB."""
        return self._load({'img_path': sample.img_path})['img'][..., ::-1]
