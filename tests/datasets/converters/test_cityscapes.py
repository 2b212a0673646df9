import json

import numpy as np
import pytest
from PIL import Image

import mmoneformer  # noqa: F401  (before mmdet)
from mmoneformer.datasets.converters.cityscapes import SPLITS, convert
from mmoneformer.datasets.panoptic_dataset import PanopticSegDataset
from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.metainfo.cityscapes import CATEGORIES

METAINFO = resolve_metainfo('cityscapes')
VAL = SPLITS[1]
ROAD, TERRAIN, SKY, PERSON, CAR, CARAVAN, EGO_VEHICLE = 7, 22, 23, 24, 26, 29, 1
STEM = 'frankfurt_000000_000294'

PIXELS = [
    [SKY, SKY, PERSON * 1000, EGO_VEHICLE],
    [ROAD, CAR, CAR * 1000 + 1, CAR * 1000 + 1],
    [ROAD, CAR, CAR * 1000, CARAVAN * 1000],
]


def write_image(root, stem, pixels):
    city = stem.split('_')[0]
    pixels = np.array(pixels, np.uint16)
    files = {
        f'gtFine/val/{city}/{stem}_gtFine_instanceIds.png': Image.fromarray(pixels),
        f'gtFine/val/{city}/{stem}_gtFine_labelIds.png': Image.new('L', pixels.shape[::-1]),
        f'leftImg8bit/val/{city}/{stem}_leftImg8bit.png': Image.new('RGB', pixels.shape[::-1]),
    }
    for name, image in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        image.save(root / name)


def read_split(root):
    """The json, and the ids of its first map."""
    content = json.loads((root / 'gtFine/cityscapes_panoptic_val.json').read_text())
    path = root / 'gtFine/cityscapes_panoptic_val' / content['annotations'][0]['file_name']
    red, green, blue = np.moveaxis(np.asarray(Image.open(path)).astype(int), 2, 0)
    return content, red + 256 * green + 65536 * blue


@pytest.fixture
def root(tmp_path):
    """One image of two cities each, in the layout of the download."""
    write_image(tmp_path, STEM, PIXELS)
    write_image(tmp_path, 'munster_000001_000019', [[TERRAIN, TERRAIN]])
    return tmp_path


def test_names_and_sizes(root):
    assert convert(root, VAL, workers=1) == 2
    content, _ = read_split(root)
    assert content['images'][0] == {
        'id': STEM,
        'file_name': f'frankfurt/{STEM}_leftImg8bit.png',
        'width': 4,
        'height': 3,
    }
    assert [entry['file_name'] for entry in content['annotations']] == [
        f'{STEM}_gtFine_panoptic.png',
        'munster_000001_000019_gtFine_panoptic.png',
    ]


def test_groups_are_crowds_and_unevaluated_labels_are_void(root):
    convert(root, VAL, workers=1)
    content, ids = read_split(root)
    assert ids.tolist() == [
        [SKY, SKY, PERSON * 1000, 0],
        [ROAD, CAR, CAR * 1000 + 1, CAR * 1000 + 1],
        [ROAD, CAR, CAR * 1000, 0],
    ]
    rows = [tuple(info.values()) for info in content['annotations'][0]['segments_info']]
    assert rows == [
        (ROAD, ROAD, 2, [0, 1, 1, 2], 0),
        (SKY, SKY, 2, [0, 0, 2, 1], 0),
        (CAR, CAR, 2, [1, 1, 1, 2], 1),
        (PERSON * 1000, PERSON, 1, [2, 0, 1, 1], 0),
        (CAR * 1000, CAR, 1, [2, 2, 1, 1], 0),
        (CAR * 1000 + 1, CAR, 2, [2, 1, 2, 1], 0),
    ]


def test_an_image_of_void_alone(tmp_path):
    write_image(tmp_path, STEM, [[EGO_VEHICLE, 0, CARAVAN]])
    convert(tmp_path, VAL, workers=1)
    content, ids = read_split(tmp_path)
    assert ids.tolist() == [[0, 0, 0]]
    assert content['annotations'][0]['segments_info'] == []


def test_random_ids_against_the_definition(tmp_path):
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 34, (9, 14))
    instances = generator.integers(0, 3, (9, 14))
    has_instances = np.isin(labels, [24, 25, 26, 27, 28, 29, 30, 31, 32, 33])
    single = has_instances & (instances > 0)
    write_image(tmp_path, STEM, np.where(single, labels * 1000 + instances, labels))
    convert(tmp_path, VAL, workers=1)
    content, ids = read_split(tmp_path)
    segments = {info['id']: info for info in content['annotations'][0]['segments_info']}
    evaluated = {category.id for category in CATEGORIES}
    for (y, x), segment_id in np.ndenumerate(ids):
        if labels[y, x] not in evaluated:
            assert segment_id == 0
            continue
        assert segments[segment_id]['category_id'] == labels[y, x]
        assert segments[segment_id]['iscrowd'] == (has_instances[y, x] and not single[y, x])
    assert sum(info['area'] for info in segments.values()) == np.count_nonzero(ids)


def test_same_result_again_and_with_more_workers(root):
    convert(root, VAL, workers=1)
    out = [file for file in (root / 'gtFine').rglob('*panoptic*') if file.is_file()]
    before = [(file.stat().st_ino, file.read_bytes()) for file in out]
    convert(root, VAL, workers=2)
    assert len(out) == 3
    assert [(file.stat().st_ino, file.read_bytes()) for file in out] == before


def test_annotation_of_other_programs_is_kept(root):
    path = root / 'gtFine/cityscapes_panoptic_val.json'
    path.write_text('{"by": "the official script"}')
    with pytest.raises(FileExistsError, match=r'_panoptic_val\.json was written by another program: .*--overwrite'):
        convert(root, VAL, workers=1)
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name, 'val']
    path.unlink()
    convert(root, VAL, workers=1)
    image = root / 'gtFine/cityscapes_panoptic_val' / f'{STEM}_gtFine_panoptic.png'
    write_image(root, STEM, [[TERRAIN] * 4] * 3)
    convert(root, VAL, workers=1)  # replaces what it wrote itself
    Image.new('RGB', (4, 3)).save(image)
    with pytest.raises(FileExistsError, match=rf'{STEM}_gtFine_panoptic\.png has other content'):
        convert(root, VAL, workers=1)
    convert(root, VAL, workers=1, overwrite=True)
    assert read_split(root)[1].tolist() == [[TERRAIN] * 4] * 3


def test_reads_back(root):
    convert(root, VAL, workers=1)
    dataset = PanopticSegDataset(
        data_root=str(root),
        ann_file='gtFine/cityscapes_panoptic_val.json',
        data_prefix={'img': 'leftImg8bit/val', 'seg': 'gtFine/cityscapes_panoptic_val'},
        metainfo='cityscapes',
        test_mode=True,
    )
    segments = dataset.get_data_info(0)['segments']
    assert [(METAINFO['classes'][segment['label']], segment['iscrowd']) for segment in segments] == [
        ('road', 0),
        ('sky', 0),
        ('car', 1),
        ('person', 0),
        ('car', 0),
        ('car', 0),
    ]


def test_what_is_missing_is_named(root):
    (root / f'leftImg8bit/val/frankfurt/{STEM}_leftImg8bit.png').unlink()
    with pytest.raises(ValueError, match=rf'1 missing images in .*val: frankfurt/{STEM}_leftImg8bit\.png'):
        convert(root, VAL, workers=1)
    with pytest.raises(ValueError, match='no .*gtFine/train/.*: unpack'):
        convert(root, SPLITS[0], workers=1)


def test_a_color_image_is_no_annotation(root):
    path = root / f'gtFine/val/frankfurt/{STEM}_gtFine_instanceIds.png'
    Image.new('RGB', (4, 3)).save(path)
    with pytest.raises(ValueError, match=r'instanceIds\.png must have one channel'):
        convert(root, VAL, workers=1)
