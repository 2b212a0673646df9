from pathlib import Path

import mmdet
import pytest
import torch
from mmdet.registry import MODELS as MMDET_MODELS
from mmengine.config import Config
from mmengine.registry import MODELS as ROOT_MODELS

from mmoneformer.checkpoints.safe_config import parse_config, registered_parts_only, stored_config
from mmoneformer.registry import MODELS

MMDET_CONFIGS = Path(mmdet.__file__).parent / '.mim/configs'


def test_all_values():
    values = {
        'numbers': {'whole': 3, 'negative': -2, 'real': 0.5, 'small': 1e-05, 'minus': -1.5},
        'texts': ['plain', 'with \'both" quotes', 'line\nbreak', 'é', r'regex \d+'],
        'nothing': None,
        'flags': (True, False),
        'one': (1,),
        'empty': [(), [], {}],
        'nested': [{'type': 'Resize', 'scale': (1333, 800)}, [(1, [2, (3,)])]],
        'codes': {1, 2},
        'custom_keys': {'norm.weight': {'lr_mult': 0.1, 7: {'decay_mult': 0.0}}, 'backbone': {}},
    }
    text = Config(values).pretty_text
    assert parse_config(text).to_dict() == values
    assert parse_config(text).pretty_text == text


@pytest.mark.parametrize(
    'name',
    [
        'mask2former/mask2former_swin-l-p4-w12-384-in21k_16xb1-lsj-100e_coco-panoptic.py',
        'detr/detr_r50_8xb2-150e_coco.py',
    ],
)
def test_real_configs(name):
    config = Config.fromfile(MMDET_CONFIGS / name)
    text = config.pretty_text
    assert parse_config(text).to_dict() == config.to_dict() == Config.fromstring(text, '.py').to_dict()


@pytest.mark.parametrize(
    ('line', 'construct'),
    [
        ('import os', 'Import'),
        ('lr = __import__("os").getpid()', 'Call'),
        ('lr = open("x.txt", "w")', 'Call'),
        ('lr = dict(**other)', 'Call'),
        ('lr = dict([(1, 2)])', 'Call'),
        ('lr = {**other}', 'Dict'),
        ('lr = {(1, 2): 3}', 'Dict'),
        ('lr = {(1, 2)}', 'Set'),
        ('lr = base_lr', 'Name'),
        ('lr = 10 ** 10 ** 10', 'BinOp'),
        ('lr = -"x"', 'UnaryOp'),
        ('lr = [x for x in (1, 2)]', 'ListComp'),
        ('lr = f"{1}"', 'JoinedStr'),
        ('lr = cfg.lr', 'Attribute'),
        ('lr = model["lr"]', 'Subscript'),
        ('lr = lambda: 1', 'Lambda'),
        ('lr = decay = 1', 'Assign'),
        ('model["lr"] = 1', 'Assign'),
        ('lr += 1', 'AugAssign'),
        ('lr: float = 1.0', 'AnnAssign'),
        ('1 + 1', 'Expr'),
        ('def build(): pass', 'FunctionDef'),
        ('if True:\n    lr = 1', 'If'),
    ],
)
def test_everything_else_is_rejected(line, construct):
    with pytest.raises(ValueError, match=f'line 3 of the config: {construct} .* is not a plain value'):
        parse_config(f'seed = 0\n\n{line}\n')


@pytest.mark.parametrize('text', ['lr = (', 'lr = \0', '[' * 10_000])
def test_no_python(text):
    with pytest.raises(ValueError, match='the config is not valid Python'):
        parse_config(text)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (None, 'x.pth contains no config'),
        ('lr = (', 'the config in x.pth cannot be read: the config is not valid Python'),
        ('model = 3', 'the config in x.pth has no model'),
    ],
)
def test_the_file_of_a_config_that_cannot_be_used_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        stored_config({'meta': {'cfg': text}}, 'x.pth')


@pytest.mark.parametrize('registry', [MODELS, MMDET_MODELS, ROOT_MODELS])
@pytest.mark.parametrize(
    'name', ['os.mkdir', 'mmdet.os.mkdir', 'mmengine.mkdir_or_exist', 'mmoneformer.os.mkdir', 'torch.save', 'no_such']
)
def test_builds_nothing_else(tmp_path, registry, name):
    trace = tmp_path / 'was_here'
    arguments = {'torch.save': {'f': trace, 'obj': 1}, 'mmengine.mkdir_or_exist': {'dir_name': trace}}
    with (
        pytest.raises(ValueError, match="contains type '.*', which is not registered"),
        registered_parts_only(),
    ):
        registry.build({'type': name, **arguments.get(name, {'path': trace})})
    assert not trace.exists()


def test_the_danger_is_real(tmp_path):
    ROOT_MODELS.build({'type': 'mmengine.mkdir_or_exist', 'dir_name': tmp_path / 'was_here'})
    assert (tmp_path / 'was_here').exists()


def test_builds_registered_parts():
    with registered_parts_only():
        pool = MODELS.build({'type': 'mmdet.ChannelMapper', 'in_channels': [4], 'out_channels': 2, 'norm_cfg': None})
    assert pool((torch.zeros(1, 4, 3, 5),))[0].shape == (1, 2, 3, 5)


@pytest.mark.parametrize(
    'path',
    [
        'mmdet.models.necks.ChannelMapper',
        'mmdet.models.ChannelMapper',
        'mmdet.models.necks.channel_mapper.ChannelMapper',
    ],
)
def test_builds_registered_classes_by_their_import_path(path):
    """As Python-style configs are stored."""
    with registered_parts_only():
        pool = MODELS.build({'type': path, 'in_channels': [4], 'out_channels': 2, 'norm_cfg': None})
    assert isinstance(pool, MODELS.get('mmdet.ChannelMapper'))


def test_other_errors_pass():
    with pytest.raises(TypeError, match='unexpected keyword'), registered_parts_only():
        MODELS.build({'type': 'mmdet.ChannelMapper', 'no_such_option': 1})
    assert ROOT_MODELS.get('torch.nn.Linear') is torch.nn.Linear
