"""Three sources with the same scenes: each kind of annotation gives the same targets."""

import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import ClassBalancedDataset, ConcatDataset

from mmoneformer.datasets.multi_source_dataset import MultiSourceDataset
from mmoneformer.datasets.shapes.classes import CLASSES
from mmoneformer.datasets.shapes.folder import write_shapes

METAINFO = Config.fromfile(Path(__file__).parents[2] / 'configs/_base_/datasets/shapes.py').metainfo.to_dict()
THINGS = tuple(category.name for category in CLASSES['shapes'] if category.isthing)
COUNT = 6


@pytest.fixture(autouse=True)
def _seed():
    np.random.seed(0)


@pytest.fixture(scope='module')
def sources(tmp_path_factory):
    root = str(tmp_path_factory.mktemp('data') / 'shapes')
    write_shapes(Path(root), num_train=COUNT, num_val=1, size=64, seed=1)
    return {
        'panoptic': dict(
            type='PanopticSegDataset',
            data_root=root,
            ann_file='annotations/panoptic_train.json',
            data_prefix=dict(img='train', seg='panoptic_train'),
        ),
        'instance': dict(
            type='mmdet.CocoDataset',
            data_root=root,
            ann_file='annotations/instances_train.json',
            data_prefix=dict(img='train'),
            metainfo=dict(classes=THINGS),
        ),
        'semantic': dict(
            type='mmseg.BaseSegDataset',
            data_root=root,
            data_prefix=dict(img_path='train', seg_map_path='semantic_train'),
            reduce_zero_label=True,
            metainfo=dict(classes=METAINFO['classes']),
        ),
    }


def build(sources, *kinds, task=None, **arguments):
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadSegments'),
        dict(type='mmdet.RandomFlip', prob=1.0),
        dict(type='SampleTask', probabilities=None if task is None else {task: 1}),
        dict(type='PackOneFormerInputs'),
    ]
    plain = {'serialize_data': False}  # mmengine collects garbage to serialize, which takes most of the time
    chosen = [plain | sources[kind] for kind in kinds]
    return MultiSourceDataset(**dict(sources=chosen, metainfo=METAINFO, pipeline=pipeline) | plain | arguments)


@pytest.mark.parametrize('kind', ['instance', 'semantic'])
def test_targets_equal_those_of_the_panoptic_annotation(sources, kind):
    """There is no crowd in these scenes; polygons follow the pixels to a fraction of one."""
    expected, found = build(sources, 'panoptic', task=kind), build(sources, kind)
    assert len(found) == COUNT
    for index in range(COUNT):
        truth, targets = (samples[index]['data_samples'].targets for samples in (expected, found))
        assert (targets.task, targets.texts) == (kind, truth.texts)
        assert targets.labels.tolist() == truth.labels.tolist()
        ours, theirs = targets.masks.dense().numpy(), truth.masks.dense().numpy()
        overlap, union = (ours & theirs).sum((1, 2)), (ours | theirs).sum((1, 2))
        assert (overlap >= (1 if kind == 'semantic' else 0.85) * union).all()
        assert targets.unlabeled == []


def test_each_source_has_the_tasks_of_its_annotation(sources):
    dataset = build(sources, 'panoptic', 'instance', 'semantic')
    tasks = [{dataset[index]['data_samples'].targets.task for _ in range(12)} for index in (0, COUNT, 2 * COUNT)]
    assert tasks == [{'panoptic', 'instance', 'semantic'}, {'instance'}, {'semantic'}]
    names = {'thing_classes': THINGS, 'stuff_classes': ('grass', 'water', 'sand', 'sky')}
    assert dataset.metainfo == METAINFO | names | {'palette': [tuple(color) for color in METAINFO['palette']]}


def test_instances_and_label_maps_share_the_panoptic_task(sources):
    """Together they have the targets of the panoptic annotation; the classes of the other one are unlabeled."""
    complete = build(sources, 'panoptic', task='panoptic')
    parts = build(sources, 'instance', 'semantic', task='panoptic')
    things, stuff = (1, 2, 4, 6, 7), (0, 3, 5, 8)
    for index in range(COUNT):
        found = [parts[place]['data_samples'].targets for place in (index, COUNT + index)]
        assert [tuple(targets.unlabeled) for targets in found] == [stuff, things]
        labels = np.concatenate([targets.labels for targets in found])
        assert sorted(labels) == complete[index]['data_samples'].targets.labels.tolist()
    assert build(sources, 'instance', 'semantic').get_data_info(0)['tasks'] == ('panoptic', 'instance')
    assert build(sources, 'instance', 'semantic', test_mode=True).get_data_info(0)['tasks'] == ('instance',)


def test_classes_that_a_source_does_not_label(sources):
    some = sources['instance'] | dict(metainfo=dict(classes=('ring', 'star')))
    stuff = sources['semantic'] | dict(metainfo=dict(classes=METAINFO['classes'][:4]), ignore_index=4)
    dataset = build({'instance': some, 'semantic': stuff}, 'instance')
    assert dataset[0]['data_samples'].targets.unlabeled == [1, 2, 4]  # stuff is no target of the instance task anyway
    assert dataset.get_data_info(0)['unlabeled_ids'] == (0, 1, 2, 3, 4, 5, 8)
    semantic = build({'semantic': stuff}, 'semantic')
    assert semantic.get_data_info(0)['unlabeled_ids'] == (4, 5, 6, 7, 8)


def test_shares(sources):
    dataset = build(sources, 'panoptic', 'instance', shares=(3, 1))
    places = Counter(dataset.get_data_info(index)['annotation'] for index in range(len(dataset)))
    assert places == {'panoptic': 3 * COUNT, 'instance': COUNT}
    names = Counter(dataset.get_data_info(index)['img_id'] for index in range(3 * COUNT))
    assert set(names.values()) == {3}


@pytest.mark.parametrize('shares', [(1,), (1, 0), (1, -2)])
def test_impossible_shares(sources, shares):
    with pytest.raises(ValueError, match='shares must be 2 numbers above 0'):
        build(sources, 'panoptic', 'instance', shares=shares)


def test_classes_of_a_source_in_one_text(sources):
    with pytest.raises(ValueError, match=r"'classes' of sources\[0\] is the text 'ring': .* needs a comma"):
        build({'instance': sources['instance'] | dict(metainfo=dict(classes='ring'))}, 'instance')


def test_sources_follow_the_test_mode(sources):
    filtered = sources['panoptic'] | dict(filter_cfg=dict(min_size=70))  # leaves none, in training
    assert len(build({'panoptic': filtered}, 'panoptic', test_mode=True)) == COUNT


def test_ground_truth_of_evaluation(sources):
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='mmdet.Resize', scale=(40, 32), keep_ratio=True),
        dict(type='LoadSegments'),
        dict(type='PackOneFormerInputs'),
    ]
    dataset = build(sources, 'panoptic', 'instance', 'semantic', pipeline=pipeline, test_mode=True)
    panoptic, instance, semantic = (dataset[index]['data_samples'] for index in (0, COUNT, 2 * COUNT))
    assert set(panoptic.keys()) == {'gt_panoptic_seg', 'gt_sem_seg'}
    assert semantic.keys() == ['gt_sem_seg']
    np.testing.assert_array_equal(semantic.gt_sem_seg.data, panoptic.gt_sem_seg.data)
    assert instance.keys() == ['gt_instances']
    truth = instance.gt_instances
    assert truth.masks.shape == (len(truth.labels), *panoptic.ori_shape)
    for mask, label in zip(truth.masks, truth.labels, strict=True):
        assert (panoptic.gt_sem_seg.data[0][mask] == label).float().mean() > 0.9
    assert [sample.tasks for sample in (instance, semantic)] == [('instance',), ('semantic',)]


def test_arguments_of_a_source_are_named(sources, monkeypatch):
    """As those that a config inherits."""
    messages = []
    monkeypatch.setattr(
        'mmoneformer.datasets.multi_source_dataset.print_log', lambda message, **_: messages.append(message)
    )
    build(sources, 'panoptic', data_root='elsewhere', filter_cfg=dict(min_size=9), lazy_init=True)
    assert messages == ['data_root, filter_cfg of a MultiSourceDataset has no effect: set it in its sources']


def test_files_that_are_missing_and_annotation_that_is_left_out(sources, monkeypatch):
    """Both are told before the first iteration."""
    logged = []
    monkeypatch.setattr('mmoneformer.datasets.multi_source_dataset.print_log', lambda text, *_: logged.append(text))
    build({'instance': sources['instance'] | dict(metainfo=dict(classes=THINGS[:3]))}, 'instance')
    assert 'annotations are left out, as the classes lack their categories' in ''.join(logged)
    moved = sources['semantic'] | dict(data_prefix=dict(img_path='train', seg_map_path='none'))
    with pytest.raises(FileNotFoundError, match=rf'{COUNT} files of BaseSegDataset of .* do not exist'):
        build({'semantic': moved}, 'semantic')


@pytest.mark.parametrize(
    ('kind', 'remedy'),
    [
        ('RepeatDataset', r'sources\[1\] is a RepeatDataset, .*list these as sources'),
        ('mmdet.MultiImageMixDataset', 'is a MultiImageMixDataset'),
        ('mmdet.CocoPanopticDataset', 'CocoPanopticDataset of mmdet, .*use PanopticSegDataset'),
        (ConcatDataset, 'is a ConcatDataset, .*repeat them with shares'),
    ],
)
def test_wrappers_and_mmdets_panoptic_data_set_are_refused(sources, kind, remedy):
    with pytest.raises(ValueError, match=remedy):
        build(sources | {'wrapper': dict(type=kind, dataset=sources['panoptic'])}, 'panoptic', 'wrapper')


def test_labels_of_images_for_balanced_sampling(sources):
    dataset = build(sources, 'panoptic', 'instance', 'semantic')
    labels = dataset.get_cat_ids(0)
    assert labels == [segment['label'] for segment in dataset.get_data_info(0)['segments']]
    assert set(dataset.get_cat_ids(COUNT)) == set(labels) & set(METAINFO['thing_ids'])
    with pytest.raises(ValueError, match=r'semantic_train.* is a label map, .*cannot be balanced'):
        dataset.get_cat_ids(2 * COUNT)
    balanced = ClassBalancedDataset(build(sources, 'panoptic'), oversample_thr=0.9)
    assert len(balanced) > COUNT
    assert balanced[len(balanced) - 1]['data_samples'].targets.labels.numel()


@pytest.mark.parametrize('kind', ['panoptic', 'instance', 'semantic'])
def test_images_are_mixed_with_others_of_their_kind(sources, kind):
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadSegments'),
        dict(type='RandomApply', transforms=[dict(type='PanopticCopyPaste')], prob=0.9),
        dict(type='PanopticMosaic', img_scale=(40, 40)),
        dict(type='mmdet.RandomCrop', crop_size=(48, 48), allow_negative_crop=True),
        dict(type='SampleTask'),
        dict(type='PackOneFormerInputs'),
    ]
    dataset = pickle.loads(pickle.dumps(build(sources, 'panoptic', 'instance', 'semantic', pipeline=pipeline)))
    start = COUNT * ['panoptic', 'instance', 'semantic'].index(kind)
    found = [dataset[start + number] for number in range(2)]
    assert {item['inputs'].shape for item in found} == {(3, 48, 48)}
    assert all(kind == 'panoptic' or item['data_samples'].targets.task == kind for item in found)
    alone = build(sources, kind, pipeline=pipeline)
    assert sum(len(alone[number]['data_samples'].targets) for number in range(2)) > 2
    with pytest.raises(ValueError, match=r'PanopticCopyPaste in the pipeline of .* one by one: leave it out'):
        build(sources, kind, pipeline=pipeline, test_mode=True)
