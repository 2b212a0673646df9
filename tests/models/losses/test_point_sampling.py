import math

import pytest
import torch

from mmoneformer.models.losses.point_sampling import read_points, uncertain_points


def read_by_hand(image, x, y):
    """Bilinear sample of [H, W] at (x, y) in 0..1; zero outside."""
    height, width = image.shape
    x, y = x * width - 0.5, y * height - 0.5
    value = 0.0
    for column in (math.floor(x), math.floor(x) + 1):
        for row in (math.floor(y), math.floor(y) + 1):
            if 0 <= column < width and 0 <= row < height:
                value += (1 - abs(x - column)) * (1 - abs(y - row)) * image[row, column].item()
    return value


def test_samples_equal_those_by_hand():
    maps, points = torch.randn(2, 3, 4, 6), torch.rand(2, 9, 2)
    points[:, 0] = torch.tensor([0.01, 0.99])  # half a cell from the border: zeros take part
    samples = read_points(maps, points)
    assert samples.shape == (2, 3, 9)
    for index, channel, point in torch.cartesian_prod(*map(torch.arange, samples.shape)).tolist():
        expected = read_by_hand(maps[index, channel], *points[index, point].tolist())
        assert samples[index, channel, point].item() == pytest.approx(expected, abs=1e-5)


def test_features_read_at_points_give_the_masks_there():
    """Sampling and the dot product commute."""
    features, embeddings, points = torch.randn(1, 5, 4, 6), torch.randn(7, 5), torch.rand(1, 9, 2)
    masks = torch.einsum('qc,bchw->bqhw', embeddings, features)
    torch.testing.assert_close(embeddings @ read_points(features, points)[0], read_points(masks, points)[0])


def test_three_quarters_of_the_points_are_the_least_decided_of_three_times_as_many():
    logits = torch.randn(2, 1, 6, 8)
    torch.manual_seed(7)
    points = uncertain_points(logits, 40)
    torch.manual_seed(7)
    candidates, others = torch.rand(2, 120, 2), torch.rand(2, 10, 2)
    assert points.shape == (2, 40, 2)
    for mask in range(2):
        doubt = [abs(read_by_hand(logits[mask, 0], *point)) for point in candidates[mask].tolist()]
        expected = candidates[mask][torch.tensor(doubt).argsort()[:30]]
        assert sorted(points[mask, :30].tolist()) == sorted(expected.tolist())
        assert torch.equal(points[mask, 30:], others[mask])


def test_points_carry_no_gradient():
    logits = torch.randn(1, 1, 6, 8, requires_grad=True)
    assert not uncertain_points(logits, 4).requires_grad


def test_no_mask():
    assert uncertain_points(torch.zeros(0, 1, 6, 8), 40).shape == (0, 40, 2)
    assert read_points(torch.zeros(0, 1, 6, 8), torch.zeros(0, 40, 2)).shape == (0, 1, 40)
