import numpy as np
import pytest
from pycocotools import mask as coco_mask

from mmoneformer.datasets.shapes.annotations import instance_entries, label_map, panoptic_entries, panoptic_map
from mmoneformer.datasets.shapes.scene import draw_scene


@pytest.fixture(scope='module')
def scenes():
    return [draw_scene(np.random.default_rng([0, index]), 96) for index in range(40)]


def test_panoptic_map_and_entries_describe_the_segments(scenes):
    for scene in scenes:
        assert (panoptic_map(scene).astype(int) @ [65536, 256, 1] == scene.ids).all()
        for entry, segment in zip(panoptic_entries(scene), scene.segments, strict=True):
            rows, columns = np.nonzero(scene.ids == segment.id)
            left, top = columns.min(), rows.min()
            assert entry['bbox'] == [left, top, columns.max() + 1 - left, rows.max() + 1 - top]
            assert (entry['id'], entry['area'], entry['iscrowd']) == (segment.id, len(rows), segment.iscrowd)


def test_instances_follow_the_pixels(scenes):
    """Run lengths to the letter, polygons with 9 pixels of 10 or, of the smallest, most."""
    forms = {'polygons': 0, 'run lengths': 0}
    for scene in scenes:
        things = [segment for segment in scene.segments if segment.category.isthing]
        for entry, segment in zip(instance_entries(scene), things, strict=True):
            mask, code = scene.ids == segment.id, entry['segmentation']
            if isinstance(code, list):
                forms['polygons'] += 1
                drawn = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(code, *mask.shape))).astype(bool)
                assert (drawn & mask).sum() / (drawn | mask).sum() > (0.9 if mask.sum() > 150 else 0.7)
            else:
                forms['run lengths'] += 1
                assert (coco_mask.decode(code) == mask).all()
            assert not segment.iscrowd or not isinstance(code, list)
            assert entry['category_id'] == segment.category.id
    assert min(forms.values()) > 10


def test_label_map_counts_classes_from_1(scenes):
    for scene in scenes:
        labels = label_map(scene)
        assert ((labels == 0) == (scene.ids == 0)).all()
        for segment in scene.segments:
            assert set(labels[scene.ids == segment.id]) == {scene.categories.index(segment.category) + 1}
