"""The template for own data follows its first part, and the six commands of docs/own_data.md lead to results."""

import re
import runpy
import shlex
import shutil
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer.registry import DATASETS, MODELS
from mmoneformer_cli.main import main

ROOT = Path(__file__).parents[1]
ALL = ['panoptic', 'instance', 'semantic']
TEMPLATE = 'oneformer_swin-t_custom.py'
TINY = {
    'model.backbone.embed_dims': 8,
    'model.backbone.depths': '(1,1,1,1)',
    'model.backbone.num_heads': '(1,1,2,2)',
    'model.panoptic_head.channels': 32,
    'model.panoptic_head.num_queries': 30,
    'model.panoptic_head.pixel_decoder.in_channels': '[8,16,32,64]',
    'model.panoptic_head.text_mapper.encoder.num_layers': 1,
}


@pytest.fixture(scope='module')
def roots(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data')
    for name in ('shapes', 'signs'):
        write_shapes(folder / name, num_train=2, num_val=1, size=64, seed=0, classes=name)
    return {name: f'{folder / name}/' for name in ('shapes', 'signs')}


@pytest.fixture
def copy(tmp_path):
    """A copy of the template, where its user would put it, with other values of its first part."""
    shutil.copytree(ROOT / 'configs', tmp_path / 'configs')

    def write(**choices):
        return edit(shutil.copy(ROOT / 'configs' / TEMPLATE, tmp_path / 'configs/mine.py'), **choices)

    return write


def edit(path, **choices):
    """Set values of the first part of the template, or of its flat form."""
    first, second = path.read_text().split('# What follows\n')
    lines = [f'{name} = {value!r}' for name, value in choices.items()]
    path.write_text('\n'.join([first, *lines, second]))
    return path


@pytest.mark.parametrize(
    ('annotations', 'tasks', 'metrics', 'best'),
    [
        (
            ['panoptic'],
            ['panoptic', 'instance', 'semantic'],
            ['PanopticQuality', 'ThingInstanceAP', 'SemanticIoU'],
            'PQ',
        ),
        (['instance'], ['instance'], ['ThingInstanceAP'], 'AP'),
        (['semantic'], ['semantic'], ['SemanticIoU'], 'mIoU'),
        (['instance', 'semantic'], ALL, ['ThingInstanceAP', 'SemanticIoU'], 'AP'),
    ],
)
def test_what_follows_from_the_annotation(roots, copy, annotations, tasks, metrics, best):
    sources = [dict(annotation=annotation, data_root=roots['shapes']) for annotation in annotations]
    cfg = Config.fromfile(copy(sources=sources, crop_size=(48, 40)))
    assert cfg.model.test_cfg.tasks == tasks
    assert [metric.type for metric in cfg.test_evaluator] == metrics
    assert cfg.default_hooks.checkpoint.save_best == best
    np.random.seed(0)
    train, val = (DATASETS.build(cfg[f'{split}_dataloader'].dataset) for split in ('train', 'val'))
    assert (len(train), len(val)) == (2 * len(annotations), len(annotations))
    drawn = {train[index]['data_samples'].targets.task for index in range(len(train)) for _ in range(12)}
    assert drawn == set(tasks)
    assert train[0]['inputs'].shape == (3, 40, 48)
    assert [val.get_data_info(index)['annotation'] for index in range(len(val))] == annotations


def test_classes_and_what_counts_them(roots, copy):
    sources = [
        dict(annotation='instance', data_root=roots['shapes'], classes=('ring', 'star')),
        dict(annotation='panoptic', data_root=roots['signs']),
    ]
    classes = ('ring', 'cross', 'brick', 'star', 'snow', 'arrow', 'grass', 'hexagon')
    things = ('ring', 'cross', 'star', 'arrow', 'hexagon')
    cfg = Config.fromfile(copy(classes=classes, things=things, sources=sources))
    assert cfg.model.metainfo == dict(classes=classes, thing_ids=[0, 1, 3, 5, 7])
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert [dataset.get_data_info(index)['unlabeled_ids'] for index in (0, 2)] == [(1, 2, 4, 5, 6, 7), (0,)]


def test_other_settings_of_a_source(roots, copy):
    source = dict(annotation='semantic', data_root=roots['shapes'], reduce_zero_label=False, ignore_index=0)
    cfg = Config.fromfile(copy(sources=[source], classes=('void', *'abcdefghi'), things=()))
    sample = DATASETS.build(cfg.train_dataloader.dataset).get_data_info(0)
    assert (sample['reduce_zero_label'], sample['ignore_index']) == (False, 0)


@pytest.mark.parametrize(
    ('choices', 'message'),
    [
        (dict(classes='cat', things=()), r"classes is the text 'cat': a tuple of one name needs a comma, \('cat',\)"),
        (dict(classes=('cat', 'catfish'), things='catfish'), r"things is the text 'catfish'.*\('catfish',\)"),
        (dict(things=('circel', 'star')), "things has 'circel', which classes lacks: did you mean 'circle'?"),
        (dict(sources=dict(annotation='panoptic', data_root='x/')), 'sources is .*: give a list of at least one'),
        (dict(sources=[]), r'sources is \[\]: give a list'),
        (dict(sources=['data/shapes/']), r"sources\[0\] is 'data/shapes/': write it as dict\(annotation='panoptic'"),
        (dict(sources=[dict(annotation='panoptic')]), r'sources\[0\] has no data_root: write it as'),
        (dict(sources=[dict(data_root='x/')]), r'sources\[0\] has no annotation'),
        (dict(sources=[dict(annotation='panoptik', data_root='x/')]), "is 'panoptik': it must be one of .*'instance'"),
        (dict(sources=[dict(annotation='instance', data_root='x/', classes='star')]), r'of sources\[0\] is the text'),
    ],
)
def test_slips_in_the_first_part_are_named(copy, choices, message):
    with pytest.raises(ValueError, match=message):
        Config.fromfile(copy(**choices))


def test_memory_and_weights(copy):
    cfg = Config.fromfile(copy(recompute=True, frozen_stages=4, accumulate=2, load_from='x.pth'))
    assert cfg.model.backbone.with_cp
    assert cfg.model.panoptic_head.pixel_decoder.with_cp
    assert cfg.optim_wrapper.accumulative_counts == 2
    assert (cfg.load_from, cfg.model.backbone.init_cfg) == ('x.pth', None)  # no download that is overwritten
    model = MODELS.build(cfg.model)
    assert not any(parameter.requires_grad for parameter in model.backbone.parameters())
    assert Config.fromfile(copy()).model.backbone.init_cfg.type == 'Pretrained'


def commands():
    """The lines of the first block of commands, without comments."""
    block = re.search(r'## Six commands\n+((?:    .*\n)+)', (ROOT / 'docs/own_data.md').read_text())[1]
    return [shlex.split(line, comments=True) for line in block.splitlines()]


def run(words):
    match words:
        case ['python', tool, *arguments]:
            status = runpy.run_path(tool)['main'](arguments)
        case ['mmoneformer', *arguments, '>', target]:
            with Path(target).open('w') as file, redirect_stdout(file):
                status = main(arguments)
        case ['mmoneformer', *arguments]:
            status = main(arguments)
    assert status in (None, 0, 1)  # 1: check-dataset warns of so small a data set


@pytest.mark.parametrize('model', [TINY, pytest.param({}, marks=pytest.mark.slow)], ids=['tiny', 'Swin-T'])
def test_six_commands(model, tmp_path, monkeypatch):
    """As they stand, with a smaller data set, fewer steps, and no network."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tools').symlink_to(ROOT / 'tools')
    settings = model | {'model.backbone.init_cfg': None}
    for split in ('train', 'val', 'test'):
        settings |= {f'{split}_dataloader.num_workers': 0, f'{split}_dataloader.persistent_workers': False}
    added = {
        'tools/make_shapes_dataset.py': ['--num-train', '4', '--num-val', '2', '--size', '64'],
        'check-dataset': ['--workers', '0', '--samples', '1'],
        'train': ['--cfg-options', *(f'{key}={value}' for key, value in settings.items())],
    }
    assert len(commands()) <= 6
    for command in commands():
        run([*(word.replace('20000', '2') for word in command), *added.get(command[1], [])])
        if command[-1] == 'mine.py' and '>' in command:
            edit(Path('mine.py'), max_iters=2, batch_size=2, crop_size=(64, 64))
    assert len(list((tmp_path / 'vis').rglob('*.png'))) == 2
    assert list((tmp_path / 'results').iterdir())
