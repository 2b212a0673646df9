import pytest
import torch

import mmoneformer  # noqa: F401
from mmoneformer.models.backbones.neighborhood_attention import NeighborhoodAttention
from mmoneformer.models.ops.neighborhood_attention import attend_by_tiles


@pytest.mark.parametrize(('height', 'width'), [(9, 11), (5, 11), (9, 4), (2, 3)])
def test_module_pads_a_small_image_with_zeros(height, width):
    torch.manual_seed(0)
    attention = NeighborhoodAttention(8, num_heads=2, kernel_size=3, dilation=2).double()
    x = torch.randn(2, height, width, 8, dtype=torch.float64)
    padded = torch.zeros(2, max(height, 6), max(width, 6), 8, dtype=torch.float64)
    padded[:, :height, :width] = x
    query, key, value = (part.unflatten(-1, (2, 4)) for part in attention.qkv(padded).split(8, dim=-1))
    expected = attention.proj(attend_by_tiles(query, key, value, attention.rpb, dilation=2).flatten(3))[
        :, :height, :width
    ]
    torch.testing.assert_close(attention(x), expected)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match='10 channels cannot be split into 4 heads'):
        NeighborhoodAttention(10, num_heads=4, kernel_size=3, dilation=1)


def test_even_kernel_is_refused():
    with pytest.raises(ValueError, match='must be odd, got 4'):
        NeighborhoodAttention(8, num_heads=2, kernel_size=4, dilation=1)
