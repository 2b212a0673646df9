"""Panoptic, instance and semantic annotation of a scene."""

from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from mmoneformer.datasets.shapes.scene import Scene, Segment
from mmoneformer.structures.panoptic_ids import ids_to_colors

Entry = dict[str, Any]


def panoptic_map(scene: Scene) -> np.ndarray:
    """The id map as in COCO's PNG files, BGR, uint8 [H, W, 3]."""
    return ids_to_colors(scene.ids, bgr=True)


def panoptic_entries(scene: Scene) -> list[Entry]:
    """Return the ``segments_info`` of a scene."""
    return [{'id': segment.id, **_described(scene, segment)} for segment in scene.segments]


def instance_entries(scene: Scene) -> list[Entry]:
    """Return the things of a scene in COCO's format: polygons, or run lengths for crowds and masks with holes."""
    return [
        {'segmentation': _segmentation(scene.ids == segment.id, segment.iscrowd), **_described(scene, segment)}
        for segment in scene.segments
        if segment.category.isthing
    ]


def label_map(scene: Scene) -> np.ndarray:
    """Return the label map for mmseg with ``reduce_zero_label``: uint8 [H, W], class i is i + 1, 0 is void."""
    index_of = {category.id: index for index, category in enumerate(scene.categories)}
    labels = np.zeros(scene.ids.shape, np.uint8)
    for segment in scene.segments:
        labels[scene.ids == segment.id] = index_of[segment.category.id] + 1
    return labels


def _described(scene: Scene, segment: Segment) -> Entry:
    rows, columns = np.nonzero(scene.ids == segment.id)
    left, top = int(columns.min()), int(rows.min())
    return {
        'category_id': segment.category.id,
        'area': len(rows),
        'bbox': [left, top, int(columns.max()) + 1 - left, int(rows.max()) + 1 - top],
        'iscrowd': segment.iscrowd,
    }


def _segmentation(mask: np.ndarray, iscrowd: int) -> list[list[float]] | Entry:
    # at twice the size, an outline through pixel centers is a quarter of a pixel inside the mask
    twice = mask.repeat(2, axis=0).repeat(2, axis=1).astype(np.uint8)
    outlines, parents = cv2.findContours(twice, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    has_holes = (parents[0, :, 3] >= 0).any()
    polygons = [((outline + 0.5) / 2).ravel().tolist() for outline in outlines if len(outline) > 2]
    if not (has_holes or iscrowd) and polygons:
        return polygons
    code = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    return {'size': code['size'], 'counts': code['counts'].decode()}
