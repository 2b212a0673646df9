import sys
from pathlib import Path

import pytest

from mmoneformer.export.formats import FORMATS, format_of
from mmoneformer_cli import arguments


def test_suffixes():
    assert format_of('a/model.onnx') is FORMATS['onnx']
    assert format_of('model.pt2', 'torch') is FORMATS['torch']
    assert format_of('model.xml').files(Path('a/model.xml')) == [Path('a/model.xml'), Path('a/model.bin')]
    assert tuple(FORMATS) == arguments.EXPORT_FORMATS


@pytest.mark.parametrize(
    ('path', 'name', 'message'),
    [
        (
            'model.trt',
            None,
            r"model.trt has the suffix '.trt', by which no format is known: use one of .onnx \(",
        ),
        ('model.onnx', 'tensorrt', r"unknown format 'tensorrt': choose one of \['onnx', 'torch', 'aot', 'openvino'\]"),
        ('model.onnx', 'openvino', 'model.onnx must end in .xml, as files of the format openvino do'),
    ],
)
def test_unknown_formats(path, name, message):
    with pytest.raises(ValueError, match=message):
        format_of(path, name)


def test_options():
    assert FORMATS['onnx'].check_options({'opset': 17, 'half': None}) == {'opset': 17}
    with pytest.raises(ValueError, match=r"^opset has no effect on .pt2 files: it is for the formats \['onnx', 'open"):
        FORMATS['torch'].check_options({'opset': 17})


@pytest.mark.parametrize(
    ('name', 'package', 'needed'),
    [
        ('onnx', 'onnxscript', True),
        ('onnx', 'onnxruntime', False),
        ('openvino', 'onnx', True),
        ('openvino', 'openvino', True),
    ],
)
def test_packages_that_are_missing(name, package, needed, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    message = rf"^this needs {package}, which is not installed: pip install 'mmoneformer\["
    with pytest.raises(ImportError, match=message):
        FORMATS[name].check_installed(runs=True)
    if needed:
        with pytest.raises(ImportError, match=message):
            FORMATS[name].check_installed(runs=False)
    else:
        FORMATS[name].check_installed(runs=False)
    FORMATS['torch'].check_installed(runs=True)
