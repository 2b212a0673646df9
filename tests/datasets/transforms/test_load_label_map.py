import cv2
import numpy as np
import pytest
from PIL import Image

from mmoneformer.datasets.transforms.load_label_map import LoadLabelMap, LoadSemanticMap
from mmoneformer.errors import AnnotationSizeError, UnknownLabelError, UnreadableFileError

SEGMENTS = [{'id': n + 1, 'label': label, 'iscrowd': 0} for n, label in enumerate((4, 0, 2))]
CLASSES = ('wall', 'bed', 'sky')


@pytest.fixture
def load(tmp_path):
    """Writes a label map and loads it as that of an image of 2 x 3 pixels."""

    def load(labels, dtype=np.uint8):
        cv2.imwrite(str(tmp_path / 'labels.png'), np.asarray(labels, dtype))
        sample = {'img_id': 'ADE_val_00000001', 'ori_shape': (2, 3), 'classes': CLASSES}
        return LoadLabelMap()({'label_map_path': str(tmp_path / 'labels.png'), **sample})

    return load


def test_labels_become_class_indices(load):
    label_map = load([[0, 1, 2], [3, 0, 1]])['gt_label_map']
    assert label_map.tolist() == [[255, 0, 1], [2, 255, 0]]
    assert label_map.dtype == np.uint8


def test_image_without_a_label_map_passes():
    assert LoadLabelMap()({'img_path': 'x.jpg'}) == {'img_path': 'x.jpg'}


def test_label_out_of_range(load):
    with pytest.raises(UnknownLabelError, match=r'\(image id ADE_val_00000001\) has label 4: labels are 0 to 3'):
        load([[0, 1, 4], [0, 0, 0]])


def test_other_size_than_the_image(load):
    with pytest.raises(AnnotationSizeError, match=r'has height and width \(2, 4\), but its image has \(2, 3\)'):
        load(np.zeros((2, 4)))


@pytest.mark.parametrize(('shape', 'dtype'), [((2, 3, 3), np.uint8), ((2, 3), np.uint16)], ids=['RGB', '16 bits'])
def test_png_of_another_kind(load, shape, dtype):
    with pytest.raises(UnreadableFileError, match='damaged or not an 8-bit grayscale PNG'):
        load(np.zeros(shape), dtype)


def test_damaged_file(tmp_path):
    (tmp_path / 'labels.png').write_bytes(b'\x89PNG\r\n\x1a\n')
    with pytest.raises(UnreadableFileError, match=r'image id 3\) is damaged'):
        LoadLabelMap()({'label_map_path': str(tmp_path / 'labels.png'), 'img_id': 3})


@pytest.fixture
def load_semantic(tmp_path):
    """Writes a label map of an image of 2 x 3 pixels and loads it."""

    def load_semantic(labels, *, palette=None, dtype=np.uint8, **settings):
        image = Image.fromarray(np.array(labels, dtype))
        if palette:
            image.putpalette(palette)
        image.save(tmp_path / 'labels.png')
        sample = {'img_path': 'a.jpg', 'seg_map_path': str(tmp_path / 'labels.png'), 'ori_shape': (2, 3)}
        source = {'reduce_zero_label': False, 'label_map': None, 'seg_fields': [], 'ignore_index': 255}
        return LoadSemanticMap()({**sample, **source, 'segments': SEGMENTS, **settings})['gt_seg_map']

    return load_semantic


def test_no_class_has_the_value_with_which_transforms_fill(load_semantic):
    seg_map = load_semantic([[0, 253, 254], [255, 254, 0]], segments=[{}] * 255)
    assert seg_map.tolist() == [[1, 254, 256], [0, 256, 1]]


def test_class_i_becomes_i_plus_1(load_semantic):
    seg_map = load_semantic([[0, 1, 2], [255, 2, 0]])
    assert seg_map.tolist() == [[1, 2, 3], [0, 3, 1]]
    assert seg_map.dtype == np.uint8


def test_reduced_zero_label(load_semantic):
    assert load_semantic([[0, 1, 2], [3, 2, 255]], reduce_zero_label=True).tolist() == [[0, 1, 2], [3, 2, 0]]


def test_own_ignore_index(load_semantic):
    assert load_semantic([[0, 1, 2], [0, 2, 9]], ignore_index=9).tolist() == [[1, 2, 3], [1, 3, 0]]
    assert load_semantic([[0, 1, 2], [0, 2, 1]], ignore_index=0).tolist() == [[0, 2, 3], [0, 3, 2]]


def test_label_map_of_mmseg(load_semantic):
    """What mmseg makes of ``metainfo`` with some of a data set's classes."""
    assert load_semantic([[0, 5, 7], [7, 0, 5]], label_map={0: 1, 5: 255, 7: 0}).tolist() == [[2, 0, 1], [1, 2, 0]]


def test_palette_images_count_by_index(load_semantic):
    colors = [9, 9, 9, 200, 0, 0, 0, 200, 0]
    assert load_semantic([[0, 1, 2], [2, 1, 0]], palette=colors).tolist() == [[1, 2, 3], [3, 2, 1]]


def test_sources_may_differ_in_reduce_zero_label(load_semantic):
    assert load_semantic([[1, 1, 1]] * 2, reduce_zero_label=True).tolist() == [[1, 1, 1]] * 2
    assert load_semantic([[1, 1, 1]] * 2, reduce_zero_label=False).tolist() == [[2, 2, 2]] * 2


def test_label_that_is_no_class(load_semantic):
    with pytest.raises(UnknownLabelError, match=r'labels\.png .*has labels \[3, 8\], but its data set has 3 classes'):
        load_semantic([[0, 1, 3], [8, 0, 0]])


@pytest.mark.parametrize('reduced', [False, True])
def test_labels_of_more_than_8_bits(load_semantic, reduced):
    """256 is not class 0."""
    with pytest.raises(
        UnknownLabelError, match=r'labels\.png .*has labels \[256, 257\], but labels are 0 to 255: .* 8 bits'
    ):
        load_semantic([[256, 257, 1], [1, 1, 1]], dtype=np.uint16, reduce_zero_label=reduced)
    small = load_semantic([[255, 1, 2], [1, 2, 1]], dtype=np.uint16, reduce_zero_label=reduced)
    assert small.tolist() == ([[0, 1, 2], [1, 2, 1]] if reduced else [[0, 2, 3], [2, 3, 2]])


def test_colors_instead_of_labels(load_semantic):
    with pytest.raises(
        UnreadableFileError, match=r'has shape \(2, 3, 3\): a label map has one value per pixel, not a color'
    ):
        load_semantic(np.zeros((2, 3, 3)))


def test_semantic_map_of_another_size(load_semantic):
    with pytest.raises(AnnotationSizeError, match=r'has height and width \(2, 4\), but its image has \(2, 3\)'):
        load_semantic(np.zeros((2, 4)))
