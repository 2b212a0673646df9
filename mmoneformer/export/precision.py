"""Smaller numbers in ONNX files: weights in half precision, products in int8."""

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from mmoneformer.packages import load_package
from mmoneformer_deploy.atomic_files import replacing
from mmoneformer_deploy.runtimes import INPUTS

LARGE = 1024  # elements; smaller tensors, and the task token, stay in float32
TASK_TOKEN = 'head.task_token.'
QUANTIZED = ('backbone', 'head.pixel_decoder')  # modules that take most of the time
NOT_QUANTIZED = ('sampling_offsets', 'attention_weights', 'mask_features')  # of them: results depend on their digits
PRODUCTS = ('Conv', 'Gemm', 'MatMul')


def store_in_half(path: Path) -> None:
    """Store the large weights of a file in half precision, with a conversion of each to float32.

    Weights beyond the range of half precision stay as they are.
    """
    onnx = load_package('onnx')
    model = onnx.load(path)
    casts = []
    for tensor in model.graph.initializer:
        name = tensor.name
        if tensor.data_type != onnx.TensorProto.FLOAT or prod(tensor.dims) < LARGE or name.startswith(TASK_TOKEN):
            continue
        with np.errstate(over='ignore'):
            half = onnx.numpy_helper.to_array(tensor).astype(np.float16)
        if np.isfinite(half).all():
            tensor.CopyFrom(onnx.numpy_helper.from_array(half, f'{name}.half'))
            casts.append(onnx.helper.make_node('Cast', [f'{name}.half'], [name], f'{name}/Cast', to=1))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, path)


def quantize(path: Path, images: Sequence[np.ndarray]) -> None:
    """Let onnxruntime quantize the products of the backbone and the pixel decoder, with a range for each tensor.

    Args:
        path: The file, whose nodes are named by their modules; it is replaced.
        images: Inputs [1, 3, H, W] by which the ranges are chosen.
    """
    onnx = load_package('onnx')
    quantization: Any = load_package('onnxruntime.quantization')
    graph = onnx.load(path).graph
    weights = {tensor.name for tensor in graph.initializer}
    products = [node.name for node in graph.node if node.op_type in PRODUCTS and node.input[1] in weights]
    inputs = iter([dict(zip(INPUTS, (image, np.arange(3)), strict=True)) for image in images])
    reader = type('Reader', (quantization.CalibrationDataReader,), {'get_next': lambda _: next(inputs, None)})
    with replacing(path) as part:
        quantization.quantize_static(
            path,
            part,
            reader(),
            op_types_to_quantize=list(PRODUCTS),
            nodes_to_quantize=list(filter(_is_quantized, products)),
            per_channel=True,
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
        )


def _is_quantized(name: str) -> bool:
    return name.startswith(QUANTIZED) and not any(part in name for part in NOT_QUANTIZED)
