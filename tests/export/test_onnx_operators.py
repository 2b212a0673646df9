from collections import Counter

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmoneformer.export.onnx_operators import translations


def test_attention_does_not_look_for_queries_without_keys(onnx_file):
    count = Counter(node.op_type for node in onnx.load(onnx_file).graph.node)
    assert count['Softmax'] == 5  # of three attentions of queries, one of queries to pixels, and of the sampled points
    assert not count['IsNaN']


class Attentions(nn.Module):
    def forward(self, query, key, value, mask):
        bias = mask.float() * 0.3
        return (
            F.scaled_dot_product_attention(query, key, value, mask),
            F.scaled_dot_product_attention(query, key, value, bias, scale=0.1),
            F.scaled_dot_product_attention(query[0], key[0], value[0]),
        )


@pytest.mark.slow
def test_attention(tmp_path):
    onnxruntime = pytest.importorskip('onnxruntime')
    torch.manual_seed(0)
    query, key, value = torch.randn(2, 3, 5, 4), torch.randn(2, 3, 7, 4), torch.randn(2, 3, 7, 4)
    inputs = (query, key, value, torch.rand(2, 1, 5, 7) > 0.5)
    inputs[-1][..., 2] = True
    path = tmp_path / 'attention.onnx'
    torch.onnx.export(
        Attentions().eval(), inputs, path, custom_translation_table=translations(), dynamo=True, verbose=False
    )
    session = onnxruntime.InferenceSession(path)
    names = [value.name for value in session.get_inputs()]
    found = session.run(None, dict(zip(names, (part.numpy() for part in inputs), strict=True)))
    for ours, theirs in zip(found, Attentions()(*inputs), strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-6)


def test_attention_that_is_not_translated():
    (attention,) = translations().values()
    with pytest.raises(NotImplementedError, match='causal or grouped is not translated to ONNX: write it out'):
        attention(*torch.zeros(3, 1, 2, 3, 4), is_causal=True)
