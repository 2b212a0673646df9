"""The kernels equal the plain form: on a CUDA device, or else on the CPU through Triton's interpreter."""

from importlib.util import find_spec

import pytest
import torch

from mmoneformer.models.ops import deformable_sampling
from mmoneformer.models.ops.deformable_sampling import sample_by_grid

pytestmark = pytest.mark.skipif(find_spec('triton') is None, reason='Triton has no build for this platform')

SIZES = [(2, 3), (5, 4), (7, 9)]
BOUNDS = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1e-2}  # of relative errors
DEVICES = ('cpu', pytest.param('cuda', marks=pytest.mark.gpu))


def random_arguments(*, queries=11, heads=2, channels=16, points=2, sizes=SIZES):
    """Values, locations in -0.3..1.3 (many outside, some on borders and on tokens) and weights, float32."""
    torch.manual_seed(0)
    tokens = sum(height * width for height, width in sizes)
    values = torch.randn(2, tokens, heads, channels)
    locations = torch.rand(2, queries, heads, len(sizes), points, 2) * 1.6 - 0.3
    locations[0, 0] = torch.tensor([0.0, 1.0])
    locations[1, 0] = torch.tensor([0.5, 7.5])
    weights = torch.rand(2, queries, heads, len(sizes), points)
    return values, locations, weights


def outputs_and_gradients(sample, arguments, sizes):
    values, locations, weights = inputs = [argument.detach().clone().requires_grad_() for argument in arguments]
    outputs = sample(values, sizes, locations, weights)
    direction = torch.linspace(-1, 1, outputs.numel(), device=outputs.device).view_as(outputs)
    (outputs * direction).sum().backward()
    return {'outputs': outputs.detach(), 'gradients': torch.cat([x.grad.flatten() for x in inputs])}


def assert_equal_to_the_plain_form(arguments, sizes, dtype, bound_of_gradients=None):
    """The plain form computes in float64, from the same rounded arguments."""
    from mmoneformer.models.ops.triton_sampling import sample_by_triton

    rounded = [argument.to(dtype) for argument in arguments]
    expected = outputs_and_gradients(sample_by_grid, [argument.double() for argument in rounded], sizes)
    found = outputs_and_gradients(sample_by_triton, rounded, sizes)
    bounds = {'outputs': BOUNDS[dtype], 'gradients': bound_of_gradients or BOUNDS[dtype]}
    for name, bound in bounds.items():
        assert found[name].dtype == dtype
        error = (found[name].double() - expected[name]).norm() / expected[name].norm()
        assert error < bound, f'{name}: {error}'


def skip_unless_it_runs_on(device):
    if device == 'cpu' and torch.cuda.is_available():
        pytest.skip('Triton compiles for the GPU of this machine, which is tested')


@pytest.mark.parametrize('dtype', BOUNDS)
@pytest.mark.parametrize('device', DEVICES)
def test_equals_the_plain_form(device, dtype):
    skip_unless_it_runs_on(device)
    assert_equal_to_the_plain_form([argument.to(device) for argument in random_arguments()], SIZES, dtype)


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize(
    'options',
    [
        dict(channels=32, heads=3, queries=5),
        dict(channels=64, heads=1, points=1),
        dict(channels=24, sizes=[(3, 2)]),  # no power of two
        dict(channels=8, queries=1, sizes=[(1, 1), (1, 5)], points=4),
    ],
    ids=str,
)
def test_other_shapes(device, options):
    skip_unless_it_runs_on(device)
    arguments = [argument.to(device) for argument in random_arguments(**options)]
    assert_equal_to_the_plain_form(arguments, options.get('sizes', SIZES), torch.float32)


@pytest.mark.gpu
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_the_sizes_of_an_image_of_800_x_1344(dtype):
    """22050 tokens attend to three levels, as in the pixel decoder; of 2 million points a few lie on a token.

    There the gradient has a step, and rounding decides on its side.
    """
    sizes = [(25, 42), (50, 84), (100, 168)]
    arguments = random_arguments(queries=22050, heads=8, channels=32, points=4, sizes=sizes)
    assert_equal_to_the_plain_form([argument.cuda() for argument in arguments], sizes, dtype, bound_of_gradients=1e-2)


def test_levels_stay_where_cuda_graphs_read_them():
    from mmoneformer.models.ops.triton_sampling import _level_table

    device = torch.device('cpu')
    table = _level_table(tuple(SIZES), device)
    assert table.tolist() == [[2, 3, 0], [5, 4, 6], [7, 9, 26]]
    for side in range(1, 200):
        _level_table(((side, side),), device)
    assert _level_table(tuple(SIZES), device) is table


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason='needs two GPUs')
def test_on_another_device_than_the_current_one():
    assert torch.cuda.current_device() == 0
    assert_equal_to_the_plain_form([argument.cuda(1) for argument in random_arguments()], SIZES, torch.float32)


@pytest.mark.gpu
def test_is_chosen_on_cuda(monkeypatch):
    values, locations, weights = (argument.cuda() for argument in random_arguments())
    monkeypatch.setattr(deformable_sampling, 'are_compiled', lambda: False)
    monkeypatch.setattr(deformable_sampling, 'sample_by_grid', None)
    assert deformable_sampling.sample(values, SIZES, locations, weights).shape == (2, 11, 32)
