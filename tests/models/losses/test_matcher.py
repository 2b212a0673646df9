import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch

from mmoneformer.models.losses.mask_set_loss import MaskSetLoss
from mmoneformer.models.losses.matcher import Costs, CostWeights, assign, matching_cost
from mmoneformer.models.losses.point_sampling import read_points
from mmoneformer.models.masked_decoder import QueryPredictions
from mmoneformer.structures import TargetMasks, Targets

DATA = Path(__file__).parents[2] / 'data'


def as_costs(total):
    return Costs(total, torch.zeros_like(total), torch.zeros_like(total))


@pytest.fixture(scope='module')
def reference():
    """Costs and assignment of the authors' code, at points that are given."""
    arrays = np.load(DATA / 'matcher.npz')
    return {key: arrays[key] if arrays[key].dtype.kind == 'U' else torch.from_numpy(arrays[key]) for key in arrays}


def reference_arguments(reference):
    points = reference['point_coords_xy01'][None]
    point_logits = read_points(reference['pred_masks'][None], points)
    count, height, width = reference['masks_shape'].tolist()
    bits = np.unpackbits(reference['masks_packed'].numpy(), axis=-1, count=height * width)
    dense = torch.from_numpy(bits).view(count, height, width).long()
    ids = (dense * torch.arange(1, count + 1)[:, None, None]).sum(0)
    point_targets = TargetMasks(ids, count).sample(torch.arange(count), points, (height, width))
    return reference['pred_logits'][None], point_logits, reference['labels'].long(), point_targets


def test_points_are_those_of_the_authors(reference):
    _, point_logits, _, point_targets = reference_arguments(reference)
    torch.testing.assert_close(point_logits[0], reference['points_pred'], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(point_targets, reference['points_gt'], atol=1e-4, rtol=0)


@pytest.mark.parametrize('part', ['cost_class', 'cost_mask', 'cost_dice', 'cost'])
def test_costs_are_those_of_the_authors(reference, part):
    given = json.loads(str(reference['weights_json']))
    names = ('cost_class', 'cost_mask', 'cost_dice')
    weights = CostWeights(*(given[name] if part == 'cost' else float(name == part) for name in names))
    cost = matching_cost(*reference_arguments(reference), weights).total
    torch.testing.assert_close(cost[0], reference[part], atol=1e-4, rtol=1e-4)


def test_assignment_is_that_of_the_authors(reference):
    (matches,) = assign([as_costs(reference['cost'][None])])
    assert matches.layers.tolist() == [0] * 8
    assert matches.queries.tolist() == reference['row'].tolist()
    assert matches.targets.tolist() == reference['col'].tolist()


def test_cost_equals_the_loop():
    class_logits, point_logits = torch.randn(2, 4, 6), torch.randn(2, 4, 9)
    labels, point_targets = torch.tensor([3, 0, 3]), torch.rand(3, 9)
    cost = matching_cost(class_logits, point_logits, labels, point_targets, CostWeights(2.0, 5.0, 3.0)).total
    assert cost.shape == (2, 4, 3)
    for layer, query, target in torch.cartesian_prod(*map(torch.arange, cost.shape)).tolist():
        probability = class_logits[layer, query].softmax(-1)[labels[target]]
        mask, truth = point_logits[layer, query].sigmoid(), point_targets[target]
        cross_entropy = -(truth * mask.log() + (1 - truth) * (1 - mask).log()).mean()
        dice = 1 - (2 * (mask * truth).sum() + 1) / (mask.sum() + truth.sum() + 1)
        torch.testing.assert_close(cost[layer, query, target], -2 * probability + 5 * cross_entropy + 3 * dice)


def test_large_logits_have_finite_costs():
    logits, truth = torch.tensor([[[200.0, -200.0]]]), torch.tensor([[0.0, 1.0]])
    cost = matching_cost(torch.zeros(1, 1, 2), logits, torch.tensor([0]), truth, CostWeights(0.0, 1.0, 0.0))
    assert cost.total.item() == pytest.approx(200)


def test_each_layer_and_image_gets_its_cheapest_assignment():
    """Of all there are, tried one by one; images differ in their number of targets, one has none."""
    costs = [torch.rand(3, 5, count) for count in (2, 0, 4)]
    for cost, matches in zip(costs, assign(list(map(as_costs, costs))), strict=True):
        count = cost.shape[2]
        assert matches.layers.tolist() == [layer for layer in range(3) for _ in range(count)]
        for layer in range(3):
            here = matches.layers == layer
            queries, targets = matches.queries[here], matches.targets[here]
            assert sorted(targets.tolist()) == list(range(count))
            cheapest = min(
                sum(cost[layer, query, target].item() for target, query in enumerate(choice))
                for choice in permutations(range(5), count)
            )
            assert cost[layer, queries, targets].sum().item() == pytest.approx(cheapest, abs=1e-5)


def test_more_targets_than_queries():
    (matches,) = assign([as_costs(torch.rand(1, 2, 5))])
    assert sorted(matches.queries.tolist()) == [0, 1]
    assert len(set(matches.targets.tolist())) == 2


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
def test_a_cost_that_is_not_finite_is_named_and_matched_last(value, monkeypatch):
    said = []
    monkeypatch.setattr('mmoneformer.models.losses.matcher.print_log', lambda message, **_: said.append(message))
    mask = torch.rand(2, 3, 2)
    mask[1, 0] = value
    fine, broken = assign([as_costs(torch.rand(2, 3, 1)), Costs(torch.rand(2, 3, 2), mask, torch.rand(2, 3, 2))])
    assert said == ["image 1 of the batch: the matching cost is not finite in its terms ['mask']"]
    assert len(fine.targets) == 2
    assert sorted(broken.queries[broken.layers == 1].tolist()) == [1, 2]


def test_costs_are_computed_in_float32_under_autocast(monkeypatch):
    """By the loss, which calls the matcher."""
    loss = MaskSetLoss(num_points=16)
    layer = QueryPredictions(torch.randn(1, 1, 4, 3), torch.randn(1, 1, 4, 8))
    arguments = (
        [layer],
        torch.randn(1, 8, 8, 12),
        [Targets('panoptic', [''], torch.tensor([1]), TargetMasks(torch.ones(32, 48).int(), 1))],
        (32, 48),
    )
    given = []
    monkeypatch.setattr(
        'mmoneformer.models.losses.mask_set_loss.assign', lambda costs: given.append(costs) or assign(costs)
    )
    for enabled in (False, True):
        torch.manual_seed(0)
        with torch.autocast('cpu', torch.bfloat16, enabled=enabled):
            loss(*arguments)
    (without,), (under,) = given
    for expected, term in zip(without, under, strict=True):
        assert term.dtype == torch.float32
        assert torch.equal(term, expected)


def test_the_loss_behind_a_cost_that_is_not_finite_is_not_finite_either():
    """So that the step is left out."""
    layer = QueryPredictions(torch.randn(1, 1, 4, 3), torch.full((1, 1, 4, 8), float('nan')))
    targets = [Targets('panoptic', [''], torch.tensor([1]), TargetMasks(torch.ones(32, 48).int(), 1))]
    losses = MaskSetLoss(num_points=16)([layer], torch.randn(1, 8, 8, 12), targets, (32, 48))
    assert losses['loss_mask'].isnan()
    assert losses['loss_cls'].isfinite()
