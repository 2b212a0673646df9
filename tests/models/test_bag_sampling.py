"""Sums of rows; the sampling itself is compared with its plain forms in test_deformable_attention.py."""

import pytest
import torch
import torch.nn.functional as F

from mmoneformer.models.bag_sampling import sample_by_embedding_bag, sum_rows


@pytest.fixture
def arguments():
    """Of 9 rows, some are read often, the last never; float64 [9, 4], int32 [50, 6], [50, 6]."""
    torch.manual_seed(0)
    values = torch.randn(9, 4, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(50, 6, dtype=torch.float64, requires_grad=True)
    return values, torch.randint(0, 8, (50, 6), dtype=torch.int32), weights


def test_sums_and_gradients_equal_those_of_torch(arguments):
    values, rows, weights = arguments
    direction = torch.randn(50, 4, dtype=torch.float64)
    found = sum_rows(values, rows, weights)
    expected = F.embedding_bag(rows, values, per_sample_weights=weights, mode='sum')
    assert torch.equal(found, expected)
    gradients = [torch.autograd.grad(sums, (values, weights), direction) for sums in (found, expected)]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)
    assert not gradients[0][0][8].any()


def test_gradient_of_a_part(arguments):
    values, rows, weights = arguments
    (of_values,) = torch.autograd.grad(sum_rows(values, rows, weights.detach()).sum(), values)
    (of_weights,) = torch.autograd.grad(sum_rows(values.detach(), rows, weights).sum(), weights)
    both = torch.autograd.grad(sum_rows(values, rows, weights).sum(), (values, weights))
    torch.testing.assert_close((of_values, of_weights), both)


def test_gradient_that_is_spread_from_one_number(arguments):
    """A gradient need not be contiguous."""
    values, rows, weights = arguments
    sum_rows(values, rows, weights).sum().backward()
    expected = torch.zeros(9, dtype=torch.float64).index_add(0, rows.flatten(), weights.detach().flatten())
    torch.testing.assert_close(values.grad, expected[:, None].expand(9, 4))


def test_training_keeps_no_corners():
    kept = []
    values = torch.randn(1, 12, 2, 4, requires_grad=True)
    locations, weights = (torch.rand(1, 12, 2, 1, 5, *last, requires_grad=True) for last in ((2,), ()))
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        sample_by_embedding_bag(values, [(3, 4)], locations, weights)
    assert max(kept) <= locations.numel()
