import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from mmoneformer.models.ops.dispatch import (
    empty_masks,
    full_precision,
    in_small_steps,
    layers_per_step,
    masks_per_step,
    runs_on,
    tile_side,
)


def test_kernels_run_on_their_own_type_of_device():
    assert runs_on(torch.ones(1), 'cpu')
    assert runs_on(torch.nn.Parameter(torch.ones(1)), 'cpu')
    assert not runs_on(torch.ones(1), 'cuda')
    assert not runs_on(torch.ones(1, device='meta'), 'cpu')


def test_kernels_are_not_recorded_in_a_graph():
    """Neither by tracing, nor by exporting, which runs with fake tensors that claim to be on the device."""
    answers = []

    def function(inputs):
        answers.append(runs_on(inputs, 'cpu'))
        return inputs + 1

    torch.jit.trace(function, torch.ones(2), check_trace=False)
    with FakeTensorMode():
        function(torch.ones(2))
    assert answers == [False, False]
    function(torch.ones(2))
    assert answers.pop()


def test_autocast_ends_in_full_precision():
    inputs = torch.ones(2, 3)
    with torch.autocast('cpu', torch.bfloat16):
        with full_precision(inputs):
            assert (inputs @ inputs.mT).dtype is torch.float32
        assert (inputs @ inputs.mT).dtype is torch.bfloat16


def test_devices_without_autocast():
    with full_precision(torch.ones(1, device='meta')):
        pass


@pytest.mark.parametrize(('device', 'expected'), [('cpu', (16, 1, 64)), ('meta', (100, 100, 512))])
def test_only_a_cpu_takes_small_steps(device, expected):
    masks = torch.empty(100, 8, 8, device=device)
    assert (masks_per_step(masks), layers_per_step(masks), tile_side(masks)) == expected


@pytest.mark.parametrize(('device', 'expected'), [('cpu', True), ('meta', False)])
def test_only_a_cpu_looks_at_small_blocks(device, expected):
    assert in_small_steps(torch.empty(3, 8, 8, device=device)) == expected


def test_a_step_is_never_empty():
    masks = torch.empty(0, 8, 8, device='meta')
    assert masks_per_step(masks) == layers_per_step(masks) == 1


@pytest.mark.parametrize('shape', [(3, 4, 5), (0, 4, 5)])
def test_empty_masks(shape):
    masks = empty_masks(shape, beside=torch.ones(1))
    assert torch.equal(masks, torch.zeros(shape, dtype=torch.bool))
    masks[:, 1:3] = True
    assert masks.sum() == shape[0] * 2 * 5
    assert empty_masks(shape, beside=torch.ones(1, device='meta')).device.type == 'meta'
