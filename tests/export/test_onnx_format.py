import onnx
import pytest

from mmoneformer.export.description import describe
from mmoneformer.export.onnx_format import write_onnx
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
