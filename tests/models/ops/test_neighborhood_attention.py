import sys
from types import ModuleType

import pytest
import torch

import mmoneformer  # noqa: F401
from mmoneformer.models.ops import neighborhood_attention as module
from mmoneformer.models.ops.neighborhood_attention import (
    attend_by_natten,
    attend_by_tiles,
    has_natten,
    neighborhood_attention,
)


def neighbors(pixel, length, kernel, dilation):
    """The pixels that one attends to along an axis, and their indices into the bias."""
    same_class = [other for other in range(length) if other % dilation == pixel % dilation]
    position = same_class.index(pixel)
    start = min(max(position - kernel // 2, 0), len(same_class) - kernel)
    window = range(start, start + kernel)
    return [same_class[other] for other in window], [other - position + kernel - 1 for other in window]


def slow_attention(query, key, value, bias, dilation):
    """The definition, pixel by pixel."""
    height, width = query.shape[1:3]
    kernel = (bias.shape[-1] + 1) // 2
    output = torch.empty_like(query)
    for y in range(height):
        ys, bias_ys = neighbors(y, height, kernel, dilation)
        for x in range(width):
            xs, bias_xs = neighbors(x, width, kernel, dilation)
            keys, values = (part[:, ys][:, :, xs].flatten(1, 2) for part in (key, value))  # [B, K * K, heads, C]
            scores = torch.einsum('bhc,bkhc->bhk', query[:, y, x], keys) / query.shape[-1] ** 0.5
            scores = scores + bias[:, bias_ys][:, :, bias_xs].flatten(1)
            output[:, y, x] = torch.einsum('bhk,bkhc->bhc', scores.softmax(-1), values)
    return output


def random_inputs(height, width, kernel, heads=2, channels=4):
    torch.manual_seed(0)
    pixels = [torch.randn(2, height, width, heads, channels, dtype=torch.float64) for _ in range(3)]
    return [*pixels, torch.randn(heads, 2 * kernel - 1, 2 * kernel - 1, dtype=torch.float64)]


@pytest.mark.parametrize(
    ('height', 'width', 'kernel', 'dilation'),
    [
        (3, 5, 3, 1),  # the window is the image's height
        (7, 23, 3, 2),
        (13, 9, 3, 3),
        (11, 17, 3, 3),
        (20, 27, 7, 1),
        (15, 14, 7, 2),
        (31, 21, 7, 3),
        (11, 26, 11, 1),
        (22, 25, 11, 2),
    ],
)
def test_equals_the_definition(height, width, kernel, dilation):
    inputs = random_inputs(height, width, kernel)
    expected = slow_attention(*inputs, dilation)
    torch.testing.assert_close(neighborhood_attention(*inputs, dilation=dilation), expected)


def test_rows_in_parts_give_the_same(monkeypatch):
    inputs = random_inputs(19, 9, 3)
    expected = neighborhood_attention(*inputs, dilation=2)
    calls = []
    attend = module._attend_in_tiles
    monkeypatch.setattr(module, '_attend_in_tiles', lambda *args: calls.append(1) or attend(*args))
    monkeypatch.setattr(module, 'MAX_SCORES', 1)
    torch.testing.assert_close(neighborhood_attention(*inputs, dilation=2), expected)
    assert len(calls) == 4  # two tiles of rows for each of the two classes


def test_gradient_equals_the_definitions():
    inputs = [tensor.requires_grad_() for tensor in random_inputs(13, 10, 3)]
    weight = torch.randn(2, 13, 10, 2, 4, dtype=torch.float64)
    gradients = torch.autograd.grad((neighborhood_attention(*inputs, dilation=3) * weight).sum(), inputs)
    expected = torch.autograd.grad((slow_attention(*inputs, 3) * weight).sum(), inputs)
    for gradient, reference in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, reference)


def test_image_smaller_than_the_window_is_refused():
    with pytest.raises(ValueError, match='8 x 5 tokens are fewer than kernel 3 x dilation 2'):
        neighborhood_attention(*random_inputs(8, 5, 3), dilation=2)


@pytest.mark.parametrize('takes_bias', [True, False])
def test_only_a_version_with_bias_is_used(monkeypatch, takes_bias):
    functional = ModuleType('natten.functional')
    functional.na2d_av = lambda: None
    functional.na2d_qk = (lambda query, rpb: None) if takes_bias else (lambda query: None)
    monkeypatch.setitem(sys.modules, 'natten', ModuleType('natten'))
    monkeypatch.setitem(sys.modules, 'natten.functional', functional)
    assert has_natten.__wrapped__() == takes_bias


def test_natten_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, 'natten', None)
    assert not has_natten.__wrapped__()


def test_natten_equals_plain_pytorch():
    pytest.importorskip('natten', minversion='0.17')
    if not has_natten():
        pytest.skip('this version of natten takes no bias')
    torch.manual_seed(0)
    inputs = [*torch.randn(3, 2, 17, 15, 2, 8), torch.randn(2, 13, 13)]
    expected = attend_by_tiles(*inputs, dilation=2)
    torch.testing.assert_close(attend_by_natten(*inputs, dilation=2), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ('device_type', 'installed', 'expected'),
    [('cuda', True, 'attend_by_natten'), ('cuda', False, 'attend_by_tiles'), ('cpu', True, 'attend_by_tiles')],
)
def test_choice_of_the_form(monkeypatch, device_type, installed, expected):
    monkeypatch.setattr(module, 'has_natten', lambda: installed)
    monkeypatch.setattr(module, 'runs_on', lambda _, kind: kind == device_type)
    for name in ('attend_by_natten', 'attend_by_tiles'):
        monkeypatch.setattr(module, name, lambda *_, dilation, name=name: name)
    assert neighborhood_attention(*random_inputs(9, 9, 3), dilation=1) == expected
