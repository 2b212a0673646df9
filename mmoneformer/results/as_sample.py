"""Results as data samples, from their dicts: for metrics and for tools of OpenMMLab."""

from collections.abc import Callable

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData

from mmoneformer.metainfo import Metainfo
from mmoneformer.structures.panoptic_ids import encode_panoptic
from mmoneformer.tasks import TaskTable
from mmoneformer_deploy.result_dicts import ResultDict
from mmoneformer_deploy.run_lengths import decode_mask


def add_results(sample: DetDataSample, results: ResultDict, metainfo: Metainfo) -> None:
    """Add results to a data sample, in the fields in which the model has them.

    Args:
        sample: Has ``ori_shape``, the size of the results.
        results: Results by task, as of ``as_dict``.
        metainfo: The classes.
    """
    for task, result in results.items():
        ADD_RESULT[task](sample, result, metainfo)


def add_panoptic(sample: DetDataSample, result: ResultDict, metainfo: Metainfo) -> None:
    """Add ``pred_panoptic_seg`` and ``pred_segments``; things are numbered in their order."""
    values, things = [len(metainfo['classes'])], 0
    for segment in result['segments']:
        things += segment['is_thing']
        values.append(encode_panoptic(segment['label'], things * segment['is_thing']))
    pixels = torch.tensor(values)[torch.from_numpy(result['id_map'].astype(np.int64))]
    scores = torch.tensor([segment['score'] for segment in result['segments']])
    sample.pred_panoptic_seg = PixelData(sem_seg=pixels[None])
    sample.pred_segments = InstanceData(ids=torch.tensor(values[1:], dtype=torch.int64), scores=scores)


def add_instances(sample: DetDataSample, result: ResultDict, metainfo: Metainfo) -> None:
    """Add ``pred_instances``."""
    masks = np.zeros((len(result['masks']), *sample.ori_shape), bool)
    for number, mask in enumerate(result['masks']):
        masks[number] = decode_mask(mask)
    sample.pred_instances = InstanceData(
        masks=torch.from_numpy(masks),
        labels=torch.tensor(result['labels'], dtype=torch.int64),
        scores=torch.tensor(result['scores']),
        bboxes=torch.tensor(result['bboxes']).reshape(-1, 4),
    )


def add_semantic(sample: DetDataSample, result: ResultDict, metainfo: Metainfo) -> None:
    """Add ``pred_sem_seg``."""
    labels = torch.from_numpy(result['label_map']).long()[None]
    sample.pred_sem_seg = PixelData(sem_seg=labels, data=labels)


ADD_RESULT = TaskTable[Callable[[DetDataSample, ResultDict, Metainfo], None]](
    'mmoneformer.results.as_sample.ADD_RESULT',
    {'panoptic': add_panoptic, 'instance': add_instances, 'semantic': add_semantic},
)
