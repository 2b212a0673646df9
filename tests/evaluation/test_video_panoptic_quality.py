from itertools import product

import numpy as np
import pytest

from mmoneformer.evaluation.video_panoptic_quality import SegmentedFrame, VideoPanopticQuality

CLASSES = ('person', 'car', 'grass', 'sky')
METAINFO = {'classes': CLASSES, 'thing_ids': (0, 1), 'palette': []}
PERSON, CAR, GRASS, SKY = range(4)


def segment(number, label, iscrowd=0):
    return {'id': number, 'label': label, 'iscrowd': iscrowd}


def film_of(maps, labels, crowds=()):
    """Frames with a segment for each id of their map."""
    return [
        SegmentedFrame(np.array(ids), [segment(i, labels[i], int(i in crowds)) for i in np.unique(ids).tolist() if i])
        for ids in maps
    ]


def measure(truth, predicted, windows=(1, 2)):
    metric = VideoPanopticQuality(METAINFO, windows)
    metric.add_film(truth, predicted)
    return metric.compute()


def random_film(rng):
    """Blocks of random segments; the prediction is a damaged copy with other ids, some of which switch."""
    length, count = int(rng.integers(2, 6)), int(rng.integers(1, 5))
    labels = dict(zip(rng.permutation(900)[:count].tolist(), rng.integers(0, 4, count).tolist(), strict=False))
    ids = np.array([0, *labels])
    maps = np.stack([ids[np.kron(rng.integers(0, count + 1, (3, 3)), np.ones((2, 3), int))] for _ in range(length)])
    crowds = {i for i in labels if rng.random() < 0.2}
    found_labels = {i + 1: label for i, label in labels.items()}
    found_labels |= {i + 2000: label for i, label in labels.items()}
    found_labels[5000] = int(rng.integers(0, 4))
    found = np.where(maps > 0, maps + 1, 0)
    found[length // 2 :] += np.where(rng.random() < 0.5, 1999 * (found[length // 2 :] > 0), 0)  # ids switch
    found[found == rng.choice(ids) + 1] = 0  # one of them is not found
    damaged = rng.random(found.shape) < rng.choice([0, 0.1, 0.3])
    found[damaged] = rng.choice([0, 5000], damaged.sum())
    return film_of(maps, labels, crowds), film_of(found, found_labels)


def tubes_of(frames):
    """Pixels (frame, row, column) and class of each id."""
    pixels, labels, crowds = {}, {}, set()
    for time, frame in enumerate(frames):
        labels |= {s['id']: s['label'] for s in frame.segments}
        crowds |= {s['id'] for s in frame.segments if s['iscrowd']}
        for row, column in product(*map(range, frame.id_map.shape)):
            pixels.setdefault(int(frame.id_map[row, column]), set()).add((time, row, column))
    return pixels, labels, crowds


def slow_statistics(truth, predicted):
    """The definition, over sets of pixels of a window: sum of IoU, TP, FP, FN of each class."""
    counts = np.zeros((4, 4))
    true, true_labels, crowds = tubes_of(truth)
    found, found_labels, _ = tubes_of(predicted)
    void = true.pop(0, set())
    found.pop(0, None)
    matched = set()
    for number, pixels in sorted(true.items()):
        label = true_labels[number]
        is_matched = number in crowds
        for other, others in found.items():
            iou = len(pixels & others) / len((pixels | others) - (void & others))
            if number not in crowds and found_labels[other] == label and iou > 0.5:
                counts[label] += iou, 1, 0, 0
                matched.add(other)
                is_matched = True
        counts[label, 3] += not is_matched
    for other, others in found.items():
        label, ignored = found_labels[other], set(void)
        of_class = [number for number in sorted(true) if number in crowds and true_labels[number] == label]
        ignored |= true[of_class[-1]] if of_class else set()
        counts[label, 2] += other not in matched and len(others & ignored) <= len(others) / 2
    return counts


def slow_vpq(films, window):
    totals = np.zeros((4, 4))
    for truth, predicted in films:
        for first in range(len(truth) - window + 1):
            totals += slow_statistics(truth[first : first + window], predicted[first : first + window])
    iou, tp, fp, fn = totals.T
    size = tp + fp / 2 + fn / 2
    return 100 * np.mean([iou[k] / size[k] for k in range(4) if size[k]]), totals


def test_equals_the_definition_on_random_films():
    rng = np.random.default_rng(0)
    films = [random_film(rng) for _ in range(60)]
    metric = VideoPanopticQuality(METAINFO, (1, 2, 4))
    for film in films:
        metric.add_film(*film)
    found = metric.compute()
    for window in (1, 2, 4):
        expected, totals = slow_vpq(films, window)
        assert found[f'VPQ_{window}'] == pytest.approx(expected)
        assert (totals[:, 1:] > 2).all()  # the films exercise every count of every class
    assert found['VPQ'] == pytest.approx(np.mean([found[f'VPQ_{window}'] for window in (1, 2, 4)]))
    assert found['VPQ_1'] > found['VPQ_4'] + 5


def test_an_id_switch_by_hand():
    """A car is found in three frames, but with another id in the last one."""
    truth = film_of([[[1, 1, 0]]] * 3, {1: CAR})
    predicted = film_of([[[7, 7, 0]], [[7, 7, 0]], [[8, 8, 0]]], {7: CAR, 8: CAR})
    assert measure(truth, predicted, (1, 2, 3)) == pytest.approx(
        {
            'VPQ': (100 + 40 + 100 * 2 / 3 / 1.5) / 3,
            'VPQ_things': (100 + 40 + 100 * 2 / 3 / 1.5) / 3,
            'VPQ_stuff': np.nan,
            'VPQ_1': 100,
            'VPQ_2': 40,  # the first tube is found; of the second, two halves, which match nothing
            'VPQ_3': 100 * 2 / 3 / 1.5,
            'id_switches': 1,
        },
        nan_ok=True,
    )


def test_a_hidden_thing_that_returns_with_its_id_is_no_switch():
    truth = film_of([[[1, 2]], [[2, 2]], [[1, 2]], [[1, 2]]], {1: CAR, 2: GRASS})
    same = film_of([[[7, 3]], [[3, 3]], [[7, 3]], [[7, 3]]], {7: CAR, 3: GRASS})
    other = film_of([[[7, 3]], [[3, 3]], [[8, 3]], [[8, 3]]], {7: CAR, 8: CAR, 3: GRASS})
    assert measure(truth, same)['id_switches'] == 0
    assert measure(truth, same)['VPQ'] == 100
    assert measure(truth, other)['id_switches'] == 1


def test_films_shorter_than_a_window_have_no_tubes():
    film = film_of([[[1, 1, 0]]] * 2, {1: CAR})
    found = measure(film, film, (2, 3))
    assert found['VPQ_2'] == 100
    assert np.isnan(found['VPQ_3'])


@pytest.mark.parametrize(
    ('predicted', 'message'),
    [
        (film_of([[[1, 1]]], {1: CAR}), 'the film has 2 annotated frames and 1 predicted ones'),
        (film_of([[[1]]] * 2, {1: CAR}), r'frame 0 is \(1, 1\) \(height, width\), its ground truth \(1, 2\)'),
        (film_of([[[1, 1]]], {1: CAR}) + film_of([[[1, 1]]], {1: SKY}), 'frame 1: segment 1 has the label 3, and 1'),
        (film_of([[[1, 1]]] * 2, {1: 4}), 'frame 0: segment 1 has the label 4'),
        ([SegmentedFrame(np.array([[1, 9]]), [segment(1, CAR)])] * 2, 'the map has the id 9, but no segment has it'),
    ],
)
def test_predictions_that_are_none(predicted, message):
    with pytest.raises(ValueError, match=message):
        measure(film_of([[[1, 1]]] * 2, {1: CAR}), predicted)
