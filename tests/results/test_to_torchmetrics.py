"""The metrics of torchmetrics give what pycocotools and our own metrics give."""

import numpy as np
import pytest
import torch

from mmoneformer.results import to_torchmetrics


def test_instances(predictions, metainfo, masks):
    found = to_torchmetrics(predictions, 'instance', metainfo)
    assert found['boxes'].tolist() == [[1, 1, 5, 4], [6, 2, 9, 4]]
    assert (found['labels'].tolist(), found['scores'].tolist()) == ([1, 1], [0.75, 0.25])
    np.testing.assert_array_equal(found['masks'], masks[1:3])
    assert (found['masks'].dtype, found['labels'].dtype) == (torch.bool, torch.int64)


def test_panoptic(predictions, metainfo):
    (found,) = to_torchmetrics(predictions, 'panoptic', metainfo)
    ids = predictions['panoptic']['id_map']
    np.testing.assert_array_equal(found[..., 1], ids)
    np.testing.assert_array_equal(found[..., 0], np.array([3, 0, 1, 1, 2])[ids])


def test_panoptic_quality(predictions, metainfo):
    """Of 4 segments, a cat is missed: PQ of cats is 1 / (1 + 0.5). The last class is that of no segment."""
    detection = pytest.importorskip('torchmetrics.detection')
    metric = detection.PanopticQuality(things={1}, stuffs={0, 2, 3}, return_per_class=True)
    target = to_torchmetrics(predictions, 'panoptic', metainfo)
    lost = target.clone()
    target[target[..., 0] == 3] = 255  # void of an annotation
    lost[target[..., 1] == 3] = torch.tensor([3, 0])
    metric.update(lost, target)
    assert metric.compute().tolist() == [pytest.approx([1 / 1.5, 1, 1, 0])]


def test_semantic(predictions, metainfo):
    segmentation = pytest.importorskip('torchmetrics.segmentation')
    found = to_torchmetrics(predictions, 'semantic', metainfo)
    metric = segmentation.MeanIoU(num_classes=3, per_class=True, input_format='index')
    target = found.clone()
    target[0, :3, :4] = 2
    metric.update(found, target)
    expected = [
        ((found == label) & (target == label)).sum() / ((found == label) | (target == label)).sum()
        for label in range(3)
    ]
    torch.testing.assert_close(metric.compute(), torch.stack(expected))


def test_pixels_without_data(raster, metainfo):
    segmentation = pytest.importorskip('torchmetrics.segmentation')
    found = to_torchmetrics(raster, 'semantic', metainfo)
    assert (found[0, 0] == 3).all()
    metric = segmentation.MeanIoU(num_classes=4, per_class=True, input_format='index')
    metric.update(found, found)
    assert metric.compute().tolist() == [1, 1, 1, 1]


def test_mean_average_precision(predictions, nothing, metainfo):
    pytest.importorskip('torchvision', exc_type=ImportError, reason='torchmetrics needs torchvision for it')
    detection = pytest.importorskip('torchmetrics.detection')
    metric = detection.MeanAveragePrecision(iou_type='segm')
    found = to_torchmetrics(predictions, 'instance', metainfo)
    metric.update([found, to_torchmetrics(nothing, 'instance', metainfo)], [found, found])
    assert metric.compute()['map'].item() == pytest.approx(0.5, abs=0.01)


def test_no_instance(nothing, metainfo):
    found = to_torchmetrics(nothing, 'instance', metainfo)
    assert {key: tuple(value.shape) for key, value in found.items()} == {
        'boxes': (0, 4),
        'scores': (0,),
        'labels': (0,),
        'masks': (0, 1, 1),
    }
