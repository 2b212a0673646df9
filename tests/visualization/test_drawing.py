import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData

from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.visualization import draw_instance, draw_panoptic, draw_results, draw_semantic

SIZE = (400, 700)
METAINFO = resolve_metainfo({'classes': ('sky', 'cat'), 'thing_ids': (1,), 'palette': [(0, 0, 255), (255, 0, 0)]})
IMAGE = np.full((*SIZE, 3), 50, np.uint8)
CORNERS = {'sky': (3, 3), 'cat': (396, 696)}  # away from contours and names
CAT_MASK = np.zeros(SIZE, bool)
CAT_MASK[200:, 350:] = True


def at(picture, name):
    return picture[CORNERS[name]].tolist()


def test_panoptic():
    picture = draw_panoptic(IMAGE, np.where(CAT_MASK, 1001, 0), METAINFO, opacity=1.0)
    assert at(picture, 'sky') == [0, 0, 255]
    assert at(picture, 'cat') == [255, 0, 0]


def test_instance():
    arguments = np.array([1]), np.array([0.9]), METAINFO
    picture = draw_instance(IMAGE, CAT_MASK[None], *arguments, opacity=1.0)
    assert at(picture, 'sky') == [50, 50, 50]
    assert at(picture, 'cat') == [255, 0, 0]


def test_semantic():
    picture = draw_semantic(IMAGE, np.where(CAT_MASK, 255, 0), METAINFO, opacity=1.0)
    assert at(picture, 'sky') == [0, 0, 255]
    assert at(picture, 'cat') == [50, 50, 50]


@pytest.fixture
def sample():
    labels = torch.from_numpy(CAT_MASK.astype(int))[None]
    sample = DetDataSample()
    sample.pred_panoptic_seg = PixelData(sem_seg=labels * 1001)
    sample.pred_sem_seg = PixelData(sem_seg=labels, data=labels)
    masks = torch.from_numpy(CAT_MASK)[None]
    sample.pred_instances = InstanceData(masks=masks, labels=torch.tensor([1]), scores=torch.tensor([0.9]))
    return sample


def test_results_of_a_data_sample(sample):
    drawn = draw_results(IMAGE, sample, METAINFO, ['semantic', 'panoptic', 'instance'])
    assert list(drawn) == ['semantic', 'panoptic', 'instance']
    np.testing.assert_array_equal(drawn['panoptic'], draw_panoptic(IMAGE, CAT_MASK * 1001, METAINFO))
    np.testing.assert_array_equal(drawn['semantic'], draw_semantic(IMAGE, CAT_MASK * 1, METAINFO))
    instances = CAT_MASK[None], np.array([1]), np.array([0.9], np.float32)
    np.testing.assert_array_equal(drawn['instance'], draw_instance(IMAGE, *instances, METAINFO))


def test_draws_what_is_asked_alone(sample):
    del sample.pred_instances
    assert list(draw_results(IMAGE, sample, METAINFO, ['panoptic'])) == ['panoptic']
