"""Gradients of sums of rows; the sampling itself is compared with its plain forms in test_deformable_attention.py."""

import pytest
import torch
import torch.nn.functional as F

from mmoneformer.models.ops.bag_sampling import grad_values, products_with_rows, sample_by_embedding_bag


@pytest.fixture
def arguments():
    """Of 9 rows, some are read often, the last never; float64 [9, 4], int32 [50, 6], [50, 6]."""
    torch.manual_seed(0)
    values = torch.randn(9, 4, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(50, 6, dtype=torch.float64, requires_grad=True)
    return values, torch.randint(0, 8, (50, 6), dtype=torch.int32), weights


def test_gradients_equal_those_of_torch(arguments):
    values, rows, weights = arguments
    direction = torch.randn(50, 4, dtype=torch.float64)
    sums = F.embedding_bag(rows, values, per_sample_weights=weights, mode='sum')
    of_values, of_weights = torch.autograd.grad(sums, (values, weights), direction)
    found = grad_values(rows, weights.detach(), direction, len(values))
    torch.testing.assert_close(found, of_values)
    torch.testing.assert_close(products_with_rows(values.detach(), rows, direction), of_weights)
    assert not found[8].any()


def test_gradient_that_is_spread_from_one_number():
    """A gradient need not be contiguous."""
    inputs = [
        torch.rand(1, 12, 2, *last, dtype=torch.float64, requires_grad=True) for last in ((4,), (1, 5, 2), (1, 5))
    ]
    gradients = []
    for direction in (torch.ones((), dtype=torch.float64).expand(1, 12, 8), torch.ones(1, 12, 8).double()):
        values, locations, weights = inputs
        sums = sample_by_embedding_bag(values, [(3, 4)], locations, weights)
        gradients.append(torch.autograd.grad(sums, inputs, direction))
    for spread, whole in zip(*gradients, strict=True):
        assert torch.equal(spread, whole)


def test_training_keeps_no_corners():
    kept = []
    values = torch.randn(1, 12, 2, 4, requires_grad=True)
    locations, weights = (torch.rand(1, 12, 2, 1, 5, *last, requires_grad=True) for last in ((2,), ()))
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        sample_by_embedding_bag(values, [(3, 4)], locations, weights)
    assert max(kept) <= locations.numel()
