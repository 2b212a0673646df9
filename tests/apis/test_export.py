import shutil
import sys
from pathlib import Path

import pytest
import torch

from mmoneformer.apis.export import export, verify_export
from mmoneformer.export import verification

DATA = Path(__file__).parents[1] / 'data'
CHECKPOINT, EXPORTED = DATA / 'exported.pth', DATA / 'exported.onnx'
MODULE = sys.modules['mmoneformer.apis.export']


@pytest.fixture
def writes_stored_file(monkeypatch):
    """The minute that writing a file takes is saved: the stored one is copied, and compared for one small size."""
    monkeypatch.setattr(verification, 'SIZES', ((64, 96),))
    monkeypatch.setattr(MODULE, 'trace', lambda network, sampling: sampling)
    kind = MODULE.format_of(EXPORTED)
    copies = kind._replace(write=lambda program, part, description: shutil.copy(EXPORTED, part))
    monkeypatch.setattr(MODULE, 'format_of', lambda path, name=None: copies)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.usefixtures('writes_stored_file')
def test_verified_file(tmp_path):
    assert export(CHECKPOINT, tmp_path / 'new/model.onnx') == tmp_path / 'new/model.onnx'
    assert export(CHECKPOINT, tmp_path / 'new/model.onnx', verify=False) == tmp_path / 'new/model.onnx'  # replaced
    assert names(tmp_path / 'new') == ['model.onnx']
    verify_export(tmp_path / 'new/model.onnx', CHECKPOINT)


@pytest.fixture
def other_weights(tmp_path):
    stored = torch.load(CHECKPOINT)
    stored['state_dict']['panoptic_head.prediction.classify.bias'] += 1.0
    torch.save(stored, tmp_path / 'other.pth')
    return tmp_path / 'other.pth'


@pytest.mark.usefixtures('writes_stored_file')
def test_other_results_are_kept_as_unverified(other_weights, tmp_path):
    target = tmp_path / 'out/model.onnx'
    with pytest.raises(ValueError, match='file are not those of the model: it is kept as .*out/model.unverified.onnx'):
        export(other_weights, target)
    assert names(tmp_path / 'out') == ['model.unverified.onnx']


def test_file_of_other_weights(other_weights):
    with pytest.raises(ValueError, match='exported.onnx was exported from other weights than those of .*other.pth'):
        verify_export(EXPORTED, other_weights)


def test_file_that_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match='no file .*model.onnx'):
        verify_export(tmp_path / 'model.onnx', CHECKPOINT)


def test_file_that_is_no_exported_one_is_kept(tmp_path):
    (tmp_path / 'model.onnx').write_text('mine')
    with pytest.raises(FileExistsError, match='model.onnx exists and is not an exported model: choose another name'):
        export(CHECKPOINT, tmp_path / 'model.onnx')
    assert (tmp_path / 'model.onnx').read_text() == 'mine'


def test_a_missing_package_is_told_first(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, 'onnxscript', None)
    with pytest.raises(ImportError, match='this needs onnxscript, which is not installed'):
        export(tmp_path / 'missing.pth', tmp_path / 'model.onnx')


def test_unknown_sampling(tmp_path):
    with pytest.raises(ValueError, match=r"unknown sampling 'bags': choose one of \['grid', 'gather'\]"):
        export(CHECKPOINT, tmp_path / 'model.onnx', sampling='bags')


def test_one_precision(tmp_path):
    with pytest.raises(ValueError, match="half and int8='photos' exclude each other: choose one"):
        export(CHECKPOINT, tmp_path / 'model.onnx', half=True, int8='photos')


def test_folder_without_images(tmp_path):
    with pytest.raises(ValueError, match='int8=.* has no images, by which the ranges of int8 are chosen'):
        export(CHECKPOINT, tmp_path / 'model.onnx', int8=tmp_path)


@pytest.mark.slow
def test_a_new_file_is_the_stored_one(tmp_path):
    """Otherwise the stored one is of an older version: ``python tests/data/exported.py`` writes it."""
    target = export(CHECKPOINT, tmp_path / 'model.onnx')
    new, stored = (MODULE.format_of(path).open(path) for path in (target, EXPORTED))
    assert new.description == stored.description
    assert abs(target.stat().st_size / EXPORTED.stat().st_size - 1) < 0.05
