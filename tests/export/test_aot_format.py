import json
import subprocess
import sys
from zipfile import ZipFile

import pytest

from mmoneformer.apis.export import verify_export
from mmoneformer.export.aot_format import AotNetwork, check_installed, read_metadata, write_aot
from mmoneformer.export.description import describe
from mmoneformer.export.torch_format import TorchNetwork
from mmoneformer.export.verification import TOLERANCES, compare

ALONE = """
import sys
import torch
for name in ('mmoneformer', 'mmengine', 'mmcv', 'mmdet', 'mmseg'):
    sys.modules[name] = None  # importing it fails
model = torch._inductor.aoti_load_package(sys.argv[1])
class_logits, mask_logits = model(torch.zeros(2, 3, 64, 96), torch.tensor([2]))
print(list(class_logits.shape), list(mask_logits.shape))
"""


@pytest.fixture(scope='module')
def file(model, program, tmp_path_factory):
    path = tmp_path_factory.mktemp('aot') / 'model.pt2'
    write_aot(program, path, describe(model))
    return path


@pytest.mark.slow
def test_file(model, checkpoint, file):
    loaded = AotNetwork(file)
    assert loaded.description == describe(model)
    assert TOLERANCES['float32'].accepts(list(compare(loaded, model)))
    verify_export(file, checkpoint, format='aot')


@pytest.mark.slow
def test_torch_alone_loads_it(file):
    told = subprocess.run([sys.executable, '-c', ALONE, file], capture_output=True, text=True, check=True)
    assert told.stdout == '[2, 1, 8, 5] [2, 1, 8, 16, 24]\n'


@pytest.mark.slow
def test_code_is_run_only_when_asked(checkpoint, file):
    with pytest.raises(ValueError, match='is not a file that torch.export can load'):
        TorchNetwork(file)
    with pytest.raises(ValueError, match='is not a file that torch.export can load'):
        verify_export(file, checkpoint)


def _write_archive(path, **files):
    with ZipFile(path, 'w') as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def test_files_of_others(tmp_path):
    path = tmp_path / 'other.pt2'
    path.write_text('no archive')
    with pytest.raises(ValueError, match='other.pt2 is not a file that AOTInductor wrote: File is not a zip file'):
        AotNetwork(path)
    _write_archive(path, a='b')
    with pytest.raises(ValueError, match='other.pt2 has no description of mmoneformer'):
        AotNetwork(path)
    _write_archive(path, a_metadata__json='')
    assert read_metadata(path) is None


@pytest.mark.parametrize('metadata', ['{', '[]', '3'])
def test_damaged_metadata(metadata, tmp_path):
    _write_archive(tmp_path / 'other.pt2', **{'data/aotinductor/model/x_metadata.json': metadata})
    with pytest.raises(ValueError, match='other.pt2 is not a file that AOTInductor wrote'):
        AotNetwork(tmp_path / 'other.pt2')


def test_metadata_is_read_without_running_code(tmp_path):
    _write_archive(tmp_path / 'a.pt2', **{'data/aotinductor/model/x_metadata.json': json.dumps({'mmoneformer': '{}'})})
    assert read_metadata(tmp_path / 'a.pt2') == '{}'
    with pytest.raises(ValueError, match='a.pt2 has a description of format None'):
        AotNetwork(tmp_path / 'a.pt2')


def test_no_compiler(monkeypatch):
    monkeypatch.setattr('torch._inductor.config.cpp.cxx', ('no-such-compiler',))
    with pytest.raises(
        RuntimeError, match=r'^the format aot needs a C\+\+ compiler: install g\+\+, or name one in CXX'
    ):
        check_installed()


def test_torch_without_it(monkeypatch):
    monkeypatch.delattr('torch._inductor.aoti_compile_and_package')
    with pytest.raises(ImportError, match=r'^the format aot needs torch 2\.6 or newer, this is 2\.'):
        check_installed()
