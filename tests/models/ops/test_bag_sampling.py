"""Gradients of ``embedding_bag``; test_deformable_sampling.py compares the sampling with its plain form."""

import pytest
import torch
import torch.nn.functional as F

from mmoneformer.models.ops import bag_sampling
from mmoneformer.models.ops.bag_sampling import bag_grad_values, bag_grad_weights, sample_by_embedding_bag


@pytest.fixture
def arguments():
    """A table, rows and weights: float64 [9, 4], int32 [50, 6], float64 [50, 6]; no bag has the last row."""
    torch.manual_seed(0)
    values = torch.randn(9, 4, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(50, 6, dtype=torch.float64, requires_grad=True)
    return values, torch.randint(0, 8, (50, 6), dtype=torch.int32), weights


def test_gradients_equal_those_of_torch(arguments):
    values, rows, weights = arguments
    direction = torch.randn(50, 4, dtype=torch.float64)
    sums = F.embedding_bag(rows, values, per_sample_weights=weights, mode='sum')
    grad_values, grad_weights = torch.autograd.grad(sums, (values, weights), direction)
    found = bag_grad_values(rows, weights.detach(), direction, len(values))
    torch.testing.assert_close(found, grad_values)
    torch.testing.assert_close(bag_grad_weights(values.detach(), rows, direction), grad_weights)
    assert not found[8].any()


def test_gradient_need_not_be_contiguous():
    inputs = [
        torch.rand(1, 12, 2, *last, dtype=torch.float64, requires_grad=True) for last in ((4,), (1, 5, 2), (1, 5))
    ]
    gradients = []
    for direction in (torch.ones((), dtype=torch.float64).expand(1, 12, 8), torch.ones(1, 12, 8).double()):
        values, locations, weights = inputs
        sums = sample_by_embedding_bag(values, [(3, 4)], locations, weights)
        gradients.append(torch.autograd.grad(sums, inputs, direction))
    for expanded, contiguous in zip(*gradients, strict=True):
        assert torch.equal(expanded, contiguous)


def test_results_do_not_depend_on_how_many_queries_are_processed_at_a_time(monkeypatch):
    sizes, found = [(3, 4), (2, 5)], []
    values = torch.randn(2, 22, 3, 4, dtype=torch.float64, requires_grad=True)
    locations, weights = (
        torch.rand(2, 7, 3, 2, 5, *last, dtype=torch.float64, requires_grad=True) for last in ((2,), ())
    )
    for queries, steps in ((1, [1] * 7), (3, [3, 3, 1]), (7, [7])):
        monkeypatch.setattr(bag_sampling, 'CORNERS_AT_A_TIME', queries * 3 * 2 * 5 * 4)
        assert [len(location) for location, _ in bag_sampling._some_queries(locations[0], weights[0])] == steps
        sums = sample_by_embedding_bag(values, sizes, locations, weights)
        gradients = torch.autograd.grad(sums.square().sum(), (values, locations, weights))
        found.append((sums, *gradients))
    torch.testing.assert_close(found[1], found[0])
    torch.testing.assert_close(found[2], found[0])


def test_corners_are_not_kept_for_the_backward_pass():
    saved = []
    values = torch.randn(1, 12, 2, 4, requires_grad=True)
    locations, weights = (torch.rand(1, 12, 2, 1, 5, *last, requires_grad=True) for last in ((2,), ()))
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.numel()) or t, lambda t: t):
        sample_by_embedding_bag(values, [(3, 4)], locations, weights)
    assert max(saved) <= locations.numel()
