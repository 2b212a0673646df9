"""The visualizer for mmengine's runner and for the hooks and inferencers of mmdet and mmseg."""

from itertools import count
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from mmdet.structures import DetDataSample
from mmseg.visualization import SegLocalVisualizer

from mmoneformer.metainfo import Metainfo
from mmoneformer.registry import VISUALIZERS
from mmoneformer.results.as_dict import as_dict, tasks_of
from mmoneformer.visualization.regions import (
    annotated_regions,
    instance_regions,
    result_regions,
    semantic_regions,
    with_colors,
)
from mmoneformer_drawing.painting import OPACITY
from mmoneformer_drawing.regions import SHOWN_SCORE, Regions
from mmoneformer_drawing.sheet import draw_panels


@VISUALIZERS.register_module()
class OneFormerVisualizer(SegLocalVisualizer):
    """Draws an image, its annotation and its results of all tasks side by side.

    It inherits from mmseg's visualizer because mmseg's inferencer accepts no other.

    Args:
        name: Name of the instance.
        alpha: Opacity of the colors, 0 to 1.
        kwargs: Arguments of ``SegLocalVisualizer``: ``vis_backends``, ``save_dir``, ``classes``, ``palette``.
    """

    def __init__(self, name: str = 'visualizer', *, alpha: float = OPACITY, **kwargs: Any) -> None:
        super().__init__(name, alpha=alpha, **kwargs)

    @classmethod
    def get_instance(cls, name: str | None = None, **kwargs: Any) -> 'OneFormerVisualizer':
        """Build an instance; without a name, as in our configs, a new one with a name of its own."""
        if name is None:
            names = (f'visualizer_{number}' for number in count())
            name = next(name for name in names if not cls.check_instance_created(name))
        return super().get_instance(name, **kwargs)

    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: DetDataSample | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        step: int = 0,
        with_labels: bool = True,
        pred_score_thr: float = SHOWN_SCORE,
    ) -> None:
        """Draw a sheet, and show it, write it to a file, or pass it to the backends.

        Args:
            name: Name of the image.
            image: RGB, uint8 [H, W, 3].
            data_sample: Annotation and results; fields that it does not have are not drawn.
            draw_gt: Whether to draw the annotation.
            draw_pred: Whether to draw the results.
            show: Whether to open a window.
            wait_time: Seconds after which the window closes; 0 to wait for a key.
            out_file: Path to write to, instead of the backends; its folder is created if it does not exist.
            step: Step of the image, for the backends.
            with_labels: Whether to write names on the regions.
            pred_score_thr: Instances with a lower score are left out.

        Raises:
            OSError: If the file cannot be written.
        """
        sample = DetDataSample() if data_sample is None else data_sample
        panels = self._annotation(sample) if draw_gt else {}
        if draw_pred:
            panels |= self._results(sample, (image.shape[0], image.shape[1]), pred_score_thr)
        sheet = draw_panels(image, panels, with_colors(self.dataset_meta), opacity=self.alpha, names=with_labels)
        self.set_image(sheet)
        if show:
            self.show(sheet, win_name=name, wait_time=wait_time)
        if out_file is None:
            self.add_image(name, sheet, step)
        else:
            _write(Path(out_file), sheet)

    def _annotation(self, sample: DetDataSample) -> dict[str, Regions]:
        if 'gt_panoptic_seg' in sample:
            id_map = sample.gt_panoptic_seg.id_map[0].cpu().numpy()
            return {'Annotation': annotated_regions(id_map, sample.segments, self.dataset_meta)}
        if 'gt_instances' in sample:
            masks, labels = sample.gt_instances.masks.cpu().numpy(), sample.gt_instances.labels.cpu().numpy()
            regions = instance_regions(masks, labels, np.ones(len(labels)), self.dataset_meta)
            names = [self.dataset_meta['classes'][label] for label in regions.labels]
            return {'Annotation': regions._replace(texts=names, scores=None)}
        if 'gt_sem_seg' in sample:
            label_map = sample.gt_sem_seg.sem_seg[0].cpu().numpy()
            return {'Annotation': semantic_regions(label_map, self.dataset_meta)}
        return {}

    def _results(self, sample: DetDataSample, size: tuple[int, int], min_score: float) -> dict[str, Regions]:
        metainfo = {'thing_ids': (), **self.dataset_meta}  # mmseg's functions set classes and palette alone
        results = as_dict(sample, cast(Metainfo, metainfo), tasks_of(sample))
        return {
            task.capitalize(): result_regions(results, task, size, self.dataset_meta, min_score=min_score)
            for task in results
        }


def _write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), image[..., ::-1]):
        raise OSError(f'cannot write {path}')
