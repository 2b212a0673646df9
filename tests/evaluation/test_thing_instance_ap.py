import mmoneformer  # noqa: F401  # isort: skip  # before mmdet
import json
import logging
import warnings

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData, PixelData
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

CLASSES = ('sky', 'person', 'grass', 'car')
THING_IDS = (1, 3)
KEYS = ('AP', 'AP50', 'AP75', 'AP_small', 'AP_medium', 'AP_large')


def make_sample(id_map, segments, masks, labels, scores, *, token='instance'):
    metainfo = {'img_id': 5, 'img_path': '5.jpg', 'segments': segments, 'task_tokens': {'instance': token}}
    sample = DetDataSample(metainfo=metainfo)
    sample.gt_panoptic_seg = PixelData(id_map=torch.as_tensor(id_map, dtype=torch.uint8)[None])
    sample.pred_instances = InstanceData(
        masks=torch.as_tensor(np.array(masks), dtype=torch.bool).reshape(len(labels), *id_map.shape),
        labels=torch.tensor(labels, dtype=torch.int64),
        scores=torch.tensor(scores, dtype=torch.float32),
    )
    return sample


def random_image(rng):
    """A map of rectangles, some large; predictions are shifted segments with a few wrong labels."""
    height, width = int(rng.integers(100, 130)), int(rng.integers(130, 170))
    id_map, segments = np.zeros((height, width), dtype=np.uint8), []
    for number in range(1, 8):
        y, x, tall, wide = rng.integers(0, (height - 20, width - 20, 70, 120)) + (0, 0, 8, 8)
        id_map[y : y + tall, x : x + wide] = number
        segments.append({'id': number, 'label': int(rng.integers(0, 4)), 'iscrowd': int(rng.random() < 0.2)})
    shown = [s for s in segments if (id_map == s['id']).any()]
    masks = [np.roll(id_map == s['id'], rng.integers(-3, 4, 2), (0, 1)) for s in shown]
    labels = [s['label'] if s['label'] in THING_IDS else 3 for s in shown]
    return id_map, segments, masks, labels, rng.random(len(shown)).round(3).tolist()


def evaluate(samples, **kwargs):
    evaluator = Evaluator([{'type': 'mmoneformer.ThingInstanceAP', **kwargs}])
    evaluator.dataset_meta = {'classes': CLASSES, 'thing_ids': THING_IDS}
    for sample in samples:
        evaluator.process([sample])
    return evaluator.evaluate(len(samples))


def run_length(mask):
    code = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {'size': code['size'], 'counts': code['counts'].decode()}


def coco_files(images):
    """The same images as COCO's instance annotation and results."""
    truths, results = [], []
    for image_id, (id_map, segments, masks, labels, scores) in enumerate(images, start=100):
        for s in segments:
            if s['label'] in THING_IDS:
                mask = id_map == s['id']
                fields = {'image_id': image_id, 'category_id': s['label'], 'iscrowd': s['iscrowd']}
                truths.append(
                    {'id': len(truths) + 1, 'segmentation': run_length(mask), 'area': int(mask.sum()), **fields}
                )
        for mask, label, score in zip(masks, labels, scores, strict=True):
            score = float(np.float32(score))
            results.append(
                {'image_id': image_id, 'category_id': label, 'segmentation': run_length(mask), 'score': score}
            )
    sizes = [
        {'id': image_id, 'height': image[0].shape[0], 'width': image[0].shape[1]}
        for image_id, image in enumerate(images, start=100)
    ]
    categories = [{'id': label, 'name': CLASSES[label]} for label in THING_IDS]
    return {'images': sizes, 'annotations': truths, 'categories': categories}, results


def test_equals_pycocotools_on_annotation_files(tmp_path):
    rng = np.random.default_rng(3)
    images = [random_image(rng) for _ in range(6)]
    truth, results = coco_files(images)
    (tmp_path / 'truth.json').write_text(json.dumps(truth))
    (tmp_path / 'results.json').write_text(json.dumps(results))
    coco = COCO(tmp_path / 'truth.json')
    reference = COCOeval(coco, coco.loadRes(str(tmp_path / 'results.json')), 'segm')
    reference.evaluate()
    reference.accumulate()
    reference.summarize()
    assert 20 < 100 * reference.stats[0] < 90
    expected = dict(zip(KEYS, 100 * np.where(reference.stats[:6] < 0, np.nan, reference.stats[:6]), strict=True))
    assert evaluate([make_sample(*image) for image in images]) == pytest.approx(expected, nan_ok=True)


def test_ground_truth_of_an_instance_file(tmp_path):
    """Overlapping polygons of a json with other ids of images and categories, by pycocotools from files."""
    box = [[10.0, 10.0, 50.5, 10.0, 50.5, 40.0, 10.0, 40.0]]
    other = [[20.0, 5.0, 60.0, 5.0, 60.0, 55.0, 20.0, 55.0]]
    annotations = [
        {'id': 1, 'image_id': 5, 'category_id': 90, 'segmentation': box, 'area': 1215.0, 'iscrowd': 0},
        {'id': 2, 'image_id': 5, 'category_id': 44, 'segmentation': other, 'area': 2000.0, 'iscrowd': 0},
    ]
    content = {
        'images': [{'id': 5, 'height': 60, 'width': 80}, {'id': 6, 'height': 60, 'width': 80}],
        'annotations': annotations,
        'categories': [{'id': 90, 'name': 'car'}, {'id': 44, 'name': 'person'}],
    }
    (tmp_path / 'instances.json').write_text(json.dumps(content))
    masks = np.zeros((2, 60, 80), dtype=bool)
    masks[0, 10:40, 10:48] = True
    masks[1, 5:55, 20:50] = True
    predictions = [
        {'image_id': 5, 'category_id': category, 'segmentation': run_length(mask), 'score': 0.5}
        for mask, category in zip(masks, (90, 44), strict=True)
    ]
    coco = COCO(tmp_path / 'instances.json')
    reference = COCOeval(coco, coco.loadRes(predictions), 'segm')
    reference.evaluate()
    reference.accumulate()
    reference.summarize()
    assert 50 < 100 * reference.stats[0] < 90
    sample = make_sample(np.zeros((60, 80)), [], masks, [3, 1], [0.5, 0.5])
    result = evaluate([sample], ann_file=str(tmp_path / 'instances.json'))
    assert [result[key] for key in KEYS[:3]] == pytest.approx(100 * reference.stats[:3])


def test_perfect_prediction_is_100_and_stuff_is_left_out():
    id_map = np.repeat([[1, 1, 2, 3, 3, 0]], 4, axis=0)
    segments = [{'id': i, 'label': label, 'iscrowd': 0} for i, label in ((1, 1), (2, 3), (3, 0))]
    sample = make_sample(id_map, segments, [id_map == 1, id_map == 2], [1, 3], [0.3, 0.2])
    result = evaluate([sample])
    assert [result[key] for key in KEYS[:4]] == pytest.approx([100] * 4)
    assert np.isnan([result['AP_medium'], result['AP_large']]).all()


def test_predictions_on_a_crowd_are_not_counted():
    id_map = np.repeat([[1, 1, 2, 2, 2, 2]], 4, axis=0)
    segments = [{'id': 1, 'label': 3, 'iscrowd': 0}, {'id': 2, 'label': 3, 'iscrowd': 1}]
    half = (id_map == 2) & (np.arange(6) < 4)
    sample = make_sample(id_map, segments, [half, id_map == 1], [3, 3], [0.9, 0.5])
    assert evaluate([sample])['AP'] == pytest.approx(100)


def test_max_dets_keeps_the_best_scores(monkeypatch):
    logged = []
    monkeypatch.setattr('mmoneformer.evaluation.thing_instance_ap.print_log', lambda *args: logged.append(args[0]))
    id_map = np.repeat([[1, 1, 0, 0, 2, 2]], 4, axis=0)
    segments = [{'id': 1, 'label': 3, 'iscrowd': 0}, {'id': 2, 'label': 3, 'iscrowd': 0}]
    sample = make_sample(id_map, segments, [id_map == 1, id_map == 2], [3, 3], [0.5, 0.9])
    assert evaluate([sample])['AP'] == pytest.approx(100)
    assert logged == []
    assert evaluate([sample], max_dets=1)['AP'] == pytest.approx(100 * 51 / 101)  # recall stops at one half
    (message,) = logged
    assert '1 of 1 images have more than max_dets=1 predictions of a class, up to 2' in message


def test_no_prediction_is_zero_and_does_not_print(capfd):
    id_map = np.repeat([[1, 1, 0]], 4, axis=0)
    result = evaluate([make_sample(id_map, [{'id': 1, 'label': 1, 'iscrowd': 0}], [], [], [])])
    assert result['AP'] == result['AP50'] == 0
    assert 'index created' not in capfd.readouterr().out


def test_no_ground_truth_is_nan_with_a_warning(monkeypatch):
    logged = []
    monkeypatch.setattr('mmoneformer.evaluation.thing_instance_ap.print_log', lambda *args: logged.append(args))
    id_map = np.repeat([[1, 1, 2]], 4, axis=0)
    segments = [{'id': 1, 'label': 0, 'iscrowd': 0}, {'id': 2, 'label': 1, 'iscrowd': 1}]
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        result = evaluate([make_sample(id_map, segments, [id_map == 1], [1], [0.5])])
    assert np.isnan([result[key] for key in KEYS]).all()
    (message, _, level) = logged[0]
    assert 'no image has a ground truth instance' in message
    assert level == logging.WARNING


def test_predicted_stuff_is_refused():
    id_map = np.repeat([[1, 1, 0]], 4, axis=0)
    sample = make_sample(id_map, [], [id_map == 1], [2], [0.5])
    with pytest.raises(ValueError, match=r'image 5 \(5.jpg\): predicted labels \[2\] are not things \(1, 3\)'):
        evaluate([sample])


def test_other_token_is_refused_unless_asked_for():
    id_map = np.repeat([[1, 1, 0]], 4, axis=0)
    truth = [{'id': 1, 'label': 1, 'iscrowd': 0}]
    sample = make_sample(id_map, truth, [id_map == 1], [1], [0.5], token='panoptic')
    with pytest.raises(ValueError, match="instance result was predicted with the token of task 'panoptic'"):
        evaluate([sample])
    assert evaluate([sample], any_token=True)['AP'] == pytest.approx(100)


def instance_sample(masks, labels, crowds, **metainfo):
    """Two equal right predictions of different classes, and truths that may overlap."""
    full = np.ones((40, 50), bool)
    sample = make_sample(np.zeros((40, 50)), [], [full, full], [1, 3], [0.9, 0.8])
    del sample.gt_panoptic_seg
    sample.gt_instances = InstanceData(
        masks=torch.tensor(np.array(masks)), labels=torch.tensor(labels), iscrowd=torch.tensor(crowds)
    )
    sample.set_metainfo({'tasks': ('instance',), **metainfo})
    return sample


def test_truths_of_instance_annotation_may_overlap():
    full = np.ones((40, 50), bool)
    assert evaluate([instance_sample([full, full], [1, 3], [0, 0])])['AP'] == pytest.approx(100)
    assert evaluate([instance_sample([full, full], [1, 3], [0, 1])])['AP'] == pytest.approx(100)
    assert evaluate([instance_sample([full, ~full | full], [1, 1], [0, 0])])['AP50'] < 60


def test_predictions_of_unlabeled_classes_do_not_count():
    """A car is found in both images: right in the first, and in the second, which has no labels of cars, unknown."""
    full = np.ones((40, 50), bool)
    first = instance_sample([full, full], [1, 3], [0, 0])
    second = instance_sample([full], [1], [0], unlabeled_ids=(3,))
    second.pred_instances.scores = torch.tensor([0.9, 0.99])
    assert evaluate([first, second])['AP'] == pytest.approx(100)
    second.set_metainfo({'unlabeled_ids': ()})
    assert evaluate([first, second])['AP'] < 90


def test_images_of_other_annotations_are_left_out():
    full = np.ones((40, 50), bool)
    told = instance_sample([full, full], [1, 3], [0, 0])
    other = instance_sample([], [], [], tasks=('semantic',))
    assert evaluate([told, other])['AP'] == pytest.approx(100)
    assert np.isnan(evaluate([other])['AP'])
