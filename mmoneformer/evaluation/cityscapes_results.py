"""Result files for the test server of Cityscapes."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmoneformer.evaluation.task_metric import ResultsMetric
from mmoneformer.metainfo import category_ids
from mmoneformer.registry import METRICS
from mmoneformer.result_images import write_png
from mmoneformer_deploy.atomic_files import write_bytes


class _CityscapesResults(ResultsMetric):
    """Writes files of each image.

    Args:
        out_dir: Folder to write to.
        kwargs: Arguments of ``TaskMetric``.
    """

    has_text = False

    def __init__(self, *, out_dir: str, **kwargs: Any) -> None:
        self.out_dir = Path(out_dir)
        super().__init__(folder=None if self.has_text else self.out_dir, **kwargs)  # texts have no mark

    def process_image(self, sample: dict[str, Any]) -> None:
        """Write the result of an image.

        Raises:
            ValueError: If the classes are not those of Cityscapes.
        """
        label_ids = category_ids('cityscapes', self.dataset_meta['classes'])
        self.results.append(str(self._write(sample, label_ids)))

    def compute(self, results: Sequence[str]) -> dict[str, float]:
        """Log where the files are; there is no metric."""
        print_log(f'results of {len(results)} images: {self.out_dir}', 'current')
        return {}

    @abstractmethod
    def _write(self, sample: Mapping[str, Any], label_ids: Sequence[int]) -> Path:
        """Write the result of an image, and return the path."""


@METRICS.register_module()
class CityscapesSemanticResults(_CityscapesResults):
    """Writes a PNG of label ids for each image."""

    task = 'semantic'

    def _write(self, sample: Mapping[str, Any], label_ids: Sequence[int]) -> Path:
        labels = sample['pred_sem_seg']['sem_seg'][0].cpu().numpy()
        path = self.out_dir / f'{self.claim_name(sample, lambda name: [f"{name}.png"])}.png'
        write_png(path, np.array(label_ids, dtype=np.uint8)[labels], str(sample['img_path']))
        return path


@METRICS.register_module()
class CityscapesInstanceResults(_CityscapesResults):
    """Writes a text file for each image, with a line for each instance, and a PNG for each instance's mask."""

    task = 'instance'
    has_text = True

    def _write(self, sample: Mapping[str, Any], label_ids: Sequence[int]) -> Path:
        name = self.claim_name(sample, lambda name: [f'{name}_pred.txt'])
        return write_instances(self.out_dir, name, sample, label_ids)


def write_instances(folder: Path, stem: str, sample: Mapping[str, Any], label_ids: Sequence[int]) -> Path:
    """Write the instances of an image as cityscapesscripts reads them.

    Args:
        folder: Folder to write to.
        stem: What the names of the files begin with.
        sample: A data sample as dict.
        label_ids: Cityscapes' label id of each class.

    Returns:
        The text file; its lines are mask file, label id and score.
    """
    instances = sample['pred_instances']
    columns = (instances['masks'].cpu().numpy(), instances['labels'].tolist(), instances['scores'].tolist())
    lines = []
    for number, (mask, label, score) in enumerate(zip(*columns, strict=True)):
        name = f'{stem}_{number}.png'
        write_png(folder / name, mask.astype(np.uint8) * 255)
        lines.append(f'{name} {label_ids[label]} {score}\n')
    path = folder / f'{stem}_pred.txt'
    write_bytes(path, ''.join(lines).encode())
    return path
