"""Results as what the metrics of torchmetrics take as predictions."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mmoneformer.metainfo import Metainfo
from mmoneformer.results.segments import result_of, segments_of
from mmoneformer.tasks import TaskTable
from mmoneformer_deploy.result_dicts import NO_CLASS, ResultDict


def to_torchmetrics(results: ResultDict, task: str, metainfo: Metainfo) -> dict[str, Tensor] | Tensor:
    """Convert the result of a task; torchmetrics itself is not needed.

    The instance task's, for ``MeanAveragePrecision``, is a dict of ``boxes`` (float [N, 4], x1, y1, x2, y2),
    ``scores`` and ``labels`` [N], and ``masks`` (bool [N, H, W]). The panoptic task's, for ``PanopticQuality``, has
    class and id of the segment of each pixel, int64 [1, H, W, 2]. Where there is no segment, the class is K, which
    the metric must know as stuff: it leaves out what lies below an unknown one, and so would not count what is
    missed there. The semantic task's, for ``MeanIoU`` and ``JaccardIndex``, has class indices, int64 [1, H, W]; pixels
    that do not count, which only rasters have, are of a class K, which the metric must know as well.

    Args:
        results: The prediction for an image.
        task: Of which task.
        metainfo: The classes.

    Returns:
        An input of ``update``, for one image.

    Raises:
        ValueError: If the results lack the task.
    """
    return INPUTS[task](results, task, metainfo)


def _instances(results: ResultDict, task: str, metainfo: Metainfo) -> dict[str, Tensor]:
    segments = list(segments_of(results, task, metainfo))
    masks = [torch.from_numpy(np.ascontiguousarray(segment.mask)) for segment in segments]
    return {
        'boxes': torch.tensor([segment.box for segment in segments], dtype=torch.float32).reshape(-1, 4),
        'scores': torch.tensor([segment.score for segment in segments], dtype=torch.float32),
        'labels': torch.tensor([segment.label for segment in segments], dtype=torch.int64),
        'masks': torch.stack(masks) if masks else torch.zeros(0, 1, 1, dtype=torch.bool),
    }


def _panoptic(results: ResultDict, task: str, metainfo: Metainfo) -> Tensor:
    panoptic = result_of(results, task)
    ids = torch.from_numpy(panoptic['id_map'].astype(np.int64))
    label_of = torch.full((int(ids.max()) + 1,), len(metainfo['classes']))
    for segment in panoptic['segments']:
        label_of[segment['id']] = segment['label']
    return torch.stack([label_of[ids], ids], dim=-1)[None]


def _semantic(results: ResultDict, task: str, metainfo: Metainfo) -> Tensor:
    labels = torch.from_numpy(result_of(results, task)['label_map'].astype(np.int64))[None]
    return labels.where(labels != NO_CLASS, len(metainfo['classes']))


INPUTS = TaskTable[Callable[[ResultDict, str, Metainfo], dict[str, Tensor] | Tensor]](
    'mmoneformer.results.to_torchmetrics.INPUTS',
    {'panoptic': _panoptic, 'instance': _instances, 'semantic': _semantic},
)
