import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData, PixelData

from mmoneformer.evaluation import cityscapes_ap

CLASSES = ('road', 'car', 'person')
META = {'classes': CLASSES, 'thing_ids': (1, 2)}
SIZE = (60, 90)


def box(y, x, height, width):
    mask = np.zeros(SIZE, dtype=bool)
    mask[y : y + height, x : x + width] = True
    return mask


CARS = [box(5, 5, 20, 20), box(5, 40, 20, 20)]
PERSON = box(35, 5, 20, 10)


@pytest.fixture
def make_sample(tmp_path):
    """A sample whose image is in Cityscapes' folders, with a ground truth of two cars and a person on the road."""

    def make(masks, labels, scores, *, token='instance', city='ulm', name=None):
        name = f'{name or city}_000001_000002'
        image = tmp_path / f'leftImg8bit/val/{city}/{name}_leftImg8bit.png'
        truth = tmp_path / f'gtFine/val/{city}/{name}_gtFine_instanceIds.png'
        truth.parent.mkdir(parents=True, exist_ok=True)
        values, id_map = np.full(SIZE, 7, np.uint16), np.zeros(SIZE, np.uint8)
        for number, (value, mask) in enumerate(zip((26000, 26001, 24000), (*CARS, PERSON), strict=True), start=1):
            values[mask], id_map[mask] = value, number
        cv2.imwrite(str(truth), values)
        segments = [{'id': i, 'label': label, 'iscrowd': 0} for i, label in ((1, 1), (2, 1), (3, 2))]
        metainfo = {'img_path': str(image), 'segments': segments, 'task_tokens': {'instance': token}}
        sample = DetDataSample(metainfo=metainfo)
        sample.gt_panoptic_seg = PixelData(id_map=torch.from_numpy(id_map)[None])
        sample.pred_instances = InstanceData(
            masks=torch.tensor(np.array(masks)).reshape(-1, *SIZE),
            labels=torch.tensor(labels, dtype=torch.int64),
            scores=torch.tensor(scores),
        )
        return sample

    return make


def evaluate(*samples, meta=META, **kwargs):
    evaluator = Evaluator([{'type': 'mmoneformer.CityscapesAP', **kwargs}])
    evaluator.dataset_meta = meta
    for sample in samples:
        evaluator.process([sample])
    return evaluator.evaluate(len(samples))


@pytest.fixture
def _scripts():
    pytest.importorskip('cityscapesscripts')


@pytest.mark.usefixtures('_scripts')
def test_perfect_prediction(make_sample):
    sample = make_sample([*CARS, PERSON], [1, 1, 2], [0.9, 0.8, 0.7])
    assert evaluate(sample) == pytest.approx({'AP': 100, 'AP50': 100})


@pytest.mark.usefixtures('_scripts')
def test_missed_instances_and_loose_masks(make_sample):
    loose = box(35, 5, 20, 16)  # IoU 10 / 16 with the person: found at the thresholds 0.5, 0.55 and 0.6 of ten
    sample = make_sample([CARS[0], loose], [1, 2], [0.9, 0.7])
    assert evaluate(sample) == pytest.approx({'AP': (50 + 30) / 2, 'AP50': (50 + 100) / 2})


@pytest.mark.usefixtures('_scripts')
@pytest.mark.parametrize('name', ['bonn', 'ulm'])
def test_several_images_and_none_predicted(make_sample, name):
    """Also of one name in two folders."""
    perfect = make_sample([*CARS, PERSON], [1, 1, 2], [0.9, 0.8, 0.7])
    empty = make_sample([], [], [], city='bonn', name=name)
    assert evaluate(perfect, empty) == pytest.approx({'AP': 50, 'AP50': 50})


def test_without_the_scripts_cocos_protocol_has_another_name(make_sample, monkeypatch):
    logged = []
    monkeypatch.setattr(cityscapes_ap, 'find_spec', lambda name: None)
    monkeypatch.setattr(cityscapes_ap, 'print_log', lambda *args: logged.append(args[0]))
    result = evaluate(make_sample([*CARS, PERSON], [1, 1, 2], [0.9, 0.8, 0.7]))
    assert result['AP_coco_style'] == pytest.approx(100)
    assert all(name.endswith('_coco_style') for name in result)
    assert 'pip install cityscapesscripts' in logged[0]


@pytest.mark.usefixtures('_scripts')
def test_what_is_refused(make_sample, tmp_path):
    masks = ([CARS[0]], [1], [0.9])
    with pytest.raises(ValueError, match="predicted with the token of task 'panoptic'"):
        evaluate(make_sample(*masks, token='panoptic'))
    assert evaluate(make_sample(*masks, token='panoptic'), any_token=True)['AP'] > 0
    sample = make_sample(*masks)
    (tmp_path / 'gtFine/val/ulm/ulm_000001_000002_gtFine_instanceIds.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'ulm_000001_000002_gtFine_instanceIds.png: unpack gtFine'):
        evaluate(sample)


@pytest.mark.usefixtures('_scripts')
def test_metric_of_mmdet_has_the_same_values(make_sample, tmp_path, monkeypatch):
    monkeypatch.setattr(np, 'in1d', np.isin, raising=False)
    samples = [make_sample([*CARS, PERSON], [1, 1, 2], [0.9, 0.8, 0.7]), make_sample([], [], [], city='bonn')]
    samples.append(make_sample([CARS[0], box(35, 5, 20, 16)], [1, 2], [0.9, 0.7], city='jena'))
    ours = evaluate(*samples)
    evaluator = Evaluator(
        [{'type': 'mmdet.CityScapesMetric', 'outfile_prefix': str(tmp_path / 'out'), 'seg_prefix': ''}]
    )
    evaluator.dataset_meta = META
    evaluator.process(samples)
    theirs = evaluator.evaluate(len(samples))
    found = [100 * theirs[f'cityscapes/{name}'] for name in ('mAP', 'AP@50')]
    assert found == pytest.approx([ours['AP'], ours['AP50']])
