import io
import json
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

import mmoneformer  # noqa: F401  (before mmdet)
from mmoneformer.datasets.converters.coco import DOWNLOAD, SPLITS, convert
from mmoneformer.datasets.panoptic_dataset import PanopticSegDataset
from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.metainfo.coco import CATEGORIES

METAINFO = resolve_metainfo('coco')
VAL = SPLITS[1]
PERSON, RIVER = 1, 148  # category ids
IDS = np.array([[0, 5000000, 5000000, 7], [7, 7, 7, 7], [0, 0, 300, 300]])


def as_png(ids):
    stream = io.BytesIO()
    Image.fromarray(np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)).save(
        stream, 'png'
    )
    return stream.getvalue()


def make_download(ids=IDS, category_changes=()):
    """The content of the download: the json of two images, and their maps in a zip of their own."""
    infos = [
        {'id': 5000000, 'category_id': PERSON, 'iscrowd': 0, 'bbox': [1, 0, 2, 1], 'area': 2},
        {'id': 300, 'category_id': PERSON, 'iscrowd': 1, 'bbox': [2, 2, 2, 1], 'area': 2},
        {'id': 7, 'category_id': RIVER, 'iscrowd': 0, 'bbox': [0, 0, 4, 2], 'area': 5},
    ]
    categories = [category.as_json() for category in CATEGORIES]
    categories[0].update(category_changes)
    content = {
        'info': {'year': 2018},
        'licenses': [],
        'images': [
            {'id': number, 'file_name': f'{number:012}.jpg', 'width': 4, 'height': 3, 'license': 1}
            for number in (139, 285)
        ],
        'annotations': [
            {'image_id': number, 'file_name': f'{number:012}.png', 'segments_info': infos} for number in (139, 285)
        ],
        'categories': categories,
    }
    maps = io.BytesIO()
    with zipfile.ZipFile(maps, 'w') as archive:
        archive.writestr('panoptic_val2017/', '')
        archive.writestr('panoptic_val2017/000000000139.png', as_png(ids))
        archive.writestr('panoptic_val2017/000000000285.png', as_png(IDS))
        archive.writestr('__MACOSX/panoptic_val2017/._000000000139.png', 'no image')
    return {
        'annotations/panoptic_val2017.json': json.dumps(content).encode(),
        'annotations/panoptic_val2017.zip': maps.getvalue(),
    }


def write_download(root, files):
    with zipfile.ZipFile(root / DOWNLOAD, 'w') as archive:
        for name, content in files.items():
            archive.writestr(name, content)


@pytest.fixture
def root(tmp_path):
    (tmp_path / 'val2017').mkdir()
    for number in (139, 285):
        (tmp_path / f'val2017/{number:012}.jpg').touch()
    write_download(tmp_path, make_download())
    return tmp_path


@pytest.mark.parametrize('workers', [1, 2])
def test_unpacks_and_checks(root, workers):
    assert convert(root, VAL, workers=workers) == 2
    files = {file.relative_to(root / 'annotations').as_posix() for file in (root / 'annotations').rglob('*.*')}
    assert files == {
        'panoptic_val2017.json',
        'panoptic_val2017.zip',
        'panoptic_val2017/000000000139.png',
        'panoptic_val2017/000000000285.png',
    }


def test_works_from_what_was_unpacked_by_hand(root):
    (root / 'annotations').mkdir()
    for name, content in make_download().items():
        (root / name).write_bytes(content)
    (root / DOWNLOAD).unlink()
    assert convert(root, VAL, workers=1) == 2
    (root / 'annotations/panoptic_val2017.zip').unlink()
    assert convert(root, VAL, workers=1) == 2


def test_what_is_done_is_kept_and_what_is_broken_made_anew(root):
    convert(root, VAL, workers=1)
    good, broken = sorted((root / 'annotations/panoptic_val2017').iterdir())
    node, content = good.stat().st_ino, broken.read_bytes()
    broken.write_bytes(content[:30])
    convert(root, VAL, workers=1)
    assert good.stat().st_ino == node
    assert broken.read_bytes() == content


def test_what_was_edited_is_kept(root):
    convert(root, VAL, workers=1)
    folder = root / 'annotations'
    first = min((folder / 'panoptic_val2017').iterdir())
    content = first.read_bytes()
    first.write_bytes(as_png(IDS + 1))
    with pytest.raises(FileExistsError, match=rf'{first.name} has other content, which --overwrite would replace'):
        convert(root, VAL, workers=1)
    convert(root, VAL, workers=1, overwrite=True)
    assert first.read_bytes() == content

    (folder / 'panoptic_val2017.zip').unlink()
    shutil.rmtree(folder / 'panoptic_val2017')
    edited = json.loads((folder / 'panoptic_val2017.json').read_text()) | {'edited': 'by hand'}
    (folder / 'panoptic_val2017.json').write_text(json.dumps(edited))
    convert(root, VAL, workers=1)
    assert json.loads((folder / 'panoptic_val2017.json').read_text()) == edited


def test_reads_back(root):
    convert(root, VAL, workers=1)
    dataset = PanopticSegDataset(
        data_root=str(root),
        ann_file='annotations/panoptic_val2017.json',
        data_prefix={'img': 'val2017', 'seg': 'annotations/panoptic_val2017'},
        metainfo='coco',
        test_mode=True,
    )
    sample = dataset.get_data_info(0)
    assert sample['img_id'] == 139
    rows = [(METAINFO['classes'][segment['label']], segment['iscrowd']) for segment in sample['segments']]
    assert rows == [('person', 0), ('person', 1), ('river', 0)]


@pytest.mark.parametrize(
    ('download', 'message'),
    [
        ({'ids': IDS.T}, r'139\.png has height and width \(4, 3\), but its image has \(3, 4\)'),
        ({'ids': IDS + (IDS == 0)}, r'139\.png has pixels .* does not list: \[1\]'),
        ({'category_changes': {'isthing': 0}}, r"unknown categories \(id, name, thing\?\): \(1, 'person', False\)"),
    ],
)
def test_contradictions_are_named(root, download, message):
    write_download(root, make_download(**download))
    with pytest.raises(ValueError, match=message):
        convert(root, VAL, workers=1)


def test_what_is_missing_is_named(root):
    (root / 'val2017/000000000285.jpg').unlink()
    with pytest.raises(ValueError, match=r'1 missing images in .*val2017: 000000000285\.jpg'):
        convert(root, VAL, workers=1)
    (root / DOWNLOAD).unlink()
    with pytest.raises(FileNotFoundError, match=rf'neither .*{DOWNLOAD} nor .*panoptic_train2017\.json'):
        convert(root, SPLITS[0], workers=1)
