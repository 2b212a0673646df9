from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment

from mmoneformer.models.losses import mask_set_loss
from mmoneformer.models.losses.mask_set_loss import MaskSetLoss
from mmoneformer.models.losses.matcher import Matches
from mmoneformer.models.masked_decoder import QueryPredictions
from mmoneformer.structures import TargetMasks, Targets

LAYERS, QUERIES, CLASSES, CHANNELS, POINTS = 3, 7, 4, 8, 32
PADDED = (32, 48)
NAMES = ('loss_cls', 'loss_mask', 'loss_dice')


@pytest.fixture
def outputs():
    """Class logits and mask embeddings of each layer, mask features; leaves of the graph."""
    tensors = [torch.randn(2, 1, QUERIES, CLASSES + 1) for _ in range(LAYERS)]
    tensors += [torch.randn(2, 1, QUERIES, CHANNELS) for _ in range(LAYERS)]
    return [tensor.requires_grad_() for tensor in (*tensors, torch.randn(2, CHANNELS, 8, 12))]


def targets_of(labels, masks, unlabeled=()):
    return Targets('panoptic', [''] * len(labels), torch.tensor(labels, dtype=torch.int64), masks, unlabeled)


@pytest.fixture
def targets():
    """Two and three blobs on images smaller than the input; class 3 occurs twice."""
    first, second = torch.zeros(30, 41, dtype=torch.uint8), torch.zeros(27, 48, dtype=torch.uint8)
    first[2:12, 3:30], first[10:29, 20:40] = 1, 2
    second[:9], second[9:, :20], second[15:, 30:] = 1, 2, 3
    return [targets_of([0, 2], TargetMasks(first, 2)), targets_of([1, 3, 3], TargetMasks(second, 3))]


def no_targets():
    return [targets_of([], TargetMasks(torch.zeros(30, 41, dtype=torch.uint8), 0))] * 2


def forward(loss, outputs, targets):
    predictions = [QueryPredictions(*pair) for pair in zip(outputs[:LAYERS], outputs[LAYERS:-1], strict=True)]
    return loss(predictions, outputs[-1], targets, PADDED)


def read(masks, points):
    """Samples of masks [N, H, W] at points [N or 1, P, 2]: [N, P]."""
    grid = 2 * points.expand(len(masks), -1, -1)[:, :, None] - 1
    return F.grid_sample(masks[:, None].float(), grid, align_corners=False)[:, 0, :, 0]


def point_losses(logits, truth):
    """Binary cross-entropy and dice loss of points [P]."""
    probability = logits.sigmoid()
    dice = 1 - (2 * (probability * truth).sum() + 1) / (probability.sum() + truth.sum() + 1)
    return F.binary_cross_entropy_with_logits(logits, truth), dice


def plain_assignment(class_logits, masks, labels, truth, points):
    """One layer of one image: masks of all queries, [Q, h, w], and dense targets, [N, H, W]."""
    cost = torch.zeros(QUERIES, len(labels))
    point_logits, point_truth = read(masks, points), read(truth, points)
    for query in range(QUERIES):
        for target, label in enumerate(labels):
            cross_entropy, dice = point_losses(point_logits[query], point_truth[target])
            cost[query, target] = 5 * cross_entropy + 5 * dice - 2 * class_logits[query].softmax(-1)[label]
    return linear_sum_assignment(cost.numpy())


def plain_losses(outputs, targets):
    """All masks of all queries at full size, targets as float masks, one match after another; random as ours."""
    labels, masks = [image.labels for image in targets], [image.masks for image in targets]
    matching_points = torch.rand(2, POINTS, 2)
    full = [torch.einsum('bqc,bchw->bqhw', embed[:, 0], outputs[-1]) for embed in outputs[LAYERS:-1]]
    dense = [
        F.pad(mask.dense().float(), (0, PADDED[1] - mask.id_map.shape[1], 0, PADDED[0] - mask.id_map.shape[0]))
        for mask in masks
    ]
    matches = []
    for image in range(2):
        for layer in range(LAYERS):
            with torch.no_grad():
                rows, columns = plain_assignment(
                    outputs[layer][image, 0], full[layer][image], labels[image], dense[image], matching_points[image]
                )
            matches += [(layer, image, row, column) for row, column in zip(rows, columns, strict=True)]
    candidates, others = torch.rand(len(matches), 3 * POINTS, 2), torch.rand(len(matches), POINTS // 4, 2)
    losses = torch.zeros(LAYERS, 3)
    classes = torch.full((LAYERS, 2, QUERIES), CLASSES)
    for number, (layer, image, query, target) in enumerate(matches):
        classes[layer, image, query] = labels[image][target]
        mask, truth = full[layer][image, query, None], dense[image][target, None]
        doubt = read(mask, candidates[number, None])[0].abs()
        chosen = candidates[number][doubt.argsort()[: POINTS * 3 // 4]]
        points = torch.cat((chosen, others[number]))[None]
        cross_entropy, dice = point_losses(read(mask, points)[0], read(truth, points)[0])
        losses = losses + F.one_hot(torch.tensor(layer), LAYERS)[:, None] * torch.stack(
            (torch.zeros(()), 5 * cross_entropy, 5 * dice)
        )
    losses = losses / sum(map(len, labels))
    weight = torch.tensor([1.0] * CLASSES + [0.1])
    class_losses = [
        2 * F.cross_entropy(outputs[layer].flatten(0, 2), classes[layer].flatten(), weight) for layer in range(LAYERS)
    ]
    return losses + F.pad(torch.stack(class_losses)[:, None], (0, 2))


def test_equals_the_plain_form_in_value_and_gradient(outputs, targets):
    torch.manual_seed(5)
    found = forward(MaskSetLoss(num_points=POINTS), outputs, targets)
    torch.manual_seed(5)
    expected = plain_losses(outputs, targets)
    prefixes = [*(f'd{layer}.' for layer in range(LAYERS - 1)), '']
    assert set(found) == {prefix + name for prefix in prefixes for name in NAMES}
    for prefix, losses in zip(prefixes, expected, strict=True):
        for name, loss in zip(NAMES, losses, strict=True):
            torch.testing.assert_close(found[prefix + name], loss, msg=prefix + name)

    ours = torch.autograd.grad(sum(found.values()), outputs)
    theirs = torch.autograd.grad(expected.sum(), outputs)
    for gradient, plain in zip(ours, theirs, strict=True):
        assert plain.abs().max() > 0
        torch.testing.assert_close(gradient, plain, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ('weight', 'name'), [('class_weight', 'loss_cls'), ('mask_weight', 'loss_mask'), ('dice_weight', 'loss_dice')]
)
def test_weights(outputs, weight, name):
    """One target that any query may have: the assignment does not matter where all queries are equal."""
    for output in outputs[:-1]:
        output.data[:] = output.data[:, :, :1]
    targets = [targets_of([1], TargetMasks(torch.ones(32, 48, dtype=torch.uint8), 1))] * 2
    losses = []
    for value in (1.0, 3.0):
        torch.manual_seed(5)
        losses.append(forward(MaskSetLoss(num_points=POINTS, **{weight: value}), outputs, targets)[name])
    torch.testing.assert_close(losses[1], 3 * losses[0])


def test_no_target_at_all(outputs, targets):
    """The same keys and the same graph: a gradient, if only zero, for each output."""
    losses = forward(MaskSetLoss(num_points=POINTS), outputs, no_targets())
    assert losses.keys() == forward(MaskSetLoss(num_points=POINTS), outputs, targets).keys()
    for layer, prefix in enumerate(('d0.', 'd1.', '')):
        nothing = torch.full((2 * QUERIES,), CLASSES)
        expected = 2 * F.cross_entropy(outputs[layer].flatten(0, 2), nothing)
        torch.testing.assert_close(losses[f'{prefix}loss_cls'], expected)
        assert losses[f'{prefix}loss_mask'] == losses[f'{prefix}loss_dice'] == 0
    gradients = torch.autograd.grad(sum(losses.values()), outputs)
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_one_image_without_targets(outputs, targets):
    losses = forward(MaskSetLoss(num_points=POINTS), outputs, [no_targets()[0], targets[1]])
    assert all(loss.isfinite() and loss > 0 for loss in losses.values())


@pytest.mark.parametrize(('counts', 'divisor'), [((5, 3), 4.0), ((1, 0), 0.5), ((0, 0), 0.5)])
def test_masks_are_counted_over_all_processes_and_as_one_at_least(monkeypatch, counts, divisor):
    monkeypatch.setattr(mask_set_loss, 'all_reduce', lambda tensor: tensor.fill_(sum(counts)))
    monkeypatch.setattr(mask_set_loss, 'get_world_size', lambda: len(counts))
    targets = [targets_of([0] * counts[0], TargetMasks(torch.zeros(2, 3, dtype=torch.uint8), counts[0]))]
    assert mask_set_loss._mean_number_of_masks(targets, torch.device('cpu')) == divisor


def test_float32_under_autocast(outputs, targets):
    losses = []
    for enabled in (False, True):
        torch.manual_seed(5)
        with torch.autocast('cpu', torch.bfloat16, enabled=enabled):
            losses.append(forward(MaskSetLoss(num_points=POINTS), outputs, targets))
    assert losses[0] == losses[1]


UNLABELED = [[1, 3], []]


@pytest.fixture
def matched():
    """Class logits, targets and matches of two layers; the first image is not labeled with classes 1 and 3."""
    logits = torch.randn(2, 2, QUERIES, CLASSES + 1, dtype=torch.float64).mul(3).requires_grad_()
    no_masks = TargetMasks(torch.zeros(2, 3, dtype=torch.uint8), 0)  # the class loss reads none
    targets = [
        targets_of(labels, no_masks, classes) for labels, classes in zip(([0, 2], [1, 3, 3]), UNLABELED, strict=True)
    ]
    first = Matches(torch.tensor([0, 0, 1, 1]), torch.tensor([5, 2, 0, 6]), torch.tensor([0, 1, 1, 0]))
    second = Matches(torch.tensor([0, 0, 0, 1]), torch.tensor([1, 3, 4, 2]), torch.tensor([2, 0, 1, 0]))
    return logits, targets, [first, second]


def test_an_unmatched_query_may_be_of_a_class_that_is_not_labeled(matched):
    """Against probabilities, written out: no object, or a class of which the annotation says nothing."""
    logits, targets, matches = matched
    found = MaskSetLoss().class_loss(logits, targets, matches)
    for layer in range(2):
        loss, divisor = 0.0, 0.0
        for image in range(2):
            target_of = {
                int(query): int(targets[image].labels[target])
                for at, query, target in zip(*matches[image], strict=True)
                if at == layer
            }
            for query in range(QUERIES):
                p = logits[layer, image, query].softmax(0)
                weight = 1.0 if query in target_of else 0.1
                likely = p[target_of[query]] if query in target_of else p[[CLASSES, *UNLABELED[image]]].sum()
                loss, divisor = loss - weight * likely.log(), divisor + weight
        torch.testing.assert_close(found[layer], loss / divisor)


def test_classes_that_are_not_labeled_are_never_pushed_away(matched):
    logits, targets, matches = matched
    losses = MaskSetLoss().class_loss(logits, targets, matches)
    (gradient,) = torch.autograd.grad(losses.sum(), logits)
    unmatched = torch.ones(2, QUERIES, dtype=torch.bool)
    unmatched[matches[0].layers, matches[0].queries] = False
    free = gradient[:, 0][unmatched][:, [1, 3, CLASSES]]
    assert (free < 0).all()  # a step of descent raises them
    ratios = free / logits[:, 0][unmatched][:, [1, 3, CLASSES]].softmax(1)
    torch.testing.assert_close(ratios, ratios[:, :1].expand(-1, 3))  # all alike: none of them is preferred
    assert (gradient[:, 0][unmatched][:, [0, 2]] > 0).all()
    assert (gradient[:, 0][~unmatched][:, [1, 3]] > 0).all()  # whoever is matched is of no other class


def test_images_with_all_labels_have_the_plain_loss(matched):
    logits, targets, matches = matched
    loss = MaskSetLoss()
    plain = loss.class_loss(logits, [replace(image, unlabeled=()) for image in targets], matches)
    (expected,) = torch.autograd.grad(plain.sum(), logits)
    (gradient,) = torch.autograd.grad(loss.class_loss(logits, targets, matches).sum(), logits)
    torch.testing.assert_close(gradient[:, 1], expected[:, 1], atol=1e-12, rtol=1e-12)


def test_extreme_logits_stay_finite(matched):
    _, targets, matches = matched
    targets = [
        replace(image, unlabeled=classes) for image, classes in zip(targets, ([1, 2, 3], [0, 1, 2, 3]), strict=True)
    ]
    for value in (-1e4, 1e4):
        logits = torch.full((2, 2, QUERIES, CLASSES + 1), value)
        logits[..., 0] = -value
        logits.requires_grad_()
        losses = MaskSetLoss().class_loss(logits, targets, matches)
        (gradient,) = torch.autograd.grad(losses.sum(), logits)
        assert losses.isfinite().all()
        assert gradient.isfinite().all()


def test_overlapping_targets_have_the_losses_of_the_same_masks_apart(outputs, targets):
    """A map with a table of members gives what the plain map gives, where the masks are the same."""
    tables = [F.one_hot(torch.arange(len(image) + 1), len(image) + 1)[:, 1:].bool() for image in targets]
    listed = [
        replace(image, masks=TargetMasks(image.masks.id_map, len(image), table))
        for image, table in zip(targets, tables, strict=True)
    ]
    losses = []
    for kind in (targets, listed):
        torch.manual_seed(5)
        losses.append(forward(MaskSetLoss(num_points=POINTS), outputs, kind))
    assert losses[0] == losses[1]
