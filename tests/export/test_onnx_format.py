import numpy as np
import onnx
import pytest
import torch

from mmoneformer.export.description import describe
from mmoneformer.export.network import DIVISOR, EXAMPLE
from mmoneformer.export.onnx_format import write_onnx
from mmoneformer.export.onnx_operators import translations
from mmoneformer.registry import MODELS
from mmoneformer_deploy.runtimes import open_network


def test_file(model, onnx_file):
    """What is in it: the description, inputs and outputs of variable sizes, no word about this machine."""
    stored = onnx.load(onnx_file)
    onnx.checker.check_model(stored, full_check=True)
    assert stored.opset_import[0].version == 18
    values = {value.name: value.type.tensor_type for value in (*stored.graph.input, *stored.graph.output)}
    ranks = {name: [bool(side.dim_param) for side in value.shape.dim] for name, value in values.items()}
    assert ranks == {
        'images': [True, False, True, True],
        'tasks': [True],
        'class_logits': [True, True, False, False],
        'mask_logits': [True, True, False, True, True],
    }
    assert sum(node.op_type == 'GridSample' for node in stored.graph.node) == 3
    assert not any(node.metadata_props for node in stored.graph.node)
    assert open_network(onnx_file).description == describe(model)


class LargeProgram:
    """No graph, but as many bytes as the weights of one that is too large."""

    state_dict = {'weight': type('Weight', (), {'nbytes': 2**31})}


def test_more_weights_than_a_file_can_have(tmp_path):
    with pytest.raises(ValueError, match='the weights have 2.0 GiB, and an ONNX file at most 2'):
        write_onnx(LargeProgram, tmp_path / 'x.onnx', {})


SMALL = dict(hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=32, mlp_ratio=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    'config',
    [
        dict(type='TransformersViT', model=dict(model_type='dinov2', image_size=42, patch_size=14, **SMALL)),
        dict(type='TransformersViT', model=dict(model_type='dinov3_vit', image_size=64, patch_size=16, **SMALL)),
        dict(type='TimmViT', model='test_vit.r160_in1k', window=3),
    ],
    ids=['dinov2', 'dinov3', 'windows'],
)
def test_vision_transformers(config, tmp_path):
    """Their maps, of images larger and smaller than the positions that were learned."""
    if config['type'] == 'TransformersViT':
        pytest.importorskip('transformers')
    onnxruntime = pytest.importorskip('onnxruntime')
    torch.manual_seed(0)
    backbone = MODELS.build(config).eval().requires_grad_(False)
    batch, rows, columns = (torch.export.Dim(name, min=1) for name in ('batch', 'rows', 'columns'))
    sizes = ({0: batch, 2: DIVISOR * rows, 3: DIVISOR * columns},)
    graph = torch.export.export(backbone, (torch.zeros(EXAMPLE),), dynamic_shapes=sizes, strict=False)
    path = tmp_path / 'backbone.onnx'
    torch.onnx.export(
        graph, f=path, opset_version=18, dynamo=True, verbose=False, custom_translation_table=translations()
    )
    session = onnxruntime.InferenceSession(path)
    for shape in ((1, 3, 64, 96), (2, 3, 128, 64), (1, 3, 32, 32)):
        images = torch.randn(shape)
        found = session.run(None, {session.get_inputs()[0].name: images.numpy()})
        for ours, theirs in zip(found, backbone(images), strict=True):
            np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-4)
