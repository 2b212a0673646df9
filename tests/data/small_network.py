"""A small network, in a file as ``mmoneformer export`` writes it: pixels of some color are a mask."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mmoneformer_deploy.description import KEY, Description

QUERIES, CLASSES = 12, ('sky', 'cat', 'road', 'dog')
DESCRIPTION = Description(
    version='0.1.0',
    weights_sha256='0' * 64,
    tasks=['panoptic', 'instance', 'semantic'],
    classes=list(CLASSES),
    thing_ids=[1, 3],
    palette=[[70, 130, 180], [220, 20, 60], [128, 64, 128], [0, 80, 100]],
    resize={'scale': [160, 128], 'keep_ratio': True},
    size_divisor=32,
    pad_value=[123.675, 116.28, 103.53],
    object_mask_thr=0.3,
    overlap_thr=0.2,
    max_per_image=20,
)


def build_network():
    """ONNX: means of 4 x 4 pixels, to mask logits by fixed weights; class logits depend on the task alone."""
    rng = np.random.default_rng(0)
    weights = rng.normal(0, 0.1, (QUERIES, 3, 1, 1))
    values = {
        'weights': weights,
        'biases': -128 * weights.sum((1, 2, 3)),
        'factors': np.array([1, 2, 0.5]).reshape(3, 1, 1, 1),
        'classes': rng.normal(0, 4, (3, QUERIES, len(CLASSES) + 1)),
        'zero': np.zeros(()),
    }
    constants = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in values.items()]
    constants.append(numpy_helper.from_array(np.array([1]), 'axis'))
    nodes = [
        helper.make_node('AveragePool', ['images'], ['pooled'], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node('Conv', ['pooled', 'weights', 'biases'], ['masks']),
        helper.make_node('Unsqueeze', ['masks', 'axis'], ['masks_of_one']),
        helper.make_node('Gather', ['factors', 'tasks'], ['factors_of_tasks'], axis=0),
        helper.make_node('Mul', ['masks_of_one', 'factors_of_tasks'], ['mask_logits']),
        helper.make_node('Gather', ['classes', 'tasks'], ['classes_of_tasks'], axis=0),
        helper.make_node('ReduceMean', ['images'], ['brightness'], axes=[1, 2, 3], keepdims=1),
        helper.make_node('Mul', ['brightness', 'zero'], ['zeros']),
        helper.make_node('Add', ['classes_of_tasks', 'zeros'], ['class_logits']),
    ]
    inputs = [
        helper.make_tensor_value_info('images', TensorProto.FLOAT, ['B', 3, 'H', 'W']),
        helper.make_tensor_value_info('tasks', TensorProto.INT64, ['T']),
    ]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ['B', 'T', QUERIES, *rest])
        for name, rest in (('class_logits', [len(CLASSES) + 1]), ('mask_logits', ['h', 'w']))
    ]
    graph = helper.make_graph(nodes, 'small', inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=9)


def write_small_network(path: Path) -> Path:
    """Write the network with its description."""
    network = build_network()
    helper.set_model_props(network, {KEY: DESCRIPTION.to_json()})
    onnx.save(network, path)
    return path
