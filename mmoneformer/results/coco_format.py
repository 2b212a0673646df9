"""Plain results as COCO writes them; a ``category_id`` is the class index, boxes are x, y, width, height."""

from mmoneformer.metainfo import Metainfo
from mmoneformer.results.as_dict import Plain


def coco_categories(metainfo: Metainfo) -> list[Plain]:
    """The classes."""
    things = metainfo['thing_ids']
    return [
        {'id': label, 'name': name, 'isthing': int(label in things)} for label, name in enumerate(metainfo['classes'])
    ]


def coco_segments(panoptic: Plain) -> list[Plain]:
    """The ``segments_info`` of a panoptic result of ``to_plain``."""
    return [
        {
            'id': segment['id'],
            'category_id': segment['label'],
            'isthing': int(segment['is_thing']),
            'area': segment['area'],
            'score': segment['score'],
            'bbox': _coco_box(segment['bbox']),
            'iscrowd': 0,
        }
        for segment in panoptic['segments']
    ]


def coco_instances(instances: Plain) -> list[Plain]:
    """The instances of an instance result of ``to_plain``."""
    rows = zip(*(instances[key] for key in ('labels', 'scores', 'bboxes', 'masks')), strict=True)
    return [
        {'category_id': label, 'score': score, 'bbox': _coco_box(box), 'segmentation': mask}
        for label, score, box, mask in rows
    ]


def _coco_box(box: list[float]) -> list[float]:
    left, top, right, bottom = box
    return [left, top, right - left, bottom - top]
