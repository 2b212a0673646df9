import numpy as np
import pytest
from PIL import Image

from mmoneformer.datasets.transforms.load_segments import LoadSegments

RED_IS_ID = np.array([[[7, 0, 0], [9, 0, 0], [0, 0, 0]]] * 2, np.uint8)


@pytest.fixture
def sample(tmp_path):
    Image.fromarray(RED_IS_ID).save(tmp_path / 'ids.png')
    Image.fromarray(RED_IS_ID[..., 0] % 7).save(tmp_path / 'labels.png')  # 0, 2, 0
    segments = [{'id': 9, 'label': 1, 'iscrowd': 0}, {'id': 7, 'label': 0, 'iscrowd': 0}]
    return {'img_path': 'a.jpg', 'img_id': 3, 'ori_shape': (2, 3), 'tasks': ('semantic',), 'segments': segments}


def test_panoptic_annotation(sample, tmp_path):
    annotation = {'seg_map_path': str(tmp_path / 'ids.png')}
    assert LoadSegments()({**sample, **annotation})['gt_seg_map'].tolist() == [[2, 1, 0]] * 2
    assert LoadSegments()({**sample, **annotation, 'annotation': 'panoptic'})['gt_seg_map'].tolist() == [[2, 1, 0]] * 2


def test_instance_annotation(sample):
    annotation = {'annotation': 'instance', 'seg_map_path': None, 'instances': [{'mask': [[1, 0, 3, 0, 3, 2, 1, 2]]}]}
    results = LoadSegments()({**sample, **annotation})
    assert results['gt_members'][results['gt_seg_map']][..., 0].tolist() == [[False, True, True]] * 2


def test_semantic_annotation(sample, tmp_path):
    annotation = {'annotation': 'semantic', 'seg_map_path': str(tmp_path / 'labels.png'), 'ignore_index': 0}
    annotation |= {'reduce_zero_label': False, 'label_map': None, 'seg_fields': [], 'segments': [{}, {}, {}]}
    assert LoadSegments()({**sample, **annotation})['gt_seg_map'].tolist() == [[0, 3, 0]] * 2


def test_image_without_annotation_passes():
    assert LoadSegments()({'img_path': 'a.jpg'}) == {'img_path': 'a.jpg'}


@pytest.mark.parametrize('path', [None, 'labels.png'])
def test_data_set_that_is_no_source(path):
    with pytest.raises(KeyError, match=r'a\.jpg .*a source of a MultiSourceDataset'):
        LoadSegments()({'img_path': 'a.jpg', 'seg_map_path': path})
