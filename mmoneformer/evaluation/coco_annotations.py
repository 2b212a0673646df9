"""Masks, predictions and ground truth as COCO's annotations, which pycocotools measures."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from pycocotools import mask as coco_mask
from torch import Tensor

from mmoneformer.datasets.instance_json import InstanceJson
from mmoneformer.metainfo import category_ids

Annotations = list[dict[str, Any]]


def encode_masks(masks: Tensor) -> list[dict[str, Any]]:
    """Encode masks, bool [N, H, W], as run lengths: dicts of ``size`` (height, width) and ``counts`` (bytes)."""
    columns_first = masks.to(torch.uint8).transpose(1, 2).contiguous().cpu().numpy()  # [N, W, H]
    return coco_mask.encode(columns_first.transpose(2, 1, 0))  # [H, W, N] in Fortran order, without a copy


def encode_segments(id_map: Tensor, segments: Sequence[Mapping[str, Any]], labels: Sequence[int]) -> Annotations:
    """Segments with certain labels as annotations.

    Args:
        id_map: i + 1 where segment i is, [H, W].
        segments: ``label`` and ``iscrowd`` of each segment.
        labels: Labels of the segments to encode.
    """
    chosen = [(number, segment) for number, segment in enumerate(segments, start=1) if segment['label'] in labels]
    numbers = torch.tensor([number for number, _ in chosen], dtype=id_map.dtype)
    codes = encode_masks(id_map == numbers[:, None, None])
    return [
        _annotation(code, label=segment['label'], iscrowd=segment['iscrowd'])
        for code, (_, segment) in zip(codes, chosen, strict=True)
    ]


def encode_ground_truth(instances: Mapping[str, Tensor]) -> Annotations:
    """Annotated instances, which may overlap: ``masks`` [N, H, W], ``labels`` and ``iscrowd`` [N]."""
    codes, labels, crowds = encode_masks(instances['masks']), instances['labels'].tolist(), instances['iscrowd']
    columns = zip(codes, labels, crowds.tolist(), strict=True)
    return [_annotation(code, label=label, iscrowd=iscrowd) for code, label, iscrowd in columns]


def encode_predictions(instances: Mapping[str, Tensor]) -> Annotations:
    """Predicted instances: ``masks`` [N, H, W], ``labels`` and ``scores`` [N]."""
    codes, labels, scores = encode_masks(instances['masks']), instances['labels'].tolist(), instances['scores']
    columns = zip(codes, labels, scores.tolist(), strict=True)
    return [_annotation(code, label=label, iscrowd=0, score=score) for code, label, score in columns]


def _annotation(code: dict[str, Any], *, label: int, **fields: Any) -> dict[str, Any]:
    return {'segmentation': code, 'area': float(coco_mask.area(code)), 'category_id': label, **fields}


class InstanceFile:
    """Ground truth of a COCO instance json, whose instances may overlap, unlike the segments of a panoptic map.

    Args:
        path: The json.
        classes: Names of the classes; a label is an index of them.
        dataset: Known data set whose category ids the json has; None to find its categories by their names.

    Raises:
        AnnotationError: If the json contradicts itself or its format (``InstanceJson``).
        ValueError: If a category is not one of the classes.
    """

    def __init__(self, path: str, classes: Sequence[str], *, dataset: str | None = None) -> None:
        self._coco = InstanceJson(path)
        key, known = ('name', classes) if dataset is None else ('id', category_ids(dataset, classes))
        label_of = {value: label for label, value in enumerate(known)}
        categories = self._coco.dataset['categories']
        unknown = sorted(category['name'] for category in categories if category[key] not in label_of)
        if unknown:
            raise ValueError(f'categories {unknown[:5]} of {path} are not classes of the data set')
        self._label_of = {category['id']: label_of[category[key]] for category in categories}
        self._path = path

    def annotations(self, image_id: int | str) -> Annotations:
        """Annotations of an image, with run lengths as masks and labels as category ids.

        Raises:
            ValueError: If the json does not have the image.
        """
        if image_id not in self._coco.imgs:
            raise ValueError(f'{self._path} has no image {image_id!r}: it must be of the split that is evaluated')
        return [
            {
                'segmentation': self._coco.annToRLE(annotation),
                'area': annotation['area'],  # of the polygon, not of the pixels: it decides what is small
                'category_id': self._label_of[annotation['category_id']],
                'iscrowd': annotation['iscrowd'],
            }
            for annotation in self._coco.imgToAnns[image_id]
        ]
