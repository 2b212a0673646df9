from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.results.coco_format import coco_categories, coco_instances, coco_segments


def test_categories():
    metainfo = resolve_metainfo({'classes': ('sky', 'cat'), 'thing_ids': (1,)})
    assert coco_categories(metainfo) == [
        {'id': 0, 'name': 'sky', 'isthing': 0},
        {'id': 1, 'name': 'cat', 'isthing': 1},
    ]


def test_segments():
    segment = {
        'id': 3,
        'label': 1,
        'class_name': 'cat',
        'is_thing': True,
        'area': 40,
        'score': 0.5,
        'bbox': [2, 3, 12, 8],
    }
    assert coco_segments({'segments': [segment]}) == [
        {'id': 3, 'category_id': 1, 'isthing': 1, 'area': 40, 'score': 0.5, 'bbox': [2, 3, 10, 5], 'iscrowd': 0}
    ]


def test_instances():
    masks = [{'size': [2, 3], 'counts': '04'}, {'size': [2, 3], 'counts': '13'}]
    instances = dict(
        labels=[1, 0], scores=[0.9, 0.5], bboxes=[[1.0, 0.0, 3.0, 2.0], [0.0, 0.0, 2.0, 1.0]], masks=masks
    )
    assert coco_instances(instances) == [
        {'category_id': 1, 'score': 0.9, 'bbox': [1, 0, 2, 2], 'segmentation': masks[0]},
        {'category_id': 0, 'score': 0.5, 'bbox': [0, 0, 2, 1], 'segmentation': masks[1]},
    ]
