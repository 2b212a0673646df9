import pytest
import torch

from mmoneformer.models.ops.chunk_sizes import layers_per_step, masks_per_step, tile_side


@pytest.mark.parametrize(('device', 'expected'), [('cpu', (16, 1, 64)), ('meta', (100, 100, 256))])
def test_only_a_cpu_takes_small_steps(device, expected):
    masks = torch.empty(100, 8, 8, device=device)
    assert (masks_per_step(masks), layers_per_step(masks), tile_side(masks)) == expected


def test_a_step_is_never_empty():
    masks = torch.empty(0, 8, 8, device='meta')
    assert masks_per_step(masks) == layers_per_step(masks) == 1
