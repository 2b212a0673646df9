import runpy
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmoneformer.registry import DATASETS

ROOT = Path(__file__).parents[2]
OPTIONS = ['--num-train', '4', '--num-val', '3', '--size', '64']


@pytest.fixture(scope='module')
def main():
    return runpy.run_path(str(ROOT / 'tools/make_shapes_dataset.py'))['main']


@pytest.fixture(scope='module')
def folder(main, tmp_path_factory):
    folder = tmp_path_factory.mktemp('data') / 'shapes'
    main([str(folder), *OPTIONS])
    return folder


@pytest.mark.parametrize(('split', 'count'), [('train', 4), ('val', 3)])
def test_config_reads_what_the_tool_writes(folder, split, count):
    config = Config.fromfile(ROOT / 'configs/_base_/datasets/shapes.py')
    options = config[f'{split}_dataloader'].dataset | {'data_root': str(folder), 'filter_cfg': None}
    np.random.seed(0)
    with DefaultScope.overwrite_default_scope('mmoneformer'):
        dataset = DATASETS.build(options)
        samples = [dataset[index]['data_samples'] for index in range(count)]
    assert len(dataset) == count
    if split == 'train':
        assert all(len(sample.targets.masks) == len(sample.targets.texts) for sample in samples)
        assert sum(len(sample.targets) for sample in samples) > 0
    else:
        assert {sample.gt_sem_seg.shape for sample in samples} <= {(64, 80), (80, 64)}


def test_other_classes(main, tmp_path):
    main([str(tmp_path / 'signs'), *OPTIONS, '--classes', 'signs'])
    dataset = DATASETS.build(
        dict(
            type='mmseg.BaseSegDataset',
            data_root=str(tmp_path / 'signs'),
            data_prefix=dict(img_path='val', seg_map_path='semantic_val'),
        )
    )
    assert len(dataset) == 3
    with pytest.raises(SystemExit):
        main([str(tmp_path / 'more'), '--classes', 'letters'])


def test_second_run_finds_it(main, folder, capsys):
    main([str(folder), *OPTIONS])
    assert capsys.readouterr().out == f'{folder}: already there\n'


def test_other_recipe_is_refused(main, folder):
    with pytest.raises(SystemExit, match='error: .*choose another folder'):
        main([str(folder), *OPTIONS, '--seed', '9'])


def test_films(main, tmp_path):
    """The base config reads their frames, whose segments keep their ids."""
    main([str(tmp_path / 'films'), '--films', '1', '--size', '32'])
    options = Config.fromfile(ROOT / 'configs/_base_/datasets/shapes.py').val_dataloader.dataset | dict(
        data_root=str(tmp_path / 'films'),
        ann_file='annotations/panoptic_films.json',
        data_prefix=dict(img='films/', seg='panoptic_films/'),
    )
    with DefaultScope.overwrite_default_scope('mmoneformer'):
        dataset = DATASETS.build(options)
    first, second = (dataset[index]['data_samples'] for index in (0, 1))
    assert len(dataset) == 40
    assert first.gt_panoptic_seg.shape in ((32, 40), (40, 32))
    shared = {segment['id'] for segment in first.segments} & {segment['id'] for segment in second.segments}
    assert len(shared) >= 2
