import numpy as np
import pytest
from PIL import Image

from mmoneformer.datasets.transforms.load_semantic_map import LoadSemanticMap

SEGMENTS = [{'id': n + 1, 'label': label, 'iscrowd': 0} for n, label in enumerate((4, 0, 2))]


@pytest.fixture
def load(tmp_path):
    """Writes a label map of an image of 2 x 3 pixels and loads it."""

    def load(labels, *, palette=None, **settings):
        image = Image.fromarray(np.array(labels, np.uint8))
        if palette:
            image.putpalette(palette)
        image.save(tmp_path / 'labels.png')
        sample = {'img_path': 'a.jpg', 'seg_map_path': str(tmp_path / 'labels.png'), 'ori_shape': (2, 3)}
        source = {'reduce_zero_label': False, 'label_map': None, 'seg_fields': [], 'ignore_index': 255}
        return LoadSemanticMap()({**sample, **source, 'segments': SEGMENTS, **settings})['gt_seg_map']

    return load


def test_class_i_becomes_i_plus_1(load):
    seg_map = load([[0, 1, 2], [255, 2, 0]])
    assert seg_map.tolist() == [[1, 2, 3], [0, 3, 1]]
    assert seg_map.dtype == np.uint8


def test_reduced_zero_label(load):
    assert load([[0, 1, 2], [3, 2, 255]], reduce_zero_label=True).tolist() == [[0, 1, 2], [3, 2, 0]]


def test_own_ignore_index(load):
    assert load([[0, 1, 2], [0, 2, 9]], ignore_index=9).tolist() == [[1, 2, 3], [1, 3, 0]]
    assert load([[0, 1, 2], [0, 2, 1]], ignore_index=0).tolist() == [[0, 2, 3], [0, 3, 2]]


def test_label_map_of_mmseg(load):
    """What mmseg makes of ``metainfo`` with some of a data set's classes."""
    assert load([[0, 5, 7], [7, 0, 5]], label_map={0: 1, 5: 255, 7: 0}).tolist() == [[2, 0, 1], [1, 2, 0]]


def test_palette_images_count_by_index(load):
    assert load([[0, 1, 2], [2, 1, 0]], palette=[9, 9, 9, 200, 0, 0, 0, 200, 0]).tolist() == [[1, 2, 3], [3, 2, 1]]


def test_sources_may_differ_in_reduce_zero_label(load):
    assert load([[1, 1, 1]] * 2, reduce_zero_label=True).tolist() == [[1, 1, 1]] * 2
    assert load([[1, 1, 1]] * 2, reduce_zero_label=False).tolist() == [[2, 2, 2]] * 2


def test_label_that_is_no_class(load):
    with pytest.raises(ValueError, match=r'labels\.png .*has labels \[3, 8\], but its data set has 3 classes'):
        load([[0, 1, 3], [8, 0, 0]])


def test_colors_instead_of_labels(load):
    with pytest.raises(ValueError, match=r'has shape \(2, 3, 3\): a label map has one value per pixel'):
        load(np.zeros((2, 3, 3)))


def test_other_size_than_the_image(load):
    with pytest.raises(ValueError, match=r'has height and width \(2, 4\), its image has \(2, 3\)'):
        load(np.zeros((2, 4)))
