"""Packs a sample for the model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.structures import DetDataSample
from mmengine.structures import PixelData
from torch import Tensor

from mmoneformer.metainfo import IGNORED_LABEL
from mmoneformer.registry import TRANSFORMS
from mmoneformer.structures.target_masks import TargetMasks


@TRANSFORMS.register_module()
class PackOneFormerInputs(BaseTransform):
    """Turn a sample into ``inputs`` (uint8 [3, H, W], 0 to 255, channels as loaded: BGR) and ``data_samples``.

    What the data sample holds follows from what the pipeline has made:

    - behind ``SampleTask``, training targets: ``gt_masks`` (``TargetMasks``), ``gt_labels`` (int64 [N]), and as
      metainfo ``task`` and ``texts``;
    - with an id map alone, the ground truth of evaluation: ``gt_panoptic_seg.sem_seg`` [1, H, W] (pixel value i + 1
      belongs to ``segments[i]``, 0 is void), as metainfo ``segments``, and ``gt_sem_seg`` with one uint8 map [1, H, W]
      of class indices as both ``sem_seg`` and ``data``, 255 where a pixel has no class; crowds have theirs, as in the
      semantic maps of COCO and Cityscapes;
    - else nothing but metainfo.

    Args:
        meta_keys: Keys that become metainfo, where the sample has them.
    """

    def __init__(
        self,
        *,
        meta_keys: Sequence[str] = (
            'img_id',
            'img_path',
            'ori_shape',
            'img_shape',
            'scale_factor',
            'flip',
            'flip_direction',
        ),
    ) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack the sample."""
        data_sample = DetDataSample(metainfo={key: results[key] for key in self.meta_keys if key in results})
        if 'gt_target_map' in results:
            _add_targets(data_sample, results)
        elif 'gt_seg_map' in results:
            _add_ground_truth(data_sample, results)
        return {'inputs': _image_tensor(results['img']), 'data_samples': data_sample}


def _add_targets(data_sample: DetDataSample, results: Mapping[str, Any]) -> None:
    data_sample.set_metainfo({'task': results['task'], 'texts': results['texts']})
    data_sample.gt_masks = TargetMasks(_map_tensor(results['gt_target_map']), len(results['gt_labels']))
    data_sample.gt_labels = torch.from_numpy(results['gt_labels'])


def _add_ground_truth(data_sample: DetDataSample, results: Mapping[str, Any]) -> None:
    seg_map, segments = results['gt_seg_map'], results['segments']
    data_sample.set_metainfo({'segments': segments})
    data_sample.gt_panoptic_seg = PixelData(sem_seg=_map_tensor(seg_map)[None])
    label_of = np.full(len(segments) + 1, IGNORED_LABEL, np.uint8)
    for segment in segments:
        label_of[segment['id']] = segment['label']
    label_map = torch.from_numpy(label_of[seg_map])[None]
    data_sample.gt_sem_seg = PixelData(sem_seg=label_map, data=label_map)


def _map_tensor(id_map: np.ndarray) -> Tensor:
    """An id map as a tensor, uint8 or int32: torch has few operators for uint16."""
    return torch.from_numpy(np.ascontiguousarray(id_map if id_map.dtype == np.uint8 else id_map.astype(np.int32)))


def _image_tensor(image: np.ndarray) -> Tensor:
    if image.dtype != np.uint8:  # mmdet's colour jitter leaves floats, some outside of the range
        image = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
