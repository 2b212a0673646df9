import re
from pathlib import Path

import pytest
from mmengine.config import Config

from mmoneformer.apis.flat_config import USED, flat_config
from mmoneformer.config_files import config_names, config_path

CUSTOM = config_path('oneformer_swin-t_custom')


def read(text: str, folder: Path) -> dict:
    """What is used of a flat config."""
    path = folder / 'mine.py'
    path.write_text(text)
    return used(Config.fromfile(path))


def used(cfg: Config) -> dict:
    return {name: value for name, value in cfg.to_dict().items() if name in USED}


@pytest.mark.parametrize('name', config_names())
def test_it_describes_the_same(tmp_path, name):
    text = flat_config(config_path(name))
    assert not re.search(r'\b_base_\b', text)
    assert read(text, tmp_path) == used(Config.fromfile(config_path(name)))


def test_settings_are_written_once():
    text = flat_config(config_path('oneformer_swin-l_ade20k'))
    for setting in ('160000', "'ade20k'", '(640, 640)', "'LoadImageFromFile'),\n    dict(type='LoadPanopticMap')"):
        assert text.count(setting) == 1, setting
    assert 'test_dataloader = val_dataloader\n' in text
    assert 'pipeline=train_pipeline' in text
    assert max(map(len, text.splitlines())) <= 122  # an address cannot be broken


def test_a_template_stays_one(tmp_path):
    """Its first part, with the comments, decides what follows, as in the file with bases."""
    edits = {
        "things = ('circle', 'square', 'triangle', 'star', 'ring')": "things = ('circle',)",
        'load_from = None': "load_from = 'start.pth'",
        'max_iters = 20000': 'max_iters = 7',
        'recompute = False': 'recompute = True',
        "dict(annotation='panoptic', data_root='data/shapes/')": "dict(annotation='semantic', data_root='data/maps/')",
    }
    flat, source = flat_config(CUSTOM), CUSTOM.read_text()
    first_part = source[source.index('# The data') : source.index('# What follows')]
    assert first_part in flat
    for old, new in edits.items():
        assert flat.count(old) == 1
        flat, source = flat.replace(old, new), source.replace(old, new)
    with_bases = tmp_path / 'with_bases.py'
    with_bases.write_text(source.replace("'_base_/", f"'{CUSTOM.parent}/_base_/"))
    expected = used(Config.fromfile(with_bases))
    assert expected['model']['backbone']['init_cfg'] is None
    assert read(flat, tmp_path) == expected


def test_a_config_of_ones_own(tmp_path):
    """Bases by name; statements that change a base in place; a base that is replaced; a list of one base."""
    path = tmp_path / 'own.py'
    path.write_text(
        "_base_ = ['mmoneformer::oneformer_dinat-l_coco.py']\n\n"
        'param_scheduler = _base_.param_scheduler\nparam_scheduler[1].milestones = [10, 20]\n'
        "model = dict(test_cfg=dict(_delete_=True, tasks=['panoptic']))\n"
        'steps, batch_size = 30, 2  # of mine\n'
        'train_cfg = dict(max_iters=steps)\n'
    )
    text = flat_config(path)
    assert 'steps, batch_size = 30, 2  # of mine\n' in text
    assert 'max_iters=steps' in text
    flat, expected = read(text, tmp_path), used(Config.fromfile(path))
    assert flat == expected
    assert flat['param_scheduler'][1]['milestones'] == [10, 20]
