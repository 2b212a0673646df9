import shutil

import onnx
import pytest
from onnx import TensorProto, numpy_helper

from mmoneformer.export.precision import PRODUCTS, quantize, store_in_half
from mmoneformer.export.verification import TOLERANCES, compare, scene_images
from mmoneformer_deploy.runtimes import open_network


@pytest.fixture
def copy(onnx_file, tmp_path):
    return shutil.copy(onnx_file, tmp_path / 'model.onnx')


def test_weights_in_half_precision(model, copy, onnx_file):
    store_in_half(copy)
    stored = onnx.load(copy)
    onnx.checker.check_model(stored, full_check=True)
    halved = {tensor.name for tensor in stored.graph.initializer if tensor.data_type == TensorProto.FLOAT16}
    assert 'head.pixel_decoder.output.0.weight.half' in halved
    assert not any(name.startswith('head.task_token') for name in halved)
    assert (
        copy.stat().st_size < onnx_file.stat().st_size - model.panoptic_head.pixel_decoder.output[0].weight.nbytes / 2
    )
    comparison = next(compare(open_network(copy), model))
    assert TOLERANCES['float16'].accepts([comparison])
    assert max(comparison.differences) > 0


def test_weights_beyond_half_precision(copy):
    stored = onnx.load(copy)
    large = next(tensor for tensor in stored.graph.initializer if tensor.name == 'head.pixel_decoder.output.0.weight')
    large.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(large) * 1e6, large.name))
    onnx.save(stored, copy)
    store_in_half(copy)
    assert large.name in {tensor.name for tensor in onnx.load(copy).graph.initializer}


def test_products_in_int8(model, copy):
    quantize(copy, [scene_images(size, 1).numpy() for size in ((256, 192), (192, 256))])
    nodes = onnx.load(copy).graph.node
    scaled = {output for node in nodes if node.op_type == 'DequantizeLinear' for output in node.output}
    found = {node.name for node in nodes if node.op_type in PRODUCTS and set(node.input[:2]) <= scaled}
    assert any(name.startswith('backbone.') for name in found)
    assert any(name.startswith('head.pixel_decoder.layers.0.ffn.linear1') for name in found)
    assert all(name.startswith(('backbone.', 'head.pixel_decoder.')) for name in found)
    assert not any('sampling_offsets' in name for name in found)
    comparison = next(compare(open_network(copy), model))
    assert 0 < max(comparison.differences) < 0.5 * comparison.magnitude
