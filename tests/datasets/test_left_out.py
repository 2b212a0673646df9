import cv2
import numpy as np
import pytest

from mmoneformer.datasets.left_out import Remark, binary_masks, unpaired_files
from mmoneformer.registry import DATASETS


@pytest.fixture
def make(tmp_path):
    """Build a data set of label maps over files of these names."""

    def build(*names, **arguments):
        for folder in ('images', 'maps', 'images/sub'):
            (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / name).touch()
        prefix = dict(img_path='images', seg_map_path='maps')
        config = dict(type='mmseg.BaseSegDataset', data_root=str(tmp_path), data_prefix=prefix, lazy_init=True)
        return DATASETS.build(config | arguments)

    return build


def test_other_suffixes(make):
    names = ('a.jpg', 'b.JPG', 'c.jpeg', 'sub/d.png', 'sub/e.jpg', 'list.txt', '.hidden.png')
    maps = ('a.png', 'b.png', 'sub_e.png', 'a_color.jpg')
    dataset = make(*(f'images/{name}' for name in names), *(f'maps/{name}' for name in maps))
    (remark,) = unpaired_files(dataset)
    assert remark.title.startswith('3 pictures of ')
    assert remark.title.endswith("suffix is not '.jpg', and 2 label maps have no picture")
    assert remark.examples == ('b.JPG', 'c.jpeg', 'sub/d.png')
    assert remark.sentence('it').endswith(
        '(b.JPG, c.jpeg, sub/d.png); rename or convert them, or list each kind as a source of its own'
    )


def test_maps_beside_their_pictures(make):
    dataset = make('images/a.jpg', 'images/a.png', data_prefix=dict(img_path='images', seg_map_path='images'))
    assert unpaired_files(dataset) == []


def test_all_have_the_suffix(make):
    assert unpaired_files(make('images/a_x.png', 'maps/a.png', 'maps/b.png', img_suffix='_x.png')) == []


def test_listed_files(make, tmp_path):
    (tmp_path / 'list.txt').write_text('a\n')
    assert unpaired_files(make('images/a.jpg', 'images/b.png', ann_file='list.txt')) == []


def test_other_data_sets():
    dataset = DATASETS.build(dict(type='mmdet.CocoDataset', lazy_init=True))
    assert unpaired_files(dataset) == []


def test_sentence_of_a_remark():
    remark = Remark('5 things are left out', tuple('abcde'), 'Look at them.')
    assert remark.sentence('X of y') == 'X of y: 5 things are left out (a, b, c and 2 more); look at them'


@pytest.fixture
def write_maps(tmp_path):
    """Write 20 label maps of 0, with these values in each and others in the one before the last."""

    def write(values, others, *, reduced=False):
        for number in range(20):
            labels = np.zeros((2, 4), np.uint8)
            labels[0, : len(values)] = values
            if number == 18:
                labels[1, : len(others)] = others
            cv2.imwrite(str(tmp_path / f'{number}.png'), labels)
        return [{'seg_map_path': str(tmp_path / f'{n}.png'), 'reduce_zero_label': reduced} for n in range(20)]

    return write


@pytest.mark.parametrize(
    ('values', 'others', 'reduced', 'num_classes', 'is_binary'),
    [
        ((255,), (), True, 1, True),
        ((255,), (), False, 2, True),
        ((), (255,), False, 2, False),  # it is not among those that are read
        ((255,), (1,), False, 2, False),
        ((255,), (), False, 1, False),  # the only class, and void
        ((1, 255), (), True, 1, False),
        ((), (), False, 2, False),
    ],
)
def test_masks_of_0_and_255(write_maps, values, others, reduced, num_classes, is_binary):
    remark = binary_masks(write_maps(values, others, reduced=reduced), num_classes)
    assert (remark is not None) == is_binary
    if remark:
        assert remark.title.startswith('all 20 label maps have the values 0 and 255 alone, and 255 is read as void')
        assert remark.remedy.startswith('Write 1 in place of 255')


def test_maps_that_cannot_be_read(write_maps, tmp_path):
    samples = write_maps((255,), ())
    (tmp_path / '0.png').write_bytes(b'')
    (tmp_path / '7.png').unlink()
    assert binary_masks(samples, 2)
