"""Packs a sample for the model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData
from pycocotools import mask as coco_mask
from torch import Tensor

from mmoneformer.metainfo import IGNORED_LABEL
from mmoneformer.registry import TRANSFORMS
from mmoneformer.structures import SegmentMap
from mmoneformer.structures.panoptic_ids import segment_values
from mmoneformer.structures.targets import id_map_tensor


@TRANSFORMS.register_module()
class PackOneFormerInputs(BaseTransform):
    """Convert a sample to ``inputs`` (uint8 [3, H, W], 0 to 255, channels as loaded: BGR) and ``data_samples``.

    The data sample has:

    - after ``SampleTask``, the training targets: ``targets`` (``Targets``);
    - with an id map only, the ground truth of evaluation, which depends on the ``annotation``:

      - panoptic: ``gt_panoptic_seg`` with ``sem_seg``, an array [1, H, W], encoded as the results are
        (``structures.panoptic_ids``), and ``id_map`` [1, H, W], where pixel value i + 1 belongs to ``segments[i]`` and
        0 is void; ``segments`` as metainfo; and the semantic ground truth;
      - semantic: ``gt_sem_seg``, with one uint8 map [1, H, W] of class indices as both ``sem_seg`` and ``data``, 255
        for pixels without a class: the map of ``LoadLabelMap``, or else the class of each segment including crowds,
        as in the semantic maps of COCO and Cityscapes;
      - instance: ``gt_instances`` with ``masks`` (bool [N, H, W]), ``labels`` and ``iscrowd`` [N];

    - otherwise only metainfo.

    Args:
        meta_keys: Keys of the sample that become metainfo, if they exist. ``instances`` are made of the annotated
            things for metrics of mmdet, which other keys have no need of: ``bbox``, ``bbox_label``, ``mask`` as run
            lengths, ``ignore_flag``.

    Raises:
        ValueError: When called, if the ground truth of evaluation does not have the size of the image as loaded.
    """

    def __init__(
        self,
        *,
        meta_keys: Sequence[str] = (
            'img_id',
            'img_path',
            'seg_map_path',
            'ori_shape',
            'img_shape',
            'scale_factor',
            'flip',
            'flip_direction',
            'reduce_zero_label',
            'tasks',
            'unlabeled_ids',
        ),
    ) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack the sample."""
        data_sample = DetDataSample(metainfo={key: results[key] for key in self.meta_keys if key in results})
        if 'scale_factor' in data_sample and _is_resized_again(results):
            (height, width), (rows, columns) = results['img_shape'][:2], results['ori_shape'][:2]
            data_sample.set_metainfo({'scale_factor': (width / columns, height / rows)})
        if 'targets' in results:
            data_sample.targets = results['targets']
        elif 'gt_seg_map' in results:
            _check_size(results)
            for add in GROUND_TRUTH[results.get('annotation', 'panoptic')]:
                add(data_sample, results, SegmentMap.of_sample(results))
            if 'instances' in self.meta_keys:
                data_sample.set_metainfo({'instances': _as_instances(results, SegmentMap.of_sample(results))})
        return {'inputs': _image_tensor(results['img']), 'data_samples': data_sample}


def _is_resized_again(results: Mapping[str, Any]) -> bool:
    """Whether the scale factor is not that of all resizes together: mmcv keeps that of the last one."""
    if 'pad_fixed_size' in results or not {'img_shape', 'ori_shape'} <= results.keys():  # the image is padded
        return False
    factors = np.array(results['scale_factor'])[1::-1]  # of the width first
    expected = (np.array(results['ori_shape'][:2]) * factors + 0.5).astype(int)
    return bool((expected <= results['img_shape'][:2]).all() and (expected < results['img_shape'][:2]).any())


def _check_size(results: Mapping[str, Any]) -> None:
    """Check that the map has the size of the predictions."""
    size, original_size = results['gt_seg_map'].shape, results.get('ori_shape')
    if original_size is not None and tuple(original_size) != size:
        raise ValueError(
            f'gt_seg_map of {results.get("img_path")} has height and width {size}, but the image as loaded has '
            f'{tuple(original_size)}, in which results are compared: in a test pipeline, LoadPanopticMap or '
            'LoadSegments comes after the transforms that resize, crop or pad'
        )


def _add_panoptic(data_sample: DetDataSample, results: Mapping[str, Any], segment_map: SegmentMap) -> None:
    segments, void = results['segments'], len(results['classes'])
    data_sample.set_metainfo({'segments': segments})
    values = np.array([void, *segment_values(segments, results['thing_ids'])], np.int32)[segment_map.ids]
    data_sample.gt_panoptic_seg = PixelData(
        sem_seg=values[None],  # an array: mmdet's visualizer does not draw tensors here
        id_map=id_map_tensor(segment_map.ids)[None],
    )


def _add_semantic(data_sample: DetDataSample, results: Mapping[str, Any], segment_map: SegmentMap) -> None:
    label_map = results.get('gt_label_map')
    if label_map is None:
        label_map = segment_map.paint([segment['label'] for segment in results['segments']], void=IGNORED_LABEL)
    label_map = torch.from_numpy(label_map)[None]
    data_sample.gt_sem_seg = PixelData(sem_seg=label_map, data=label_map)


def _add_instances(data_sample: DetDataSample, results: Mapping[str, Any], segment_map: SegmentMap) -> None:
    segments = results['segments']
    data_sample.gt_instances = InstanceData(
        masks=torch.from_numpy(segment_map.masks()),
        labels=torch.tensor([segment['label'] for segment in segments], dtype=torch.int64),
        iscrowd=torch.tensor([segment['iscrowd'] for segment in segments], dtype=torch.int64),
    )


def _as_instances(results: Mapping[str, Any], segment_map: SegmentMap) -> list[dict[str, Any]]:
    """Things as mmdet's data sets have them, with our labels."""
    masks, instances = segment_map.masks(), []
    for mask, segment in zip(masks, results['segments'], strict=True):
        if segment['label'] in results['thing_ids'] and mask.any():
            code = coco_mask.encode(np.asfortranarray(mask, np.uint8))
            left, top, width, height = coco_mask.toBbox(code).tolist()
            instance = {'bbox': [left, top, left + width, top + height], 'bbox_label': segment['label']}
            code['counts'] = code['counts'].decode()
            instances.append(instance | {'mask': code, 'ignore_flag': int(segment['iscrowd'])})
    return instances


GROUND_TRUTH: dict[str, Sequence[Callable[[DetDataSample, Mapping[str, Any], SegmentMap], None]]] = {
    'panoptic': (_add_panoptic, _add_semantic),
    'semantic': (_add_semantic,),
    'instance': (_add_instances,),
}


def _image_tensor(image: np.ndarray) -> Tensor:
    if image.dtype != np.uint8:  # mmdet's color jitter returns floats, some out of range
        image = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    # a copy: a flipped array has negative strides, but numpy regards it as contiguous if a side is 1
    return torch.from_numpy(np.array(image.transpose(2, 0, 1), order='C'))
