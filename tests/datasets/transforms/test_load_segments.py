import numpy as np
import pytest
from mmengine.fileio import LocalBackend, register_backend
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


class Elsewhere(LocalBackend):
    """Has the files of a folder under their names."""

    def __init__(self, folder):
        self.folder = folder

    def get(self, filepath):
        return super().get(f'{self.folder}/{filepath}')


@pytest.mark.parametrize('annotation', ['panoptic', 'semantic'])
def test_a_storage_backend(sample, tmp_path, annotation):
    register_backend('elsewhere', Elsewhere, force=True)
    sample |= {'annotation': annotation, 'ignore_index': 0, 'reduce_zero_label': False, 'seg_map_path': 'ids.png'}
    if annotation == 'semantic':
        sample |= {'seg_map_path': 'labels.png', 'segments': [{}, {}, {}]}
    load = LoadSegments(backend_args=dict(backend='elsewhere', folder=str(tmp_path)))
    assert load(sample)['gt_seg_map'].any()
