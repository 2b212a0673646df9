"""Packs a sample for the model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData
from torch import Tensor

from mmoneformer.metainfo import IGNORED_LABEL
from mmoneformer.registry import TRANSFORMS
from mmoneformer.structures.target_masks import TargetMasks, id_map_tensor
from mmoneformer.tasks import TASKS


@TRANSFORMS.register_module()
class PackOneFormerInputs(BaseTransform):
    """Turn a sample into ``inputs`` (uint8 [3, H, W], 0 to 255, channels as loaded: BGR) and ``data_samples``.

    What the data sample holds follows from what the pipeline has made:

    - after ``SampleTask``, the training targets: ``targets`` (``Targets``);
    - with an id map alone, the ground truth of evaluation, as far as the annotation tells it (metainfo ``tasks``):
      ``gt_panoptic_seg.sem_seg`` [1, H, W] (pixel value i + 1 belongs to ``segments[i]``, 0 is void) and as metainfo
      ``segments``; ``gt_sem_seg`` with one uint8 map [1, H, W] of class indices as both ``sem_seg`` and ``data``, 255
      where a pixel has no class: the map of ``LoadLabelMap`` or else the class of each segment, crowds too, as in the
      semantic maps of COCO and Cityscapes; of an annotation of instances alone, ``gt_instances`` with ``masks`` (bool
      [N, H, W]), ``labels`` and ``iscrowd`` [N] instead;
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
            'tasks',
            'unlabeled_ids',
        ),
    ) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack the sample."""
        data_sample = DetDataSample(metainfo={key: results[key] for key in self.meta_keys if key in results})
        if 'targets' in results:
            data_sample.targets = results['targets']
        elif 'gt_seg_map' in results:
            add = _add_instances if 'gt_members' in results else _add_ground_truth
            add(data_sample, results)
        return {'inputs': _image_tensor(results['img']), 'data_samples': data_sample}


def _add_instances(data_sample: DetDataSample, results: Mapping[str, Any]) -> None:
    segments, members = results['segments'], torch.from_numpy(results['gt_members'])
    data_sample.gt_instances = InstanceData(
        masks=TargetMasks(id_map_tensor(results['gt_seg_map']), len(segments), members).dense(),
        labels=torch.tensor([segment['label'] for segment in segments], dtype=torch.int64),
        iscrowd=torch.tensor([segment['iscrowd'] for segment in segments], dtype=torch.int64),
    )


def _add_ground_truth(data_sample: DetDataSample, results: Mapping[str, Any]) -> None:
    seg_map, segments = results['gt_seg_map'], results['segments']
    if 'panoptic' in results.get('tasks', TASKS):
        data_sample.set_metainfo({'segments': segments})
        data_sample.gt_panoptic_seg = PixelData(sem_seg=id_map_tensor(seg_map)[None])
    labels = results['gt_label_map'] if 'gt_label_map' in results else _label_map(seg_map, segments)
    label_map = torch.from_numpy(labels)[None]
    data_sample.gt_sem_seg = PixelData(sem_seg=label_map, data=label_map)


def _label_map(seg_map: np.ndarray, segments: Sequence[Mapping[str, int]]) -> np.ndarray:
    """Class of each pixel's segment, uint8 [H, W]."""
    label_of = np.full(len(segments) + 1, IGNORED_LABEL, np.uint8)
    for segment in segments:
        label_of[segment['id']] = segment['label']
    return label_of[seg_map]


def _image_tensor(image: np.ndarray) -> Tensor:
    if image.dtype != np.uint8:  # mmdet's color jitter leaves floats, some outside of the range
        image = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    # a copy: a flipped array has negative strides, which numpy takes for contiguous where a side is 1
    return torch.from_numpy(np.array(image.transpose(2, 0, 1), order='C'))
