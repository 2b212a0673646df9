import cv2
import numpy as np
import pytest

from mmoneformer.datasets.transforms.load_label_map import LoadLabelMap

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
    with pytest.raises(ValueError, match=r'labels.png \(image id ADE_val_00000001\) has label 4: labels are 0 to 3'):
        load([[0, 1, 4], [0, 0, 0]])


def test_other_size_than_the_image(load):
    with pytest.raises(ValueError, match=r'has height and width \(2, 4\), its image has \(2, 3\)'):
        load(np.zeros((2, 4)))


@pytest.mark.parametrize(('shape', 'dtype'), [((2, 3, 3), np.uint8), ((2, 3), np.uint16)], ids=['RGB', '16 bits'])
def test_png_of_another_kind(load, shape, dtype):
    with pytest.raises(ValueError, match='damaged or no gray PNG of 8 bits'):
        load(np.zeros(shape), dtype)


def test_damaged_file(tmp_path):
    (tmp_path / 'labels.png').write_bytes(b'\x89PNG\r\n\x1a\n')
    with pytest.raises(ValueError, match=r'image id 3\) is damaged'):
        LoadLabelMap()({'label_map_path': str(tmp_path / 'labels.png'), 'img_id': 3})
