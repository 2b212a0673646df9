import numpy as np

from mmoneformer.tiling.duplicates import DUPLICATE_IOU, FoundObject, without_duplicates
from mmoneformer.tiling.runs import Runs

SIZE = (300, 400)  # several cells


def rectangle(label, score, top, left, height, width):
    mask = Runs.of_mask(np.ones((height, width), bool), top, left, SIZE[0])
    return FoundObject(label, score, mask, mask.box)


def pixels(found):
    mask = np.zeros(SIZE[::-1], bool).ravel()
    for start, stop in zip(found.mask.starts, found.mask.stops, strict=True):
        mask[start:stop] = True
    return mask


def test_the_better_one_of_a_class_remains():
    worse, better = rectangle(1, 0.6, 50, 60, 20, 30), rectangle(1, 0.9, 50, 65, 20, 30)  # across cells
    of_another_class, half = rectangle(2, 0.5, 50, 60, 20, 30), rectangle(1, 0.4, 50, 75, 20, 20)
    assert without_duplicates([worse, half, better, of_another_class]) == [better, of_another_class]
    apart = rectangle(1, 0.3, 50, 80, 20, 30)  # half of its pixels, a third of those of both
    assert without_duplicates([apart, better]) == [better, apart]


def test_equals_comparing_all_with_all():
    generator, objects = np.random.default_rng(0), []
    for _ in range(60):
        height, width = generator.integers(60, 120, 2)
        top, left = generator.integers(0, 180, 2)
        objects.append(rectangle(int(generator.integers(2)), generator.random(), top, left, height, width))
    expected = []
    for found in sorted(objects, key=lambda found: found.score, reverse=True):
        ours = pixels(found)
        others = [pixels(kept) for kept in expected if kept.label == found.label]
        if all((ours & other).sum() <= DUPLICATE_IOU * (ours | other).sum() for other in others):
            expected.append(found)
    assert without_duplicates(objects) == expected
    assert 10 < len(expected) < 55
