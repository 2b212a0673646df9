import math
from types import SimpleNamespace

import pytest
import torch
from mmcv.ops import multi_scale_deform_attn as mmcv_attention

from mmoneformer.models.layers import deformable_attention
from mmoneformer.models.layers.deformable_attention import DeformableAttention, sample_by_embedding_bag, sample_by_grid

SIZES = [(2, 3), (4, 5), (7, 9)]
CELLS = sum(height * width for height, width in SIZES)


def random_arguments(*, batch=2, queries=5, heads=3, channels=4, points=2, sizes=SIZES, dtype=torch.float64):
    """Values, locations in -0.3..1.3 (many outside of the image) and weights."""
    cells = sum(height * width for height, width in sizes)
    values = torch.randn(batch, cells, heads, channels, dtype=dtype)
    locations = torch.rand(batch, queries, heads, len(sizes), points, 2, dtype=dtype) * 1.6 - 0.3
    weights = torch.rand(batch, queries, heads, len(sizes), points, dtype=dtype)
    return values, locations, weights


def sample_by_loops(values, sizes, locations, weights):
    """The definition: for each query, head, level and point, four pixels and their shares."""
    batch, queries, heads, levels, points, _ = locations.shape
    result = values.new_zeros(batch, queries, heads, values.shape[-1])
    for image, query, head, level, point in torch.cartesian_prod(
        *map(torch.arange, (batch, queries, heads, levels, points))
    ).tolist():
        height, width = sizes[level]
        start = sum(h * w for h, w in sizes[:level])
        x, y = (locations[image, query, head, level, point] * torch.tensor([width, height]) - 0.5).tolist()
        for column in (math.floor(x), math.floor(x) + 1):
            for row in (math.floor(y), math.floor(y) + 1):
                if 0 <= column < width and 0 <= row < height:
                    share = (1 - abs(x - column)) * (1 - abs(y - row))
                    pixel = values[image, start + row * width + column, head]
                    result[image, query, head] += weights[image, query, head, level, point] * share * pixel
    return result.flatten(2)


def sample_by_mmcv(values, sizes, locations, weights):
    return mmcv_attention.multi_scale_deformable_attn_pytorch(values, torch.tensor(sizes), locations, weights)


@pytest.mark.parametrize('sample', [sample_by_embedding_bag, sample_by_grid, sample_by_mmcv])
def test_samples_equal_the_definition(sample):
    values, locations, weights = random_arguments()
    expected = sample_by_loops(values, SIZES, locations, weights)
    torch.testing.assert_close(sample(values, SIZES, locations, weights), expected)


@pytest.mark.parametrize('sample', [sample_by_embedding_bag, sample_by_grid])
def test_gradients_equal_those_of_mmcv(sample):
    arguments = random_arguments()
    direction = torch.randn(2, 5, 12, dtype=torch.float64)
    gradients = []
    for form in (sample, sample_by_mmcv):
        values, locations, weights = (argument.clone().requires_grad_() for argument in arguments)
        (form(values, SIZES, locations, weights) * direction).sum().backward()
        gradients.append((values.grad, locations.grad, weights.grad))
    for ours, theirs in zip(*gradients, strict=True):
        assert theirs.abs().max() > 0
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize('sample', [sample_by_embedding_bag, sample_by_grid])
def test_gradients_equal_differences(sample):
    sizes = [(2, 3), (1, 2)]
    arguments = random_arguments(batch=1, queries=2, heads=2, channels=2, points=1, sizes=sizes)
    values, locations, weights = (argument.requires_grad_() for argument in arguments)
    assert torch.autograd.gradcheck(
        lambda *inputs: sample(inputs[0], sizes, *inputs[1:]), (values, locations, weights)
    )


@pytest.mark.parametrize('sample', [sample_by_embedding_bag, sample_by_grid])
def test_points_far_outside_read_zeros(sample):
    values, locations, weights = random_arguments()
    assert not sample(values, SIZES, locations + 3, weights).any()


@pytest.mark.parametrize(
    ('is_cuda', 'compiled', 'trained', 'expected'),
    [
        (False, False, False, 'sample_by_embedding_bag'),
        (False, True, False, 'sample_by_embedding_bag'),
        (False, True, True, 'sample_by_embedding_bag'),
        (True, False, False, 'sample_by_grid'),
        (True, False, True, 'sample_by_grid'),
        (True, True, False, '_sample_by_mmcv'),
        (True, True, True, '_sample_by_mmcv'),
    ],
)
def test_choice_of_the_form(monkeypatch, is_cuda, compiled, trained, expected):
    monkeypatch.setattr(deformable_attention, 'are_compiled', lambda: compiled)
    for name in ('sample_by_embedding_bag', 'sample_by_grid', '_sample_by_mmcv'):
        monkeypatch.setattr(deformable_attention, name, lambda *_, name=name: name)
    with torch.set_grad_enabled(trained):
        assert deformable_attention.sample(SimpleNamespace(is_cuda=is_cuda), SIZES, None, None) == expected


def test_arguments_of_the_compiled_form(monkeypatch):
    """The operator of mmcv wants sizes and starts of the levels as tensors, and steps that divide the batch."""

    class Operator:
        @staticmethod
        def apply(values, shapes, starts, locations, weights, im2col_step):
            assert starts.tolist() == [0, 6, 26]
            assert len(values) % min(len(values), im2col_step) == 0
            return mmcv_attention.multi_scale_deformable_attn_pytorch(values, shapes, locations, weights)

    monkeypatch.setattr(mmcv_attention, 'MultiScaleDeformableAttnFunction', Operator)
    values, locations, weights = random_arguments()
    ours = deformable_attention._sample_by_mmcv(values, SIZES, locations, weights)
    torch.testing.assert_close(ours, sample_by_loops(values, SIZES, locations, weights))


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_cuda_equals_cpu():
    values, locations, weights = random_arguments(channels=32, dtype=torch.float32)
    expected = deformable_attention.sample(values, SIZES, locations, weights)
    on_gpu = deformable_attention.sample(values.cuda(), SIZES, locations.cuda(), weights.cuda())
    torch.testing.assert_close(on_gpu.cpu(), expected, atol=1e-5, rtol=1e-5)


def test_module_equals_that_of_mmcv():
    ours = DeformableAttention(16, num_heads=4, num_points=2)
    for parameter in ours.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    theirs = mmcv_attention.MultiScaleDeformableAttention(
        embed_dims=16, num_heads=4, num_levels=3, num_points=2, dropout=0, batch_first=True
    )
    theirs.load_state_dict(ours.state_dict())
    query, value, reference = torch.randn(2, CELLS, 16), torch.randn(2, CELLS, 16), torch.rand(CELLS, 2)
    expected = theirs(
        query,
        value=value,
        identity=torch.zeros_like(query),
        reference_points=reference[None, :, None].expand(2, -1, 3, -1),
        spatial_shapes=torch.tensor(SIZES),
        level_start_index=torch.tensor([0, 6, 26]),
    )
    torch.testing.assert_close(ours(query, value, reference, SIZES), expected)


def test_heads_start_in_eight_directions_one_two_and_more_cells_off():
    attention = DeformableAttention(16)
    offsets = attention.sampling_offsets(torch.randn(16)).view(8, 3, 4, 2)
    directions = torch.tensor([[1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1], [1, -1]])
    expected = directions[:, None, None] * torch.arange(1, 5)[:, None]
    torch.testing.assert_close(offsets, expected.expand(-1, 3, -1, -1).float(), atol=1e-5, rtol=0)
    assert not attention.attention_weights(torch.randn(16)).any()  # so all points count the same
