import pytest
import torch
from mmengine import hub
from mmengine.config import Config
from mmengine.infer import BaseInferencer
from mmengine.registry import EVALUATOR
from mmengine.runner.checkpoint import _load_checkpoint

from mmoneformer import mmengine_names
from mmoneformer.checkpoints.model_zoo import BASE_URL, released_urls
from mmoneformer.config_files import config_path

NAME = 'oneformer_swin-l_ade20k'


def without_scope(value):
    """A config without the scopes that mmengine notes for parts of another package."""
    if isinstance(value, dict):
        return {key: without_scope(child) for key, child in value.items() if key != '_scope_'}
    return [without_scope(child) for child in value] if isinstance(value, list | tuple) else value


def test_a_base_by_name(tmp_path):
    file = tmp_path / 'mine.py'
    file.write_text(f"_base_ = 'mmoneformer::{NAME}.py'\nmodel = dict(panoptic_head=dict(num_queries=99))\n")
    cfg, theirs = Config.fromfile(file), Config.fromfile(config_path(NAME))
    assert cfg.model.panoptic_head.pop('num_queries') == 99
    assert theirs.model.panoptic_head.pop('num_queries') == 250
    assert without_scope(cfg.to_dict()) == without_scope(theirs.to_dict())
    assert cfg.model._scope_ == 'mmoneformer'  # whatever the default scope is


@pytest.mark.parametrize('name', [NAME, '_base_/models/oneformer_r50'])
def test_get_config(name):
    expected = Config.fromfile(config_path(name)).to_dict()
    assert hub.get_config(f'mmoneformer::{name}.py').to_dict() == expected
    assert hub.get_config(f'mmoneformer::{name}').to_dict() == expected


def test_get_config_with_weights():
    assert hub.get_config(f'mmoneformer::{NAME}.py', pretrained=True).model_path == released_urls()[NAME]
    with pytest.raises(ValueError, match='oneformer_tiny_shapes has no released weights'):
        hub.get_config('mmoneformer::oneformer_tiny_shapes', pretrained=True)


def test_unknown_names():
    with pytest.raises(ValueError, match="unknown config 'oneformer_swin-l': did you mean oneformer_swin-l_"):
        hub.get_config('mmoneformer::oneformer_swin-l.py')


def test_other_packages_are_found_as_before(tmp_path):
    file = tmp_path / 'mine.py'
    file.write_text("_base_ = 'mmdet::_base_/default_runtime.py'\n")
    assert Config.fromfile(file).default_scope == 'mmdet'
    assert hub.get_config('mmdet::_base_/default_runtime.py').default_scope == 'mmdet'


def test_the_metafile_lists_the_released_models():
    assert BaseInferencer.list_models('mmoneformer') == list(released_urls())


def test_released_weights_are_converted(tmp_path, monkeypatch):
    torch.save({'state_dict': {'a': torch.ones(1)}}, tmp_path / 'converted.pth')
    fetched = []
    monkeypatch.setattr(
        mmengine_names, 'fetch', lambda name, convert: fetched.append(name) or tmp_path / 'converted.pth'
    )
    assert _load_checkpoint(released_urls()[NAME])['state_dict']['a'] == 1
    assert fetched == [NAME]
    with pytest.raises(ValueError, match='other.pth is not a released model'):
        _load_checkpoint(f'{BASE_URL}/ade20k/other.pth')


def test_registries_of_our_scope_import_without_a_warning(capfd):
    """mmengine takes a registry without locations for a package whose modules it must find."""
    with EVALUATOR.switch_scope_and_registry('mmoneformer') as registry:
        registry.import_from_location()
    assert 'not installed' not in ''.join(capfd.readouterr())
