import json

import numpy as np
import pytest
from PIL import Image

import mmoneformer  # noqa: F401  (before mmdet)
from mmoneformer.datasets import PanopticSegDataset
from mmoneformer.datasets.converters.ade20k import SPLITS, convert
from mmoneformer.metainfo.ade20k import METAINFO

VAL = SPLITS[1]
WALL, SKY, BED, PERSON = 1, 3, 8, 13  # labels of annotations
BED_CLASS, PERSON_CLASS = 1, 4  # the same things in annotations_instance
STEMS = ('ADE_val_00000001', 'ADE_val_00000002')


def write_image(root, stem, labels, instances):
    """Instances: pairs (class, instance) per pixel."""
    labels = np.array(labels, np.uint8)
    rgb = np.zeros((*labels.shape, 3), np.uint8)
    rgb[..., :2] = instances
    rgb[..., 2] = 77  # blue has no meaning to the benchmark
    files = {
        'images': (Image.fromarray(rgb), f'{stem}.jpg'),
        'annotations': (Image.fromarray(labels), f'{stem}.png'),
        'annotations_instance': (Image.fromarray(rgb), f'{stem}.png'),
    }
    for folder, (image, name) in files.items():
        path = root / folder / VAL.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)


@pytest.fixture
def root(tmp_path):
    """Two images of 2 x 4 pixels, in the layout of the download."""
    none, bed, person = (0, 0), (BED_CLASS, 3), (PERSON_CLASS, 1)
    write_image(
        tmp_path,
        STEMS[0],
        # the sky is covered, the bed of the lower right corner has no instance, one pixel has no label
        [[WALL, WALL, SKY, WALL], [WALL, BED, 0, BED]],
        [[none, none, person, person], [bed, bed, none, none]],
    )
    write_image(tmp_path, STEMS[1], np.full((3, 2), WALL), np.zeros((3, 2, 2)))
    return tmp_path


def read_ids(path):
    red, green, blue = np.moveaxis(np.asarray(Image.open(path)).astype(int), 2, 0)
    return red + 256 * green + 65536 * blue


def test_instances_cover_stuff(root):
    assert convert(root, VAL, workers=1) == 2
    content = json.loads((root / 'ade20k_panoptic_val.json').read_text())
    assert content['images'] == [
        {'id': STEMS[0], 'file_name': f'{STEMS[0]}.jpg', 'width': 4, 'height': 2},
        {'id': STEMS[1], 'file_name': f'{STEMS[1]}.jpg', 'width': 2, 'height': 3},
    ]
    first, second = content['annotations']
    ids = {info['category_id']: info['id'] for info in first['segments_info']}
    wall, sky, bed, person = (ids[label - 1] for label in (WALL, SKY, BED, PERSON))
    assert read_ids(root / 'ade20k_panoptic_val' / first['file_name']).tolist() == [
        [wall, wall, person, person],
        [bed, bed, 0, 0],
    ]
    # as in the annotation of the benchmark, stuff says what it was before the instances covered it
    described = {info['id']: (info['area'], info['bbox'], info['iscrowd']) for info in first['segments_info']}
    assert described == {
        wall: (4, [0, 0, 4, 2], 0),
        sky: (1, [2, 0, 1, 1], 0),
        bed: (2, [0, 1, 2, 1], 0),
        person: (2, [2, 0, 2, 1], 0),
    }
    assert [info['category_id'] for info in second['segments_info']] == [WALL - 1]


def test_same_result_again_after_an_interruption_and_with_more_workers(root):
    convert(root, VAL, workers=1)
    out = [root / 'ade20k_panoptic_val.json', *sorted((root / 'ade20k_panoptic_val').iterdir())]
    before = [file.read_bytes() for file in out]
    nodes = [file.stat().st_ino for file in out]
    convert(root, VAL, workers=2)
    assert [file.stat().st_ino for file in out] == nodes

    out[0].unlink()
    out[1].write_bytes(before[1][:10])
    convert(root, VAL, workers=2)
    assert [file.read_bytes() for file in out] == before
    assert out[2].stat().st_ino == nodes[2]


def test_random_annotations_against_the_definition(tmp_path):
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 151, (6, 9))
    numbers = generator.integers(0, 12, (6, 9))
    class_of = generator.integers(1, 101, 12)
    write_image(tmp_path, STEMS[0], labels, np.stack([class_of[numbers], numbers], axis=-1))
    convert(tmp_path, VAL, workers=1)
    annotation = json.loads((tmp_path / 'ade20k_panoptic_val.json').read_text())['annotations'][0]
    category_of = {info['id']: info['category_id'] for info in annotation['segments_info']} | {0: None}
    ids = read_ids(tmp_path / 'ade20k_panoptic_val' / annotation['file_name'])
    instance_of = {}
    for (y, x), segment_id in np.ndenumerate(ids):
        if numbers[y, x]:
            expected = METAINFO['thing_ids'][class_of[numbers[y, x]] - 1]
            assert instance_of.setdefault(segment_id, numbers[y, x]) == numbers[y, x]
        else:
            label = labels[y, x] - 1
            expected = None if label < 0 or label in METAINFO['thing_ids'] else label
        assert category_of[segment_id] == expected


def test_reads_back(root):
    convert(root, VAL, workers=1)
    dataset = PanopticSegDataset(
        data_root=str(root),
        ann_file='ade20k_panoptic_val.json',
        data_prefix={'img': 'images/validation', 'seg': 'ade20k_panoptic_val'},
        metainfo='ade20k',
        test_mode=True,
    )
    assert len(dataset) == 2
    classes = [METAINFO['classes'][segment['label']] for segment in dataset.get_data_info(0)['segments']]
    assert classes == ['wall', 'sky', 'person', 'bed']


@pytest.mark.parametrize(
    ('labels', 'instances', 'message'),
    [
        ([[151, 0]], [[(0, 0), (0, 0)]], 'label 151: labels are 0 to 150'),
        ([[1, 1]], [[(1, 5), (2, 5)]], 'instance 5 has several classes'),
        ([[1, 1]], [[(101, 5), (0, 0)]], 'instance 5 has class 101: classes are 1 to 100'),
    ],
)
def test_annotations_of_another_kind_are_refused(tmp_path, labels, instances, message):
    write_image(tmp_path, STEMS[0], labels, instances)
    with pytest.raises(ValueError, match=rf'{STEMS[0]}\.jpg: {message}'):
        convert(tmp_path, VAL, workers=1)


def test_annotation_of_another_size_is_refused(root):
    Image.new('L', (4, 3)).save(root / 'annotations' / VAL.folder / f'{STEMS[0]}.png')
    with pytest.raises(ValueError, match=rf'annotations of .*{STEMS[0]}\.jpg must be uint8 of shape \(2, 4\)'):
        convert(root, VAL, workers=1)


def test_what_is_missing_is_named(root, tmp_path):
    (root / 'annotations_instance' / VAL.folder / f'{STEMS[1]}.png').unlink()
    with pytest.raises(ValueError, match=rf'annotations_instance.* 1 missing annotations: {STEMS[1]}'):
        convert(root, VAL, workers=1)
    with pytest.raises(ValueError, match='no images in .*training: unpack'):
        convert(root, SPLITS[0], workers=1)
    assert not (root / 'ade20k_panoptic_val.json').exists()
