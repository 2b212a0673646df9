from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmdet.engine.hooks import DetVisualizationHook
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData
from mmengine.visualization import Visualizer
from mmseg.engine.hooks import SegVisualizationHook

from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.registry import VISUALIZERS
from mmoneformer.results.as_dict import AS_DICT, as_dict
from mmoneformer.tasks import TASKS, Task
from mmoneformer.visualization import draw_sheet
from mmoneformer.visualization.regions import RESULT_REGIONS
from mmoneformer_drawing.sheet import MARGIN, PANEL

METAINFO = resolve_metainfo({'classes': ('sky', 'cat'), 'thing_ids': (1,), 'palette': [(70, 130, 180), (220, 20, 60)]})
IMAGE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


@pytest.fixture
def sample(tmp_path):
    cv2.imwrite(str(tmp_path / 'image.png'), IMAGE[..., ::-1])
    labels = torch.zeros(1, 48, 64, dtype=torch.long)
    labels[:, 10:40, 20:60] = 1
    sample = DetDataSample(
        metainfo=dict(img_path=str(tmp_path / 'image.png'), segments=[dict(id=1, label=1, iscrowd=0)])
    )
    sample.pred_panoptic_seg = PixelData(sem_seg=labels * 1001)
    sample.pred_sem_seg = PixelData(sem_seg=labels, data=labels)
    sample.pred_instances = InstanceData(
        masks=labels == 1, labels=torch.tensor([1]), scores=torch.tensor([0.4]), bboxes=torch.zeros(1, 4)
    )
    sample.gt_panoptic_seg = PixelData(id_map=labels)
    return sample


@pytest.fixture
def visualizer(tmp_path, monkeypatch):
    """The instance that hooks take."""
    visualizer = VISUALIZERS.build(
        dict(
            type='OneFormerVisualizer',
            _scope_='mmoneformer',
            name=str(tmp_path),
            vis_backends=[dict(type='LocalVisBackend')],
            save_dir=str(tmp_path),
        )
    )
    visualizer.dataset_meta = METAINFO
    monkeypatch.setattr(Visualizer, 'get_current_instance', lambda: visualizer)
    return visualizer


def panels(width):
    return (width - MARGIN) / (PANEL + MARGIN)


def test_draws_the_sheet(visualizer, sample, tmp_path):
    visualizer.add_datasample('x', IMAGE, sample, draw_gt=False, out_file=str(tmp_path / 'new/x.png'))
    results = as_dict(sample, METAINFO, ['panoptic', 'instance', 'semantic'])
    expected = draw_sheet(IMAGE, results, METAINFO)
    np.testing.assert_array_equal(visualizer.get_image(), expected)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'new/x.png'))[..., ::-1], expected)


@pytest.mark.parametrize(('options', 'count'), [({}, 5), ({'draw_gt': False}, 4), ({'draw_pred': False}, 2)])
def test_draws_what_is_asked(visualizer, sample, options, count):
    visualizer.add_datasample('x', IMAGE, sample, **options)
    assert panels(visualizer.get_image().shape[1]) == count


def test_draws_what_there_is(visualizer):
    visualizer.add_datasample('x', IMAGE)
    assert panels(visualizer.get_image().shape[1]) == 1


def test_options_reach_the_drawings(visualizer, sample):
    drawings = []
    for alpha, options in ((0.3, {}), (0.9, {}), (0.9, {'pred_score_thr': 0.3}), (0.9, {'with_labels': False})):
        visualizer.alpha = alpha
        visualizer.add_datasample('x', IMAGE, sample, **options)
        drawings.append(visualizer.get_image())
    for index, drawing in enumerate(drawings[1:]):
        assert (drawing != drawings[index]).any()


def test_a_file_that_cannot_be_written(visualizer, sample, tmp_path):
    (tmp_path / 'x.png').mkdir()
    with pytest.raises(OSError, match=r'cannot write .*x\.png'):
        visualizer.add_datasample('x', IMAGE, sample, out_file=str(tmp_path / 'x.png'))


@pytest.mark.parametrize(
    ('hook', 'name'), [(DetVisualizationHook, 'val_img_7.png'), (SegVisualizationHook, 'val_image.png_7.png')]
)
def test_validation_hooks_of_mmdet_and_mmseg(visualizer, sample, tmp_path, hook, name):
    runner = SimpleNamespace(iter=7)
    hook(draw=True, interval=1).after_val_iter(runner, 0, {}, [sample])
    (drawing,) = tmp_path.rglob(name)
    assert panels(cv2.imread(str(drawing)).shape[1]) == 5


def test_another_task(visualizer, sample, monkeypatch):
    sample.pred_part_seg = sample.pred_sem_seg
    monkeypatch.setitem(TASKS, 'part', Task('part', filler='a part photo'))
    monkeypatch.setitem(AS_DICT, 'part', AS_DICT['semantic']._replace(field='pred_part_seg'))
    monkeypatch.setitem(RESULT_REGIONS, 'part', RESULT_REGIONS['semantic'])
    visualizer.add_datasample('x', IMAGE, sample, draw_gt=False)
    assert panels(visualizer.get_image().shape[1]) == 5


def test_each_build_without_a_name_is_an_instance():
    config = dict(type='OneFormerVisualizer', _scope_='mmoneformer')
    one, other = VISUALIZERS.build(config), VISUALIZERS.build(config)
    assert one is not other


def test_annotation_of_instances_or_label_maps_alone(visualizer, sample):
    instances, label_map = DetDataSample(), DetDataSample(gt_sem_seg=sample.pred_sem_seg)
    instances.gt_instances = InstanceData(masks=sample.pred_instances.masks, labels=torch.tensor([1]))
    for annotated in (instances, label_map):
        visualizer.add_datasample('x', IMAGE, annotated)
        assert panels(visualizer.get_image().shape[1]) == 2
