"""Metrics of mmdet and mmseg have the values of ours, on the same predictions and with stuff before things."""

import json
from collections import defaultdict
from copy import deepcopy

import cv2
import numpy as np
import pytest
import torch
from mmdet.evaluation.functional import panoptic_utils
from mmdet.evaluation.metrics import coco_panoptic_metric
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData, PixelData
from pycocotools import mask as coco_mask

from mmoneformer.datasets.transforms import PackOneFormerInputs
from mmoneformer.metainfo import resolve_metainfo, with_names_by_kind
from mmoneformer.structures.panoptic_ids import colors_to_ids, encode_panoptic, ids_to_colors

CLASSES, THINGS, VOID = ('grass', 'cat', 'sky', 'car'), (1, 3), 4
SIZE, CELL = (48, 64), 8
TASKS = ('panoptic', 'instance', 'semantic')


@pytest.fixture(scope='module')
def samples():
    """Four images of cells, some of which are void or crowds, and predictions with errors of each kind."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] // CELL
    pack = PackOneFormerInputs(meta_keys=('img_id', 'img_path', 'ori_shape', 'segments', 'instances'))
    found = []
    for number in range(4):
        count = 16
        cells = rng.integers(0, count + 1, (SIZE[0] // CELL, SIZE[1] // CELL))
        cells.flat[: count + 1] = range(count + 1)
        labels = [0, 2, *rng.choice(THINGS, count - 2)]
        segments = [
            {'id': n + 1, 'label': int(label), 'iscrowd': int(n == count - 1)} for n, label in enumerate(labels)
        ]
        ids = cells[rows, columns].astype(np.uint8)
        packed = pack(
            dict(classes=CLASSES, thing_ids=THINGS, gt_seg_map=ids, segments=segments, img_id=number + 1)
            | dict(img=np.zeros((*SIZE, 3), np.uint8), img_path=f'{number}.jpg', ori_shape=SIZE)
        )
        sample = packed['data_samples']
        sample.set_metainfo({'task_tokens': {task: task for task in TASKS}})
        shifted = np.roll(ids, rng.integers(-1, 2, 2), (0, 1))
        predicted = np.array([int(label) if rng.random() < 0.85 else int(rng.integers(4)) for label in labels])
        is_thing = np.isin(predicted, THINGS)
        values = np.append(VOID, encode_panoptic(predicted, np.arange(1, count + 1) * is_thing))[shifted]
        sample.pred_panoptic_seg = PixelData(sem_seg=torch.from_numpy(values)[None])
        semantic = torch.from_numpy(np.append(0, predicted)[shifted])[None]
        sample.pred_sem_seg = PixelData(sem_seg=semantic, data=semantic)
        chosen = np.flatnonzero(is_thing)
        masks = torch.from_numpy(shifted == chosen[:, None, None] + 1)
        scores, boxes = torch.from_numpy(rng.random(len(chosen))).float(), torch.zeros(len(chosen), 4)
        sample.pred_instances = InstanceData(
            masks=masks, labels=torch.from_numpy(predicted[chosen]), scores=scores, bboxes=boxes
        )
        found.append(sample)
    return found


def measure(metric, samples, classes=CLASSES, things=THINGS):
    evaluator = Evaluator([metric])
    metainfo = resolve_metainfo({'classes': classes, 'thing_ids': things})
    evaluator.dataset_meta = with_names_by_kind(metainfo)
    evaluator.process([deepcopy(sample) for sample in samples])
    return evaluator.evaluate(len(samples))


def instance_json(path, samples, classes=CLASSES, things=THINGS):
    categories = [{'id': 10 - label, 'name': name} for label, name in enumerate(classes) if label in things]
    annotations = [
        {
            'image_id': sample.img_id,
            'category_id': 10 - item['bbox_label'],
            'iscrowd': item['ignore_flag'],
            'bbox': [0] * 4,
        }
        | {'segmentation': item['mask'], 'area': int(coco_mask.area(item['mask']))}
        for sample in samples
        for item in sample.instances
    ]
    content = {
        'categories': categories,
        'images': [{'id': sample.img_id, 'height': SIZE[0], 'width': SIZE[1]} for sample in samples],
        'annotations': [item | {'id': number} for number, item in enumerate(annotations, start=1)],
    }
    path.write_text(json.dumps(content))
    return str(path)


def test_coco_metric(samples, tmp_path):
    """With the annotation of the samples; with a json, things must be first."""
    ours = measure({'type': 'mmoneformer.ThingInstanceAP'}, samples)
    assert 20 < ours['AP'] < 80
    theirs = measure({'type': 'mmdet.CocoMetric', 'metric': 'segm'}, samples)
    for name, key in {'AP': 'segm_mAP', 'AP50': 'segm_mAP_50', 'AP75': 'segm_mAP_75'}.items():
        assert 100 * theirs[f'coco/{key}'] == pytest.approx(ours[name], abs=0.051)  # of three digits

    moved = deepcopy(samples)
    order = torch.tensor([2, 0, 3, 1])  # of the classes cat, car, grass, sky
    for sample in moved:
        sample.pred_instances.labels = order[sample.pred_instances.labels]
        for instance in sample.instances:
            instance['bbox_label'] = int(order[instance['bbox_label']])
    things_first = ('cat', 'car', 'grass', 'sky'), (0, 1)
    path = instance_json(tmp_path / 'instances.json', moved, *things_first)
    theirs = measure({'type': 'mmdet.CocoMetric', 'metric': 'segm', 'ann_file': path}, moved, *things_first)
    assert 100 * theirs['coco/segm_mAP'] == pytest.approx(ours['AP'], abs=0.051)


@pytest.mark.parametrize('kind', ['mmseg.IoUMetric', 'mmdet.SemSegMetric'])
def test_iou_metrics(samples, kind):
    ours = measure({'type': 'mmoneformer.SemanticIoU', 'iou_metrics': ['mIoU']}, samples)
    theirs = measure({'type': kind, 'iou_metrics': ['mIoU']}, samples)
    values = {key.rsplit('/')[-1]: value for key, value in theirs.items()}
    assert 20 < ours['mIoU'] < 90
    assert values['mIoU'] == pytest.approx(ours['mIoU'], abs=0.011)


class PanopticStatistics:
    """Counts of each category, as panopticapi has them."""

    def __init__(self):
        self.of = defaultdict(lambda: type('Counts', (), dict(iou=0.0, tp=0, fp=0, fn=0))())

    def __getitem__(self, category):
        return self.of[category]

    def __iadd__(self, other):
        for category, counts in other.of.items():
            for name in ('iou', 'tp', 'fp', 'fn'):
                setattr(self[category], name, getattr(self[category], name) + getattr(counts, name))
        return self

    def pq_average(self, categories, isthing):
        qualities = []
        for category, entry in categories.items():
            counts = self[category]
            if isthing in (None, bool(entry['isthing'])) and (size := counts.tp + (counts.fp + counts.fn) / 2):
                qualities.append((counts.iou / size, counts.iou / max(counts.tp, 1), counts.tp / size))
        means = np.mean(qualities, axis=0)
        return dict(zip(('pq', 'sq', 'rq'), means, strict=True), n=len(qualities)), {}


@pytest.fixture
def _panopticapi(monkeypatch):
    """What mmdet's metric takes from panopticapi, which is on no package index."""
    parts = dict(PQStat=PanopticStatistics, VOID=0, OFFSET=1 << 24, rgb2id=lambda colors: colors_to_ids(colors))
    parts |= dict(id2rgb=ids_to_colors, panopticapi=object())
    for module in (coco_panoptic_metric, panoptic_utils):
        for name, part in parts.items():
            monkeypatch.setattr(module, name, part, raising=False)


@pytest.mark.usefixtures('_panopticapi')
def test_coco_panoptic_metric(samples, tmp_path):
    images, annotations = [], []
    for sample in samples:
        ids = sample.gt_panoptic_seg.id_map[0].numpy().astype(int)
        cv2.imwrite(str(tmp_path / f'{sample.img_id - 1}.png'), ids_to_colors(ids, bgr=True))
        segments = [
            {
                'id': s['id'],
                'category_id': s['label'] + 7,
                'iscrowd': s['iscrowd'],
                'area': int((ids == s['id']).sum()),
            }
            for s in sample.segments
        ]
        name = f'{sample.img_id - 1}.png'
        annotations.append({'image_id': sample.img_id, 'file_name': name, 'segments_info': segments})
        images.append({'id': sample.img_id, 'file_name': f'{sample.img_id - 1}.jpg', 'height': 1, 'width': 1})
    categories = [{'id': n + 7, 'name': name, 'isthing': int(n in THINGS)} for n, name in enumerate(CLASSES)]
    path = tmp_path / 'panoptic.json'
    path.write_text(json.dumps({'images': images, 'annotations': annotations, 'categories': categories}))

    ours = measure({'type': 'mmoneformer.PanopticQuality'}, samples)
    theirs = measure({'type': 'mmdet.CocoPanopticMetric', 'ann_file': str(path), 'seg_prefix': str(tmp_path)}, samples)
    assert 20 < ours['PQ'] < 80
    for name in ('PQ', 'SQ', 'RQ'):
        assert theirs[f'coco_panoptic/{name}'] == pytest.approx(ours[name], abs=1e-9)
    assert theirs['coco_panoptic/PQ_th'] == pytest.approx(ours['PQ_things'], abs=1e-9)
