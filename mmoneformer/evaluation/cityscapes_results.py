"""Result folders that Cityscapes' test server takes."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmoneformer.evaluation.task_metric import check_task_token
from mmoneformer.metainfo import category_ids
from mmoneformer.registry import METRICS


class _CityscapesResults(BaseMetric):
    """Writes files in place of measuring; needs no ground truth.

    Args:
        out_dir: Folder to write to.
        kwargs: Of mmengine's ``BaseMetric``.
    """

    default_prefix = ''
    task: str

    def __init__(self, *, out_dir: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.out_dir = Path(out_dir)

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Write the results of a batch.

        Raises:
            ValueError: If a result was read under another task's token, or the classes are not Cityscapes'.
        """
        label_ids = category_ids('cityscapes', self.dataset_meta['classes'])
        for sample in data_samples:
            check_task_token(sample, self.task, any_token=False)
            self.results.append(str(self._write(sample, label_ids)))

    def compute_metrics(self, results: Sequence[str]) -> dict[str, float]:
        """Say where the files are; there is no metric."""
        print_log(f'results of {len(results)} images: {self.out_dir}', 'current')
        return {}

    @abstractmethod
    def _write(self, sample: Mapping[str, Any], label_ids: Sequence[int]) -> Path:
        """Write the result of an image, and say where."""


@METRICS.register_module()
class CityscapesSemanticResults(_CityscapesResults):
    """Writes a PNG of label ids for each image."""

    task = 'semantic'

    def _write(self, sample: Mapping[str, Any], label_ids: Sequence[int]) -> Path:
        labels = sample['pred_sem_seg']['sem_seg'][0].cpu().numpy()
        path = self.out_dir / f'{Path(sample["img_path"]).stem}.png'
        _write_png(path, np.array(label_ids, dtype=np.uint8)[labels])
        return path


@METRICS.register_module()
class CityscapesInstanceResults(_CityscapesResults):
    """Writes a text file for each image, with a line for each instance, and a PNG for each instance's mask."""

    task = 'instance'

    def _write(self, sample: Mapping[str, Any], label_ids: Sequence[int]) -> Path:
        return write_instances(self.out_dir, sample, label_ids)


def write_instances(folder: Path, sample: Mapping[str, Any], label_ids: Sequence[int]) -> Path:
    """Write the instances of an image as cityscapesscripts reads them.

    Args:
        folder: Where to.
        sample: A data sample as dict.
        label_ids: Cityscapes' label id of each class.

    Returns:
        The text file; its lines are mask file, label id and score.
    """
    stem = Path(sample['img_path']).stem
    instances = sample['pred_instances']
    columns = (instances['masks'].cpu().numpy(), instances['labels'].tolist(), instances['scores'].tolist())
    lines = []
    for number, (mask, label, score) in enumerate(zip(*columns, strict=True)):
        name = f'{stem}_{number}.png'
        _write_png(folder / name, mask.astype(np.uint8) * 255)
        lines.append(f'{name} {label_ids[label]} {score}\n')
    path = folder / f'{stem}_pred.txt'
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(lines))
    return path


def _write_png(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode('.png', pixels)[1].tobytes())
