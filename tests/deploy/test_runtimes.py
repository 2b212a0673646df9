import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from onnx import helper

from mmoneformer_deploy.runtimes import open_network

IMAGES = np.random.default_rng(0).uniform(0, 255, (2, 3, 32, 64)).astype(np.float32)


@pytest.fixture(scope='module')
def openvino_file(onnx_file, description):
    openvino = pytest.importorskip('openvino')
    model = openvino.convert_model(onnx_file)
    model.set_rt_info(description.to_json(), ['mmoneformer'])
    path = onnx_file.with_suffix('.xml')
    openvino.save_model(model, path, compress_to_fp16=False)
    return path


def test_onnxruntime(onnx_file, description):
    network = open_network(onnx_file)
    assert network.description == description
    class_logits, mask_logits = network(IMAGES, np.array([2, 0]))
    assert (class_logits.shape, mask_logits.shape) == ((2, 2, 12, 5), (2, 2, 12, 8, 16))
    _, alone = network(IMAGES[1:], np.array([0]))
    np.testing.assert_allclose(mask_logits[1, 1], alone[0, 0], atol=1e-5)


def test_openvino(onnx_file, openvino_file, description):
    network = open_network(openvino_file)
    assert network.description == description
    for tasks in (np.array([2, 0]), np.array([1])):
        for found, expected in zip(network(IMAGES, tasks), open_network(onnx_file)(IMAGES, tasks), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-3)
    with pytest.raises(ValueError, match=r'\.xml runs in OpenVINO, and providers are those of onnxruntime'):
        open_network(openvino_file, ['CPUExecutionProvider'])


@pytest.mark.parametrize('kind', ['onnx_file', 'openvino_file'])
def test_several_threads(kind, request):
    """Results are those of the own call, and stay so."""
    network = open_network(request.getfixturevalue(kind))
    inputs = [(IMAGES + shift, np.array([shift % 3])) for shift in range(12)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(network, *zip(*inputs, strict=True)))
    for found, arguments in zip(together, inputs, strict=True):
        for one, other in zip(found, network(*arguments), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)


def test_providers(onnx_file):
    assert open_network(onnx_file, [('CPUExecutionProvider', {})]).description
    with pytest.raises(ValueError, match=r"providers \['GPU'\] are not available: this onnxruntime has \["):
        open_network(onnx_file, ['GPU'])


@pytest.mark.parametrize(('name', 'package'), [('a.onnx', 'onnxruntime'), ('a.xml', 'openvino')])
def test_a_runtime_that_is_not_installed(monkeypatch, tmp_path, name, package):
    (tmp_path / name).touch()
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=f'{package} is not installed: pip install {package}'):
        open_network(tmp_path / name)


def test_files_that_are_not_there_or_of_another_kind(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no such file: .*a\.onnx'):
        open_network(tmp_path / 'a.onnx')
    with pytest.raises(ValueError, match=r'a\.pth is not an exported model: its name must end with \.onnx or \.xml'):
        open_network(tmp_path / 'a.pth')


@pytest.mark.parametrize('name', ['a.onnx', 'a.xml'])
def test_damaged_files(tmp_path, name):
    (tmp_path / name).write_bytes(b'<html>not found</html>')
    with pytest.raises(ValueError, match=rf'{name} is not a file of (ONNX|OpenVINO) that \w+ (version )?can run: .*'):
        open_network(tmp_path / name)


def test_files_of_others(tmp_path, onnx_file, description):
    model = onnx.load(onnx_file)
    helper.set_model_props(model, {})
    onnx.save(model, tmp_path / 'a.onnx')
    with pytest.raises(ValueError, match=r'a\.onnx has no description of mmoneformer'):
        open_network(tmp_path / 'a.onnx')
    helper.set_model_props(model, {'mmoneformer': description.to_json()})
    model.graph.output.pop()
    onnx.save(model, tmp_path / 'a.onnx')
    with pytest.raises(ValueError, match=r"a\.onnx is not an exported model: it lacks \['mask_logits'\]"):
        open_network(tmp_path / 'a.onnx')
