"""Pictures of the results while testing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
from mmdet.structures import DetDataSample
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmoneformer.registry import HOOKS
from mmoneformer.visualization import draw_sheet


@HOOKS.register_module()
class ResultPicturesHook(Hook):
    """Writes each tested image and its results, beside each other, to ``<img_id>.png``.

    Args:
        out_dir: Folder of the pictures; made if it is not there.
    """

    def __init__(self, out_dir: str) -> None:
        self.out_dir = Path(out_dir)

    def before_test(self, runner: Runner) -> None:
        """Make the folder."""
        self.out_dir.mkdir(parents=True, exist_ok=True)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence[DetDataSample] | None = None
    ) -> None:
        """Draw the images of a batch.

        Raises:
            OSError: If an image cannot be read again, or a picture not be written.
        """
        model = getattr(runner.model, 'module', runner.model)  # behind a wrapper for several processes
        for sample in outputs or []:
            image = cv2.imread(sample.img_path)
            if image is None:
                raise OSError(f'cannot read {sample.img_path}')
            picture = draw_sheet(image[..., ::-1], sample, model.dataset_meta, model.test_cfg.tasks)
            path = self.out_dir / f'{sample.img_id}.png'
            if not cv2.imwrite(str(path), picture[..., ::-1]):
                raise OSError(f'cannot write {path}')
