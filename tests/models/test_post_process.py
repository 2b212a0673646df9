import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmoneformer.models.masks import block_axis, instance_masks, pixel_map, tiles
from mmoneformer.models.masks.boxes import mask_boxes
from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.masks.pixel_map import MaskPixels
from mmoneformer.models.post_process import (
    HighestClass,
    Thresholds,
    find_instances,
    panoptic_map,
    semantic_map,
    semantic_scores,
)

GEOMETRY = MaskGeometry((48, 64), (45, 60), (37, 71))
IS_THING = torch.tensor([True, False, True, False])
VOID = 4
SEEDS = range(6)


@pytest.fixture(autouse=True, params=['tiles', 'blocks'])
def _small_tiles(request, monkeypatch):
    """As a large image has: some are settled by their bounds, others not."""
    for module in (pixel_map, instance_masks):
        monkeypatch.setattr(module, 'in_small_steps', lambda _: request.param == 'blocks')
    monkeypatch.setattr(tiles, 'tile_side', lambda _: 5)
    monkeypatch.setattr(block_axis, 'TILE', 2)
    block_axis.cut_into_blocks.cache_clear()
    yield
    block_axis.cut_into_blocks.cache_clear()


def blobs(count):
    """Random masks, [count, 12, 16], of which some overlap."""
    return F.interpolate(4 * torch.randn(1, count, 4, 5), (12, 16), mode='bicubic')[0] - 4


def random_queries(seed, count=20):
    torch.manual_seed(seed)
    return 3 * torch.randn(count, 5), blobs(count)


def full_size(mask_logits, geometry=GEOMETRY):
    padded = F.interpolate(mask_logits[None], geometry.padded, mode='bilinear', align_corners=False)
    return F.interpolate(padded[..., :45, :60], geometry.original, mode='bilinear', align_corners=False)[0]


def panoptic_by_loop(class_logits, masks, thresholds):
    """Official rules: masks [Q, H, W] are full-size logits; one segment after another, in the order of the queries."""
    scores, labels = class_logits.softmax(-1).max(-1)
    kept = [query for query in range(len(labels)) if labels[query] != VOID and scores[query] > thresholds.object_mask]
    result = torch.full(masks.shape[1:], VOID)
    if not kept:
        return result
    probabilities = masks[kept].sigmoid()
    winner = (scores[kept].view(-1, 1, 1) * probabilities).argmax(0)
    instances = 0
    for index, query in enumerate(kept):
        won, whole = winner == index, probabilities[index] >= 0.5
        segment = won & whole
        if not segment.any() or won.sum().item() / whole.sum().item() < thresholds.overlap:
            continue
        label = labels[query].item()
        if IS_THING[label]:
            instances += 1
            label += 1000 * instances
        result[segment] = label
    return result


@pytest.mark.parametrize('seed', SEEDS)
@pytest.mark.parametrize('thresholds', [Thresholds(0.3, 0.8), Thresholds(0.6, 0.5), Thresholds(0.0, 0.0)], ids=str)
def test_panoptic_equals_the_loop(seed, thresholds):
    class_logits, mask_logits = random_queries(seed)
    found = panoptic_map(class_logits, mask_logits, GEOMETRY, is_thing=IS_THING, thresholds=thresholds).pixels
    expected = panoptic_by_loop(class_logits, full_size(mask_logits), thresholds)
    assert (found != expected).sum() <= 2  # pixels on the edge between two masks
    assert set(found.unique().tolist()) == set(expected.unique().tolist())
    assert len(found.unique()) > 2


def one_to_one(masks):
    """Arguments for masks of 0 and 1 that are shown as they are: logits [Q, H, W] of -9 and 9, and the geometry."""
    masks = torch.tensor(masks)
    size = tuple(masks.shape[1:])
    return 18.0 * masks - 9, MaskGeometry(size, size, size)


def sure_of(*labels, logit=9.0):
    """Class logits [Q, 5] that give one label to each query."""
    return logit * F.one_hot(torch.tensor(labels), 5).float()


def test_stuff_merges_and_things_are_counted():
    masks, geometry = one_to_one(
        [[[1, 0, 0, 0, 0, 0]], [[0, 1, 0, 0, 0, 0]], [[0, 0, 1, 0, 0, 0]], [[0, 0, 0, 1, 1, 0]]]
    )
    result = panoptic_map(
        sure_of(1, 2, 1, 0), masks, geometry, is_thing=IS_THING, thresholds=Thresholds(object_mask=0.8, overlap=0.8)
    )
    assert result.pixels.tolist() == [[1, 1002, 1, 2000, 2000, VOID]]


def test_segments_have_the_score_of_their_class():
    """Stuff of two queries has that of the surer one; a query without a pixel is no segment."""
    masks, geometry = one_to_one([[[1, 0, 0, 0]], [[0, 0, 1, 0]], [[0, 1, 0, 0]], [[0, 0, 0, 0]]])
    class_logits = torch.cat((sure_of(1, logit=3.0), sure_of(1, logit=4.0), sure_of(2, 0)))
    result = panoptic_map(class_logits, masks, geometry, is_thing=IS_THING, thresholds=Thresholds(0.5, 0.8))
    assert result.ids.tolist() == [1, 1002]
    expected = class_logits.softmax(-1)[[1, 2], [1, 2]]
    torch.testing.assert_close(result.scores, expected)
    assert result.queries.tolist() == [1, 2]


@pytest.mark.parametrize(('overlap', 'expected'), [(0.8, 1000), (0.81, VOID)])
def test_segment_at_the_overlap_threshold_stays(overlap, expected):
    """The second query wins one of the first one's five pixels: four fifths are left."""
    masks, geometry = one_to_one([[[1, 1, 1, 1, 1, 0]], [[0, 0, 0, 0, 1, 0]]])
    class_logits = torch.cat((sure_of(0, logit=6.0), sure_of(3)))
    result = panoptic_map(class_logits, masks, geometry, is_thing=IS_THING, thresholds=Thresholds(0.8, overlap))
    assert result.pixels.tolist() == [[*[expected] * 4, 3, VOID]]


def test_dropped_segment_takes_no_instance_number_and_leaves_void():
    masks, geometry = one_to_one([[[1, 1, 1, 0]], [[0, 1, 1, 0]], [[0, 0, 0, 1]]])
    class_logits = torch.cat((sure_of(0, logit=6.0), sure_of(2, 0)))
    result = panoptic_map(class_logits, masks, geometry, is_thing=IS_THING, thresholds=Thresholds(0.8, 0.8))
    assert result.pixels.tolist() == [[VOID, 1002, 1002, 2000]]


def test_query_at_the_score_threshold_is_dropped():
    """A score must be higher: of two classes and three impossible ones, each has exactly one half."""
    masks, geometry = one_to_one([[[1, 1, 0]]])
    class_logits = torch.tensor([[5.0, 5.0, -1e9, -1e9, -1e9]])
    arguments = dict(is_thing=IS_THING)
    at_threshold = panoptic_map(class_logits, masks, geometry, thresholds=Thresholds(0.5, 0.8), **arguments)
    assert at_threshold.pixels.tolist() == [[VOID] * 3]
    below = panoptic_map(class_logits, masks, geometry, thresholds=Thresholds(0.49, 0.8), **arguments)
    assert below.pixels.tolist() == [[1000, 1000, VOID]]


@pytest.mark.parametrize('label', [0, VOID])
def test_no_query_is_kept(label):
    """All unsure, or all sure that there is no object."""
    class_logits = sure_of(*[label] * 20, logit=0.1 if label == 0 else 9.0)
    result = panoptic_map(
        class_logits, blobs(20), GEOMETRY, is_thing=IS_THING, thresholds=Thresholds(object_mask=0.8, overlap=0.8)
    )
    assert result.pixels.shape == GEOMETRY.original
    assert (result.pixels == VOID).all()
    assert len(result.ids) == len(result.scores) == 0


def test_masks_that_are_nowhere_positive_are_no_segment():
    masks, geometry = one_to_one([[[0, 0, 0]], [[0, 0, 0]]])
    result = panoptic_map(sure_of(0, 1), masks, geometry, is_thing=IS_THING, thresholds=Thresholds(0.8, 0.0))
    assert (result.pixels == VOID).all()


def instances_by_loop(class_logits, masks, max_per_image):
    """Official rules, as a sorted list of (score, label, pixels, box)."""
    scores = class_logits.softmax(-1)[:, :-1]
    pairs = [(scores[query, label].item(), query, label) for query in range(len(scores)) for label in range(4)]
    found = []
    for score, query, label in sorted(pairs, reverse=True)[:max_per_image]:
        if IS_THING[label]:
            mask = masks[query] > 0
            inside = masks[query].sigmoid()[mask].sum() / (mask.sum() + 1e-6)
            rows, columns = np.nonzero(mask.numpy())
            box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if len(rows) else [0, 0, 0, 0]
            found.append((score * inside.item(), label, mask, [float(side) for side in box]))
    return sorted(found, key=lambda instance: instance[0], reverse=True)


@pytest.mark.parametrize('seed', SEEDS)
@pytest.mark.parametrize('max_per_image', [7, 30, 1000])
def test_instances_equal_the_loop(seed, max_per_image):
    class_logits, mask_logits = random_queries(seed)
    mask_logits[3] = -5  # a query whose mask is empty
    found = find_instances(class_logits, mask_logits, GEOMETRY, is_thing=IS_THING, max_per_image=max_per_image)
    expected = instances_by_loop(class_logits, full_size(mask_logits), max_per_image)
    scores, labels, masks, boxes = zip(*expected, strict=True)
    torch.testing.assert_close(found.scores, torch.tensor(scores), atol=1e-5, rtol=0)
    order = np.lexsort((found.labels, -found.scores.round(decimals=4)))  # equal scores have no order
    expected_order = np.lexsort((torch.tensor(labels), -torch.tensor(scores).round(decimals=4)))
    assert found.labels[order].tolist() == torch.tensor(labels)[expected_order].tolist()
    assert (found.masks[order] != torch.stack(masks)[expected_order]).flatten(1).sum(1).max() <= 2
    assert (found.bboxes[order] - torch.tensor(boxes)[expected_order]).abs().max() <= 1
    assert torch.equal(found.bboxes, mask_boxes(found.masks))
    of_queries = full_size(mask_logits)[found.queries] > 0
    assert (found.masks != of_queries).flatten(1).sum(1).max() <= 2


@pytest.mark.parametrize('max_per_image', [1, 5])
def test_no_thing_among_the_best_pairs(max_per_image):
    class_logits = sure_of(*[1] * 20)
    is_thing = IS_THING if max_per_image == 1 else torch.zeros(4, dtype=torch.bool)
    found = find_instances(class_logits, blobs(20), GEOMETRY, is_thing=is_thing, max_per_image=max_per_image)
    assert found.masks.shape == (0, *GEOMETRY.original)
    assert (len(found.scores), len(found.labels), found.bboxes.shape) == (0, 0, (0, 4))


def test_of_equal_scores_the_first_class_is_taken():
    masks, geometry = one_to_one([[[1, 1, 0]], [[0, 1, 1]]])
    labels = semantic_map(torch.tensor([[1.0, 5.0, 1.0, 5.0, 0.0]] * 2), masks, geometry)
    assert labels.tolist() == [[1, 1, 1]]


@pytest.mark.parametrize('seed', SEEDS)
def test_semantic_equals_the_loop(seed):
    class_logits, mask_logits = random_queries(seed)
    scores = class_logits.softmax(-1)
    masks = full_size(mask_logits)
    expected = torch.zeros(4, *GEOMETRY.original)
    for query in range(20):
        for label in range(4):  # "no object" is the fifth
            expected[label] += scores[query, label] * masks[query].sigmoid()
    torch.testing.assert_close(semantic_scores(class_logits, masks), expected)
    found = semantic_map(class_logits, mask_logits, GEOMETRY)
    best = expected.topk(2, dim=0).values
    decided = best[0] - best[1] > 1e-5
    assert decided.float().mean() > 0.99
    assert torch.equal(found[decided], expected.argmax(0)[decided])


def test_classes_far_from_all_masks():
    """All scores are about 1e-11 there; their order is that of the masks nevertheless."""
    class_logits = torch.tensor([[0.0, 3.0, 0.0, 0.0, 0.0], [3.0, 0.0, 0.0, 0.0, 0.0]])
    columns = torch.linspace(-30, -22, 16).expand(12, -1)
    found = semantic_map(class_logits, torch.stack((columns, columns.flip(1))), GEOMETRY)
    assert (found[:, :30] == 0).all()
    assert (found[:, 41:] == 1).all()


def test_masks_that_only_fill_a_row_up_count_once():
    """The first class wins by 0.6 to 0.5; with the second mask twice, the second class would."""
    rule = HighestClass(torch.tensor([[0.6, 0.1], [0.0, 0.4]]))
    part = MaskPixels(
        masks=torch.tensor([[0, 1, 1]]),
        is_mask=torch.tensor([[True, True, False]]),
        logits=torch.full((1, 3, 2), 50.0),
        is_pixel=torch.ones(1, 2, dtype=torch.bool),
        choices=torch.tensor([[0, 1]]),
        scores=torch.zeros(1, 2),
    )
    assert rule.compute(part).tolist() == [[0, 0]]
