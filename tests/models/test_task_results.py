from dataclasses import replace

import pytest
import torch
from mmdet.structures import DetDataSample

from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.post_process import semantic_map
from mmoneformer.models.task_results import POST_PROCESS, ImageLogits, InferenceConfig, post_process
from mmoneformer.tasks import TASKS, Task

SIZE = (8, 12)
IS_THING = torch.tensor([True, False])
CONFIG = InferenceConfig(object_mask_thr=0.5, overlap_thr=0.3, max_per_image=4)


@pytest.fixture
def logits():
    """A thing on the left half of the image, and stuff on the right half."""
    masks = torch.full((2, *SIZE), -9.0)
    masks[0, :, :6] = masks[1, :, 6:] = 9.0
    class_logits = torch.tensor([[9.0, 0, 0], [0, 8, 0]])
    return ImageLogits(class_logits, masks, MaskGeometry(SIZE, SIZE, SIZE))


@pytest.fixture
def results(logits):
    def predict(task):
        sample = DetDataSample()
        POST_PROCESS[task](sample, logits, IS_THING, CONFIG)
        return sample

    return predict


def test_each_task_has_an_entry():
    assert POST_PROCESS.keys() == TASKS.keys()


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float32])
def test_autocast_changes_no_result(dtype):
    """Sums of class scores need more than the 8 bits of bfloat16."""
    generator = torch.Generator().manual_seed(0)
    low = 4 * torch.randn(1, 30, 4, 6, generator=generator)
    masks = torch.nn.functional.interpolate(low, size=(16, 24), mode='bilinear')[0].to(dtype)
    classes = 2 * torch.randn(30, 10, generator=generator).to(dtype)
    logits = ImageLogits(classes, masks, MaskGeometry((64, 96), (60, 90), (120, 180)))
    found, expected = DetDataSample(), DetDataSample()
    with torch.autocast('cpu', torch.bfloat16):
        post_process('semantic', found, logits, torch.ones(9, dtype=torch.bool), CONFIG)
    POST_PROCESS['semantic'](expected, logits, torch.ones(9, dtype=torch.bool), CONFIG)
    assert torch.equal(found.pred_sem_seg.sem_seg, expected.pred_sem_seg.sem_seg)


def test_panoptic(results):
    sample = results('panoptic')
    assert sample.pred_panoptic_seg.sem_seg.shape == (1, *SIZE)
    assert sample.pred_panoptic_seg.sem_seg[0, 0, [0, 11]].tolist() == [1000, 1]
    assert sample.pred_segments.ids.tolist() == [1, 1000]
    assert (sample.pred_segments.scores > 0.99).all()


def test_instance(results):
    instances = results('instance').pred_instances
    assert instances.labels[0] == 0
    assert instances.bboxes[0].tolist() == [0, 0, 6, 8]
    assert set(instances.keys()) == {'masks', 'labels', 'scores', 'bboxes'}


def test_semantic(results):
    labels = results('semantic').pred_sem_seg
    assert labels.sem_seg[0, 0, [0, 11]].tolist() == [0, 1]
    assert labels.data is labels.sem_seg


def test_settings_reach_the_results(logits):
    """Each function gets what ``test_cfg`` says."""
    sample = DetDataSample()
    config = InferenceConfig(object_mask_thr=1.0, overlap_thr=0.3, max_per_image=1)
    POST_PROCESS['panoptic'](sample, logits, IS_THING, config)
    POST_PROCESS['instance'](sample, logits, IS_THING, config)
    assert (sample.pred_panoptic_seg.sem_seg == len(IS_THING)).all()
    assert len(sample.pred_instances) == 1


def test_queries_are_added_where_they_are_asked_for(logits):
    sample = DetDataSample()
    config = replace(CONFIG, with_queries=True)
    POST_PROCESS['panoptic'](sample, logits, IS_THING, config)
    POST_PROCESS['instance'](sample, logits, IS_THING, config)
    assert sample.pred_segments.queries.tolist() == [1, 0]  # of stuff, and of the thing
    assert sample.pred_instances.queries[0] == 0


def add_parts(sample, logits, is_thing, config):
    sample.part_labels = semantic_map(*logits)


@pytest.fixture
def _part(monkeypatch):
    monkeypatch.setitem(TASKS, 'part', Task('part', filler='a part photo', things_only=True))


@torch.no_grad()
@pytest.mark.usefixtures('_part')
def test_another_task_is_predicted(build_model, monkeypatch):
    """Of the calls that name it, and of all that name none."""
    monkeypatch.setitem(POST_PROCESS, 'part', add_parts)
    model, inputs = build_model().eval(), torch.randn(1, 3, 64, 96)
    for tasks, expected in ((['part'], ['part']), (None, list(TASKS))):
        sample = DetDataSample(metainfo=dict(img_shape=(64, 96), ori_shape=(30, 41)))
        model(inputs, [sample], mode='predict', tasks=tasks)
        assert list(sample.task_tokens) == expected
        assert sample.part_labels.shape == (30, 41)


@torch.no_grad()
@pytest.mark.usefixtures('_part')
def test_a_task_without_an_entry_is_named(build_model):
    sample = DetDataSample(metainfo=dict(img_shape=(64, 96), ori_shape=(64, 96)))
    with pytest.raises(KeyError, match=r"'part' has no entry in mmoneformer\.models\.task_results\.POST_PROCESS"):
        build_model().eval()(torch.randn(1, 3, 64, 96), [sample], mode='predict', tasks=['part'])


def test_all_tasks_are_the_default(monkeypatch):
    monkeypatch.setitem(TASKS, 'part', Task('part', filler='a part photo'))
    assert InferenceConfig(max_per_image=5).tasks == ('panoptic', 'instance', 'semantic', 'part')


@pytest.mark.parametrize('arguments', [dict(tasks=['depth']), dict(tokens={'semantic': 'depth'})], ids=str)
def test_unknown_tasks(arguments):
    with pytest.raises(ValueError, match='depth'):
        InferenceConfig(max_per_image=5, **arguments)
