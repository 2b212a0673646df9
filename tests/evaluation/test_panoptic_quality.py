import mmoneformer  # noqa: F401  # isort: skip  # before mmdet
from collections import defaultdict

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.evaluator import Evaluator
from mmengine.structures import PixelData

from mmoneformer.evaluation import PanopticQuality
from mmoneformer.evaluation.panoptic_quality import match_segments

CLASSES = ('person', 'car', 'grass', 'sky')
THING_IDS = (0, 1)
PERSON, CAR, GRASS, SKY = range(4)
VOID = len(CLASSES)


def make_sample(prediction, id_map, segments, *, token='panoptic', img_id=7):
    sample = DetDataSample(
        metainfo={
            'img_id': img_id,
            'img_path': f'{img_id}.jpg',
            'segments': segments,
            'task_tokens': {'panoptic': token},
        }
    )
    sample.pred_panoptic_seg = PixelData(sem_seg=torch.as_tensor(np.asarray(prediction))[None])
    sample.gt_panoptic_seg = PixelData(id_map=torch.as_tensor(np.asarray(id_map, dtype=np.uint8))[None])
    return sample


def make_metric(**kwargs):
    metric = PanopticQuality(**kwargs)
    metric.dataset_meta = {'classes': CLASSES, 'thing_ids': THING_IDS}
    return metric


def measure(samples):
    metric = make_metric()
    metric.process({}, [sample.to_dict() for sample in samples])
    return metric.evaluate(len(samples))


def segment(index, label, iscrowd=0):
    return {'id': index, 'label': label, 'iscrowd': iscrowd}


def random_image(rng):
    """Blocks of random segments: predictions are a damaged copy, so that some match; void and crowds occur."""
    height, width = rng.integers(5, 12), rng.integers(5, 12)
    count = int(rng.integers(0, 7))
    segments = [segment(i + 1, int(rng.integers(0, 4)), int(rng.random() < 0.3)) for i in range(count)]
    id_map = np.kron(rng.integers(0, count + 1, (4, 3)), np.ones((3, 4), dtype=np.int64))[:height, :width]
    values = [VOID] + [s['label'] + 1000 * s['id'] * (s['label'] in THING_IDS) for s in segments]
    if count and rng.random() < 0.5:
        values[rng.integers(1, count + 1)] = int(rng.integers(0, 5))  # a wrong class
    prediction = np.array(values)[id_map]
    noise = rng.random(prediction.shape) < rng.choice([0, 0.1, 0.3])
    prediction[noise] = rng.choice([*values, 9001], noise.sum())
    if rng.random() < 0.3:
        prediction[: height // 2] = 1 + 1000 * 8  # one large car over everything
    return prediction, id_map, segments


def slow_statistics(prediction, id_map, segments):
    """The definition, over sets of pixels."""
    height, width = prediction.shape
    truth, predicted = {s['id']: set() for s in segments}, defaultdict(set)
    void = set()
    for y in range(height):
        for x in range(width):
            truth.get(int(id_map[y, x]), void).add((y, x))
            if prediction[y, x] != VOID:
                predicted[int(prediction[y, x])].add((y, x))
    counts = np.zeros((len(CLASSES), 4))
    matched_truth, matched_predicted = set(), set()
    for s in segments:
        for value, pixels in predicted.items():
            if s['iscrowd'] or s['label'] != value % 1000:
                continue
            intersection = len(pixels & truth[s['id']])
            union = len((pixels | truth[s['id']]) - (pixels & void))
            if union and intersection / union > 0.5:
                counts[s['label'], 0] += intersection / union
                counts[s['label'], 1] += 1
                matched_truth.add(s['id'])
                matched_predicted.add(value)
    for s in segments:
        if not s['iscrowd'] and s['id'] not in matched_truth:
            counts[s['label'], 3] += 1
    for value, pixels in predicted.items():
        ignored = set(void)
        crowds = [s['id'] for s in segments if s['iscrowd'] and s['label'] == value % 1000]
        if crowds:
            ignored |= truth[crowds[-1]]
        if value not in matched_predicted and not len(pixels & ignored) / len(pixels) > 0.5:
            counts[value % 1000, 2] += 1
    return counts


def test_statistics_equal_the_definition_on_random_maps():
    rng = np.random.default_rng(0)
    total = np.zeros((4, 4))
    for _ in range(300):
        prediction, id_map, segments = random_image(rng)
        expected = slow_statistics(prediction, id_map, segments)
        np.testing.assert_allclose(match_segments(prediction, id_map, segments, VOID), expected, atol=1e-12)
        total += expected
    assert (total[:, 1:] > 20).all()  # the maps exercise every count of every class


def test_average_over_classes_by_hand():
    # grass: IoU 4 / 5; car: missed, and a wrong person in its place; sky: never
    id_map = np.array([[1, 1, 1, 1, 1, 2, 2]])
    prediction = np.array([[2, 2, 2, 2, VOID, 1000, 1000]])
    result = measure([make_sample(prediction, id_map, [segment(1, 2), segment(2, 1)])])
    assert result == pytest.approx(
        {
            'PQ': 80 / 3, 'SQ': 80 / 3, 'RQ': 100 / 3,
            'PQ_things': 0, 'SQ_things': 0, 'RQ_things': 0,
            'PQ_stuff': 80, 'SQ_stuff': 80, 'RQ_stuff': 100,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ('prediction', 'id_map', 'crowd', 'expected'),
    [
        pytest.param([2, 2, 2, 2, 4, 4], [1, 1, 2, 2, 0, 0], CAR, {GRASS: (0, 0, 1, 1)}, id='IoU 1/2 is no match'),
        pytest.param([2, 2, 2, 4, 4, 4], [1, 1, 1, 1, 0, 0], CAR, {GRASS: (0.75, 1, 0, 0)}, id='IoU 3/4'),
        pytest.param(
            [2, 2, 2, 2, 2, 2], [1, 1, 0, 0, 0, 0], CAR, {GRASS: (1, 1, 0, 0)}, id='void is not in the union'
        ),
        pytest.param([3, 3, 3, 4, 4, 4], [0, 0, 1, 1, 1, 1], CAR, {GRASS: (0, 0, 0, 1)}, id='mostly on void'),
        pytest.param(
            [3, 3, 4, 4, 4, 4], [0, 1, 1, 1, 1, 1], CAR, {GRASS: (0, 0, 0, 1), SKY: (0, 0, 1, 0)}, id='half on void'
        ),
        pytest.param([3, 3, 3, 3, 3, 4], [0, 2, 2, 1, 1, 1], SKY, {GRASS: (0, 0, 0, 1)}, id='on void and its crowd'),
        pytest.param(
            [2, 2, 4, 4, 4, 4], [2, 2, 1, 1, 1, 1], CAR, {GRASS: (0, 0, 1, 1)}, id='on a crowd of another class'
        ),
        pytest.param([3, 3, 3, 3, 3, 3], [2, 2, 2, 2, 2, 2], SKY, {GRASS: (0, 0, 0, 1)}, id='a crowd never matches'),
        pytest.param([4, 4, 4, 4, 4, 4], [1, 1, 1, 1, 1, 1], CAR, {GRASS: (0, 0, 0, 1)}, id='empty prediction'),
        pytest.param([2, 2, 2, 2, 2, 2], [0, 0, 0, 0, 0, 0], CAR, {GRASS: (0, 0, 0, 1)}, id='all void'),
    ],
)
def test_rules(prediction, id_map, crowd, expected):
    """Segment 1 is grass, segment 2 a crowd of any class; expected are IoU, TP, FP, FN."""
    counts = np.zeros((4, 4))
    for label, row in expected.items():
        counts[label] = row
    segments = [segment(1, GRASS), segment(2, crowd, iscrowd=1)]
    np.testing.assert_allclose(match_segments(np.array([prediction]), np.array([id_map]), segments, VOID), counts)


def test_image_without_segments_counts_nothing():
    void = np.zeros((3, 5), dtype=np.int64)
    assert not match_segments(np.full((3, 5), SKY), void, [], VOID).any()
    assert np.isnan(list(measure([make_sample(np.full((3, 5), VOID), void, [])]).values())).all()


def test_batches_and_their_order_do_not_matter():
    rng = np.random.default_rng(1)
    samples = [make_sample(*random_image(rng)).to_dict() for _ in range(6)]
    together, first, second = make_metric(), make_metric(), make_metric()
    together.process({}, samples)
    first.process({}, samples[4:])  # as two processes would
    second.process({}, samples[:1])
    second.process({}, samples[1:4])
    expected = together.compute_metrics(together.results)
    assert expected['PQ'] > 0
    assert first.compute_metrics(first.results + second.results) == pytest.approx(expected, nan_ok=True)


def test_runs_in_the_evaluator_and_logs_classes_that_occurred(monkeypatch):
    logged = []
    monkeypatch.setattr('mmoneformer.evaluation.panoptic_quality.print_log', lambda text, **_: logged.append(text))
    evaluator = Evaluator([{'type': 'mmoneformer.PanopticQuality'}])
    evaluator.dataset_meta = {'classes': CLASSES, 'thing_ids': THING_IDS}
    evaluator.process([make_sample([[1001, 1001, SKY]], [[1, 1, 2]], [segment(1, CAR), segment(2, SKY)])])
    result = evaluator.evaluate(1)
    assert result['PQ'] == result['PQ_things'] == result['RQ_stuff'] == 100
    assert 'sky' in logged[0]
    assert 'grass' not in logged[0]


@pytest.mark.parametrize('value', [5, 1004, -1])
def test_prediction_of_no_class_is_refused(value):
    sample = make_sample([[value, 0, 0]], [[1, 1, 0]], [segment(1, PERSON)]).to_dict()
    with pytest.raises(ValueError, match=rf'image 7 .*{value}'):
        make_metric().process({}, [sample])


def test_token_guard():
    sample = make_sample([[0, 0, 0]], [[1, 1, 0]], [segment(1, PERSON)], token='semantic').to_dict()
    with pytest.raises(ValueError, match="panoptic result was predicted with the token of task 'semantic'"):
        make_metric().process({}, [sample])
    metric = make_metric(any_token=True)
    metric.process({}, [sample])
    assert metric.evaluate(1)['PQ'] == 100


def test_images_of_other_annotations_are_left_out():
    told = make_sample([[PERSON + 1000, GRASS]], [[1, 2]], [segment(1, PERSON), segment(2, GRASS)])
    other = make_sample([[SKY, SKY]], [[0, 0]], [])
    del other.gt_panoptic_seg
    other.set_metainfo({'tasks': ('semantic',)})
    assert measure([told, other])['PQ'] == 100
    assert np.isnan(measure([other])['PQ'])
