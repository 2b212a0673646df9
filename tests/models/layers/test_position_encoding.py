import math

import pytest
import torch

from mmoneformer.models.layers.position_encoding import sine_encoding


def detr_encoding(height, width, channels):
    """DETR's form: cumulated sums of a mask that is one everywhere, sines and cosines interleaved."""
    present = torch.ones(height, width)
    power = 10000 ** (2 * (torch.arange(channels // 2) // 2) / (channels // 2))
    axes = []
    for axis in (0, 1):
        position = present.cumsum(axis)
        position = position / (position.select(axis, -1).unsqueeze(axis) + 1e-6) * 2 * math.pi
        angle = position[..., None] / power
        axes.append(torch.stack((angle[..., 0::2].sin(), angle[..., 1::2].cos()), dim=3).flatten(2))
    return torch.cat(axes, dim=2)


@pytest.mark.parametrize(('height', 'width', 'channels'), [(3, 5, 8), (7, 2, 32), (1, 1, 4), (4, 4, 12)])
def test_equals_detr(height, width, channels):
    encoding = sine_encoding((height, width), channels, torch.device('cpu'))
    assert encoding.shape == (height * width, channels)
    torch.testing.assert_close(encoding, detr_encoding(height, width, channels).flatten(0, 1))


def test_first_half_tells_the_row_and_second_the_column():
    encoding = sine_encoding((3, 5), 8, torch.device('cpu')).view(3, 5, 8)
    row, column = 2 * math.pi * 2 / 3, 2 * math.pi * 4 / 5  # of the cell in row 1, column 3, counted from 1
    expected = [f(angle / scale) for angle in (row, column) for scale in (1, 100) for f in (math.sin, math.cos)]
    torch.testing.assert_close(encoding[1, 3], torch.tensor(expected), atol=1e-5, rtol=0)
