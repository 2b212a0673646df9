import json

import numpy as np
import pytest
from pycocotools.coco import COCO

from mmoneformer.results import to_coco, write_coco


@pytest.fixture
def coco():
    """An annotation file with two images and no annotation."""
    found = COCO()
    found.dataset = {
        'images': [{'id': 7, 'height': 6, 'width': 9}, {'id': 9, 'height': 6, 'width': 9}],
        'categories': [{'id': 1, 'name': 'cat'}, {'id': 21, 'name': 'dog'}],
        'annotations': [],
    }
    found.createIndex()
    return found


def test_pycocotools_reads_the_file(predictions, nothing, metainfo, masks, coco, tmp_path):
    write_coco(tmp_path / 'results.json', {7: predictions, 9: nothing}, 'instance', metainfo)
    loaded = coco.loadRes(str(tmp_path / 'results.json'))
    assert loaded.getImgIds() == [7, 9]
    assert loaded.getAnnIds(imgIds=9) == []
    found = loaded.loadAnns(loaded.getAnnIds(imgIds=7, catIds=1))
    assert [row['score'] for row in found] == [0.75, 0.25]
    assert [row['bbox'] for row in found] == [[1, 1, 4, 3], [6, 2, 3, 2]]
    np.testing.assert_array_equal([loaded.annToMask(row) for row in found], masks[1:3])


def test_category_ids(predictions, metainfo):
    rows = to_coco(predictions, 'panoptic', metainfo, image_id=7, category_ids=[11, 21, 31])
    assert [(row['image_id'], row['category_id']) for row in rows] == [(7, 11), (7, 21), (7, 21), (7, 31)]


def test_a_task_without_scores(predictions, metainfo, coco):
    rows = json.loads(json.dumps(to_coco(predictions, 'semantic', metainfo, image_id=7)))
    assert [row['score'] for row in rows] == [1, 1, 1]
    np.testing.assert_array_equal(coco.annToMask(rows[1]), predictions['semantic']['label_map'] == 1)
