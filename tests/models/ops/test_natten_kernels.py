import sys
from types import ModuleType

import pytest
import torch

import mmoneformer  # noqa: F401
from mmoneformer.models.backbones.neighborhood_attention import neighborhood_attention
from mmoneformer.models.ops.natten_kernels import has_natten, natten_attention


@pytest.mark.parametrize('takes_bias', [True, False])
def test_only_a_version_with_bias_counts(monkeypatch, takes_bias):
    functional = ModuleType('natten.functional')
    functional.na2d_av = lambda: None
    functional.na2d_qk = (lambda query, rpb: None) if takes_bias else (lambda query: None)
    monkeypatch.setitem(sys.modules, 'natten', ModuleType('natten'))
    monkeypatch.setitem(sys.modules, 'natten.functional', functional)
    assert has_natten.__wrapped__() == takes_bias


def test_missing_package_does_not_count(monkeypatch):
    monkeypatch.setitem(sys.modules, 'natten', None)
    assert not has_natten.__wrapped__()


def test_equals_plain_pytorch():
    pytest.importorskip('natten', minversion='0.17')
    if not has_natten():
        pytest.skip('this version of natten takes no bias')
    torch.manual_seed(0)
    inputs = [*torch.randn(3, 2, 17, 15, 2, 8), torch.randn(2, 13, 13)]
    expected = neighborhood_attention(*inputs, dilation=2)
    torch.testing.assert_close(natten_attention(*inputs, dilation=2), expected, atol=1e-4, rtol=0)
