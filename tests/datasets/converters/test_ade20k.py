import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData, PixelData
from PIL import Image
from pycocotools import mask as coco_mask

from mmoneformer.datasets.converters.ade20k import SPLITS, convert
from mmoneformer.datasets.panoptic_dataset import PanopticSegDataset
from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.registry import DATASETS, METRICS

METAINFO = resolve_metainfo('ade20k')
CONFIG = Path(__file__).parents[3] / 'configs' / '_base_' / 'datasets' / 'ade20k.py'

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
    # as in the annotation of the benchmark, stuff has the area and box before instances cover it
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


def test_annotation_of_other_programs_is_kept(root):
    path = root / 'ade20k_panoptic_val.json'
    path.write_text('{}')
    with pytest.raises(FileExistsError, match=r'_val\.json was written by another program'):
        convert(root, VAL, workers=1)
    assert path.read_text() == '{}'
    assert convert(root, VAL, workers=1, overwrite=True) == 2


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


# The benchmarks of semantic and instance segmentation have annotations of their own.


@pytest.fixture
def random_root(tmp_path):
    """An image of random rectangles of things and stuff, in the layout of the download, converted."""
    generator = np.random.default_rng(5)
    labels, instances = generator.integers(0, 151, (8, 12)), np.zeros((8, 12, 2), int)
    for number in range(1, 7):
        top, left = generator.integers(0, (5, 8))
        instances[top : top + 4, left : left + 5] = generator.integers(1, 4), number
    write_image(tmp_path, STEMS[0], np.kron(labels, np.ones((8, 8), int)), instances.repeat(8, 0).repeat(8, 1))
    convert(tmp_path, VAL, workers=1)
    return tmp_path


def ground_truth(root, labels):
    """The data sample that the config's test pipeline makes of the image."""
    cfg = Config.fromfile(CONFIG)
    cfg.test_dataloader.dataset.data_root = str(root)
    if labels:
        cfg.merge_from_dict({'test_dataloader.dataset.data_prefix.labels': 'annotations/validation'})
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    sample = dataset[0]['data_samples']
    sample.set_metainfo({'task_tokens': {task: task for task in ('instance', 'semantic')}})
    return sample


def evaluate(metric, sample):
    metric = METRICS.build(metric)
    metric.dataset_meta = METAINFO
    metric.process({}, [sample.to_dict()])
    return metric.evaluate(1)


def test_mean_iou_against_the_label_map(random_root):
    truth = np.asarray(Image.open(random_root / 'annotations' / VAL.folder / f'{STEMS[0]}.png')).astype(int) - 1
    prediction = np.where(np.arange(truth.shape[1]) < 60, np.maximum(truth, 0), 2)
    known = truth >= 0
    ious = [
        np.sum((truth == label) & (prediction == label)) / np.sum(known & ((truth == label) | (prediction == label)))
        for label in np.union1d(truth[known], prediction[known])
    ]
    values = {}
    for labels in (True, False):
        sample = ground_truth(random_root, labels=labels)
        predicted = torch.from_numpy(prediction)[None]
        sample.pred_sem_seg = PixelData(sem_seg=predicted, data=predicted)
        values[labels] = evaluate(dict(type='SemanticIoU', iou_metrics=['mIoU']), sample)['mIoU']
    assert values[True] == pytest.approx(100 * np.mean(ious), abs=0.01)
    assert abs(values[False] - values[True]) > 1  # things have other pixels in the panoptic annotation


def instance_json(root):
    """The annotation of the instance benchmark, made from ``annotations_instance`` as detectron2's users do."""
    instances = np.asarray(Image.open(root / 'annotations_instance' / VAL.folder / f'{STEMS[0]}.png'))
    annotations = []
    for number in np.unique(instances[..., 1])[1:].tolist():
        mask = instances[..., 1] == number
        (thing,) = np.unique(instances[..., 0][mask])
        code = coco_mask.encode(np.asfortranarray(mask, np.uint8))
        entry = {'segmentation': code | {'counts': code['counts'].decode()}, 'area': int(mask.sum()), 'iscrowd': 0}
        category = METAINFO['thing_ids'][thing - 1]
        annotations.append({'id': len(annotations) + 1, 'image_id': STEMS[0], 'category_id': category, **entry})
    images = [{'id': STEMS[0], 'width': instances.shape[1], 'height': instances.shape[0]}]
    categories = [{'id': label, 'name': f'their name of {label}'} for label in METAINFO['thing_ids']]
    return {'images': images, 'annotations': annotations, 'categories': categories}


def test_things_are_the_instances_of_the_instance_benchmark(random_root):
    """So AP on the panoptic annotation is that of the instance json, with which the paper's was measured."""
    content = instance_json(random_root)
    path = random_root / 'ade20k_instance_val.json'
    path.write_text(json.dumps(content))
    masks = [coco_mask.decode(entry['segmentation']).astype(bool) for entry in content['annotations']]
    sample = ground_truth(random_root, labels=False)
    sample.pred_instances = InstanceData(
        masks=torch.from_numpy(np.stack([np.roll(mask, shift, 1) for shift, mask in enumerate(masks)])),
        labels=torch.tensor([entry['category_id'] for entry in content['annotations']]),
        scores=torch.linspace(0.9, 0.4, len(masks)),
    )
    values = evaluate(dict(type='ThingInstanceAP'), sample)
    assert 30 < values['AP'] < 95
    of_file = evaluate(dict(type='ThingInstanceAP', ann_file=str(path), dataset='ade20k'), sample)
    assert values == pytest.approx(of_file, nan_ok=True)


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
