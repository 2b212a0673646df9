from itertools import count

import numpy as np
import pytest

from mmoneformer.tracking.tracker import MASK_WEIGHT, PATIENCE, Observed, Tracker, mask_ious, query_similarity

EYE = np.eye(4, dtype=np.float32)
CAR, DOG = 0, 1


def square(left, top, side=3, size=(8, 12)):
    mask = np.zeros(size, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def observed(*things):
    """Things as (label, embedding, mask)."""
    labels, embeddings, masks = zip(*things, strict=True) if things else ((), np.zeros((0, 4)), np.zeros((0, 8, 12)))
    return Observed(np.array(labels, int), np.array(embeddings, np.float32), np.array(masks, bool))


@pytest.fixture
def tracker():
    return Tracker(count(10))


def test_embeddings_are_followed_wherever_they_are(tracker):
    """Two cars change places, and their order."""
    here, there = square(0, 0), square(8, 4)
    assert tracker.update(observed((CAR, EYE[0], here), (CAR, EYE[1], there))) == [10, 11]
    assert tracker.update(observed((CAR, EYE[1], here), (CAR, EYE[0], there))) == [11, 10]


def test_masks_decide_between_embeddings_that_are_alike(tracker):
    here, there = square(0, 0), square(8, 4)
    tracker.update(observed((CAR, EYE[0], here), (CAR, EYE[0], there)))
    assert tracker.update(observed((CAR, EYE[0], square(7, 4)), (CAR, EYE[0], square(1, 0)))) == [11, 10]


def test_a_thing_that_is_hidden_keeps_its_id(tracker):
    tracker.update(observed((CAR, EYE[0], square(0, 0)), (DOG, EYE[1], square(5, 0))))
    for _ in range(PATIENCE - 1):
        assert tracker.update(observed((DOG, EYE[1], square(5, 0)))) == [11]
    assert tracker.update(observed((CAR, EYE[0], square(9, 5)))) == [10]


def test_a_thing_that_is_hidden_for_too_long_is_forgotten(tracker):
    tracker.update(observed((CAR, EYE[0], square(0, 0))))
    for _ in range(PATIENCE):
        tracker.update(observed())
    assert tracker.update(observed((CAR, EYE[0], square(0, 0)))) == [11]


def test_the_class_must_agree(tracker):
    assert tracker.update(observed((CAR, EYE[0], square(0, 0)))) == [10]
    assert tracker.update(observed((DOG, EYE[0], square(0, 0)))) == [11]


def test_an_unlike_thing_is_new(tracker):
    tracker.update(observed((CAR, EYE[0], square(0, 0))))
    assert tracker.update(observed((CAR, -EYE[0], square(0, 0)), (CAR, EYE[0], square(9, 0)))) == [11, 10]


def test_matches_are_the_best_over_all_things(tracker):
    """The first thing is closer to the second track, but the second thing can only be that one."""
    tracker.update(observed((CAR, EYE[0], square(0, 0)), (CAR, EYE[0] + 0.6 * EYE[1], square(0, 0))))
    both, second = EYE[0] + 0.4 * EYE[1], EYE[0] + 1.2 * EYE[1]
    assert tracker.update(observed((CAR, both, square(9, 0)), (CAR, second, square(9, 0)))) == [10, 11]


def test_ids_are_unique_in_a_frame(tracker):
    rng = np.random.default_rng(0)
    for _ in range(20):
        things = [(int(rng.integers(2)), rng.normal(size=4), square(*rng.integers(0, 5, 2))) for _ in range(6)]
        ids = tracker.update(observed(*things))
        assert len(set(ids)) == 6


def test_another_similarity():
    tracker = Tracker(count(1), lambda tracks, found, frame: mask_ious(tracks, found), least=0.3)
    tracker.update(observed((CAR, EYE[0], square(0, 0))))
    assert tracker.update(observed((CAR, EYE[1], square(1, 0)))) == [1]
    assert tracker.update(observed((CAR, EYE[1], square(9, 0)))) == [2]


def test_ious_equal_those_of_sets():
    rng = np.random.default_rng(0)
    tracker = Tracker(count(1))
    first = observed(
        *((CAR, EYE[0], rng.random((8, 12)) < 0.5) for _ in range(3)), (CAR, EYE[0], square(0, 0, side=0))
    )
    tracker.update(first)
    second = observed(*((CAR, EYE[0], rng.random((8, 12)) < 0.5) for _ in range(2)))
    expected = [[(a & b).sum() / (a | b).sum() for b in second.masks] for a in first.masks]
    np.testing.assert_allclose(mask_ious(tracker._tracks, second), expected, rtol=1e-6)
    assert query_similarity(tracker._tracks, second, 1) == pytest.approx(1 + MASK_WEIGHT * np.array(expected))
    assert query_similarity(tracker._tracks, second, 2) == pytest.approx(np.ones((4, 2)))
