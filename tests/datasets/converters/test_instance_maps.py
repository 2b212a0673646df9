import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

import mmoneformer  # noqa: F401  (before mmdet)
from mmoneformer.datasets.converters.instance_maps import convert, main
from mmoneformer.datasets.instance_json import InstanceJson
from mmoneformer.errors import AnnotationError, AnnotationSizeError, EmptyDatasetError, UnreadableFileError

SIZE = (5, 7)
NUMBERS = np.zeros(SIZE, np.uint16)
NUMBERS[1:3, 0:2] = 300
NUMBERS[0, 5:] = 7
NUMBERS[4, 6] = 7  # two parts of one object
NUMBERS[3, 3] = 65535
SETTINGS = dict(class_name='nucleus', held_out=0, workers=1)


@pytest.fixture
def folders(tmp_path):
    """Three images with maps of 16 bits."""
    images, maps = tmp_path / 'images', tmp_path / 'maps'
    images.mkdir(), maps.mkdir()
    for name in 'abc':
        Image.new('RGB', SIZE[::-1]).save(images / f'{name}.jpg')
        Image.fromarray(NUMBERS).save(maps / f'{name}.png')
    return images, maps


def content_of(folder, split='train'):
    return json.loads((folder / f'annotations/instances_{split}.json').read_text())


def masks_of(content, image_id):
    entries = [entry for entry in content['annotations'] if entry['image_id'] == image_id]
    return entries, [coco_mask.decode(entry['segmentation']).astype(bool) for entry in entries]


def test_each_number_of_a_map_is_an_instance(folders, tmp_path):
    assert convert(*folders, tmp_path, **SETTINGS) == {'train': (3, 9)}
    content = content_of(tmp_path)
    assert content['images'][1] == {'id': 2, 'file_name': 'b.jpg', 'height': 5, 'width': 7}
    entries, masks = masks_of(content, 2)
    for value, entry, mask in zip((7, 300, 65535), entries, masks, strict=True):
        np.testing.assert_array_equal(mask, value == NUMBERS)
        assert entry['area'] == mask.sum()
        assert entry['bbox'] == coco_mask.toBbox(entry['segmentation']).tolist()
    InstanceJson(str(tmp_path / 'annotations/instances_train.json'), classes=['nucleus'], is_training=True)


def test_one_image_of_n_is_held_out(folders, tmp_path):
    counts = convert(*folders, tmp_path, **SETTINGS | dict(held_out=2))
    assert counts == {'train': (1, 3), 'val': (2, 6)}
    assert [image['file_name'] for image in content_of(tmp_path, 'val')['images']] == ['a.jpg', 'c.jpg']


@pytest.mark.parametrize('inner', ['', 'masks'])
def test_each_file_of_a_folder_is_an_instance(folders, tmp_path, inner):
    images, maps = folders
    (maps / 'b.png').unlink()
    folder = maps / 'b' / inner
    folder.mkdir(parents=True)
    first, second = np.zeros(SIZE, np.uint8), np.zeros(SIZE, bool)
    first[:3], second[2:] = 255, True  # they share a row
    Image.fromarray(first).save(folder / '1.png')
    Image.fromarray(second).save(folder / '2.png')
    convert(images, maps, tmp_path, **SETTINGS)
    _, masks = masks_of(content_of(tmp_path), 2)
    np.testing.assert_array_equal(masks, [first > 0, second])


def replace(folders, pixels):
    Image.fromarray(pixels).save(folders[1] / 'b.png')


def test_an_image_without_instances_is_kept(folders, tmp_path):
    replace(folders, np.zeros(SIZE, np.uint8))
    assert convert(*folders, tmp_path, **SETTINGS) == {'train': (3, 6)}


def test_other_files_than_maps_are_named(folders, tmp_path):
    images, maps = folders
    replace(folders, np.zeros((5, 6), np.uint8))
    with pytest.raises(AnnotationSizeError, match=r'b\.png has height and width \(5, 6\), but its image has \(5, 7\)'):
        convert(images, maps, tmp_path, **SETTINGS)
    replace(folders, np.zeros((*SIZE, 3), np.uint8))
    with pytest.raises(UnreadableFileError, match=r'b\.png has shape \(5, 7, 3\).*save one channel of whole numbers'):
        convert(images, maps, tmp_path, **SETTINGS)
    (maps / 'b.png').write_bytes(b'')
    with pytest.raises(UnreadableFileError, match=r'b\.png cannot be read'):
        convert(images, maps, tmp_path, **SETTINGS)
    (maps / 'b.png').unlink()
    with pytest.raises(AnnotationError, match=r'1 images of .* without a map or a folder of masks: b\.jpg'):
        convert(images, maps, tmp_path, **SETTINGS)
    (maps / 'b').mkdir()
    Image.fromarray(np.arange(35, dtype=np.uint8).reshape(SIZE)).save(maps / 'b/1.png')
    with pytest.raises(AnnotationError, match=r'1\.png has 35 values from 0 to 34, but the mask of an instance has 0'):
        convert(images, maps, tmp_path, **SETTINGS)
    assert not (tmp_path / 'annotations').exists()


def test_folders_without_images_are_named(folders, tmp_path):
    with pytest.raises(FileNotFoundError, match='no such folder: .*none'):
        convert(folders[0], tmp_path / 'none', tmp_path, **SETTINGS)
    with pytest.raises(EmptyDatasetError, match='has no images'):
        convert(tmp_path, folders[1], tmp_path, **SETTINGS)


def test_a_json_of_another_program_is_kept(folders, tmp_path):
    convert(*folders, tmp_path, **SETTINGS)
    convert(*folders, tmp_path, **SETTINGS)  # its own is replaced
    path = tmp_path / 'annotations/instances_train.json'
    path.write_text('{}')
    with pytest.raises(FileExistsError, match='was written by another program'):
        convert(*folders, tmp_path, **SETTINGS)
    assert path.read_text() == '{}'
    convert(*folders, tmp_path, **SETTINGS, overwrite=True)
    assert content_of(tmp_path)['images']


def test_the_command(folders, tmp_path, capsys):
    arguments = [*map(str, folders), str(tmp_path), '--class-name', 'nucleus', '--held-out', '3', '--workers', '1']
    main('', arguments)
    assert capsys.readouterr().out == 'train: 2 images, 6 instances\nval: 1 images, 3 instances\n'
    with pytest.raises(SystemExit) as stop:
        main('', ['none', 'none', str(tmp_path), '--class-name', 'x'])
    assert stop.value.code == 'error: no such folder: none'
    with pytest.raises(SystemExit):
        main('', [*arguments[:5], '--held-out', '1'])
    assert 'must be at least 2' in capsys.readouterr().err
