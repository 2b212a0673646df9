import math

import pytest
import torch
from mmcv.ops import multi_scale_deform_attn as mmcv_attention

from mmoneformer.models.ops import deformable_sampling
from mmoneformer.models.ops.bag_sampling import sample_by_embedding_bag
from mmoneformer.models.ops.deformable_sampling import sample_by_gather, sample_by_grid

SIZES = [(2, 3), (4, 5), (7, 9)]


def random_arguments(*, batch=2, queries=5, heads=3, channels=4, points=2, sizes=SIZES, dtype=torch.float64):
    """Values, locations in -0.3..1.3 (many outside of the image) and weights."""
    tokens = sum(height * width for height, width in sizes)
    values = torch.randn(batch, tokens, heads, channels, dtype=dtype)
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


@pytest.mark.parametrize('sample', [sample_by_embedding_bag, sample_by_grid, sample_by_gather, sample_by_mmcv])
def test_samples_equal_the_definition(sample):
    values, locations, weights = random_arguments()
    expected = sample_by_loops(values, SIZES, locations, weights)
    torch.testing.assert_close(sample(values, SIZES, locations, weights), expected)


@pytest.mark.parametrize('sample', [sample_by_embedding_bag, sample_by_grid, sample_by_gather])
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


@pytest.mark.parametrize('sample', [sample_by_embedding_bag, sample_by_grid, sample_by_gather])
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
    ('device_type', 'compiled', 'triton', 'dtype', 'expected'),
    [
        ('cpu', False, True, torch.float32, 'sample_by_embedding_bag'),
        ('cpu', True, True, torch.float32, 'sample_by_embedding_bag'),
        ('cuda', False, False, torch.float32, 'sample_by_grid'),
        ('cuda', False, True, torch.bfloat16, '_sample_by_triton'),
        ('cuda', False, True, torch.float64, 'sample_by_grid'),
        ('cuda', True, True, torch.float32, '_sample_by_mmcv'),
        ('mps', True, True, torch.float32, 'sample_by_grid'),
    ],
)
def test_choice_of_the_form(monkeypatch, device_type, compiled, triton, dtype, expected):
    monkeypatch.setattr(deformable_sampling, 'are_compiled', lambda: compiled)
    monkeypatch.setattr(deformable_sampling, 'has_triton', lambda: triton)
    monkeypatch.setattr(deformable_sampling, 'runs_on', lambda _, kind: kind == device_type)
    for name in ('sample_by_embedding_bag', 'sample_by_grid', '_sample_by_mmcv', '_sample_by_triton'):
        monkeypatch.setattr(deformable_sampling, name, lambda *_, name=name: name)
    assert deformable_sampling.sample(torch.empty(0, dtype=dtype), SIZES, None, None) == expected


def test_triton_needs_a_compiler_of_c(monkeypatch):
    """Triton builds the program that starts a kernel."""
    monkeypatch.setattr(deformable_sampling, 'find_spec', lambda name: name)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 0)
    monkeypatch.delenv('CC', raising=False)
    monkeypatch.setattr(deformable_sampling.shutil, 'which', lambda name: None)
    assert not deformable_sampling.has_triton.__wrapped__()
    monkeypatch.setattr(deformable_sampling.shutil, 'which', lambda name: name)
    assert deformable_sampling.has_triton.__wrapped__()


@pytest.mark.parametrize(('capability', 'expected'), [((6, 1), False), ((7, 5), True), ((9, 0), True)])
def test_triton_compiles_for_no_old_gpu(monkeypatch, capability, expected):
    monkeypatch.setattr(deformable_sampling, 'find_spec', lambda name: name)
    monkeypatch.setattr(deformable_sampling.shutil, 'which', lambda name: name)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)
    monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda gpu: capability)
    assert deformable_sampling.has_triton.__wrapped__() == expected


def test_arguments_of_the_compiled_form(monkeypatch):
    """mmcv's operator takes sizes and first tokens of the levels as tensors, and a step that divides the batch."""

    class Operator:
        @staticmethod
        def apply(values, shapes, starts, locations, weights, im2col_step):
            assert starts.tolist() == [0, 6, 26]
            assert len(values) % min(len(values), im2col_step) == 0
            return mmcv_attention.multi_scale_deformable_attn_pytorch(values, shapes, locations, weights)

    monkeypatch.setattr(mmcv_attention, 'MultiScaleDeformableAttnFunction', Operator)
    values, locations, weights = random_arguments()
    ours = deformable_sampling._sample_by_mmcv(values, SIZES, locations, weights)
    torch.testing.assert_close(ours, sample_by_loops(values, SIZES, locations, weights))


def test_levels_are_copied_to_the_device_once_for_the_compiled_form(monkeypatch):
    """Copying again would wait for the device, and end the capture of a CUDA graph."""
    levels = []

    class Operator:
        @staticmethod
        def apply(values, shapes, starts, *_):
            levels.append((shapes, starts))

    monkeypatch.setattr(mmcv_attention, 'MultiScaleDeformableAttnFunction', Operator)
    sizes = [(3, 5), (8, 2)]
    values, locations, weights = random_arguments(sizes=sizes)
    for inference in (True, False):
        with torch.inference_mode(inference):
            deformable_sampling._sample_by_mmcv(values, sizes, locations, weights)
    first, second = levels
    for before, after in zip(first, second, strict=True):
        assert before is after
        assert not after.is_inference()  # it can be kept for a backward pass


@pytest.mark.gpu
def test_cuda_equals_cpu():
    values, locations, weights = random_arguments(channels=32, dtype=torch.float32)
    expected = deformable_sampling.sample(values, SIZES, locations, weights)
    on_gpu = deformable_sampling.sample(values.cuda(), SIZES, locations.cuda(), weights.cuda())
    torch.testing.assert_close(on_gpu.cpu(), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.filterwarnings('ignore::DeprecationWarning')
def test_traces_and_exports_consist_of_standard_operators():
    class Sample(torch.nn.Module):
        def forward(self, values, locations, weights):
            return deformable_sampling.sample(values, SIZES, locations, weights)

    arguments = random_arguments(dtype=torch.float32)
    expected = Sample()(*arguments)
    traced = torch.jit.trace(Sample(), arguments)
    exported = torch.export.export(Sample(), arguments, strict=False)
    for recorded, operators in ((traced, str(traced.inlined_graph)), (exported.module(), str(exported.graph))):
        assert 'grid_sampler' in operators
        assert 'embedding_bag' not in operators
        torch.testing.assert_close(recorded(*arguments), expected)
