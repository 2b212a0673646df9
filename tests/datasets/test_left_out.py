import pytest

from mmoneformer.datasets.left_out import Remark, unpaired_files
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
        '(b.JPG, c.jpeg, sub/d.png). Rename or convert them, or list each kind as a source of its own.'
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
    assert remark.sentence('X of y') == 'X of y: 5 things are left out (a, b, c and 2 more). Look at them.'
