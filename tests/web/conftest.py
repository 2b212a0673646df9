"""A model whose results are known, and an image for it."""

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData

from mmoneformer.apis.prediction import Prediction
from mmoneformer.results.as_dict import as_dict
from mmoneformer.tasks import TASKS

METAINFO = {
    'classes': ('sky', 'cat', 'road'),
    'thing_ids': (1,),
    'palette': [(70, 130, 180), (220, 20, 60), (128, 64, 128)],
}


def known_result(height, width):
    """Sky on the left, a cat on the right, and in the lower right corner road, which panoptic leaves void."""
    labels = torch.zeros(height, width, dtype=torch.int64)
    labels[:, width // 2 :] = 1
    cat = labels == 1
    labels[3 * height // 4 :, 3 * width // 4 :] = 2
    panoptic = torch.where(labels == 2, 3, torch.where(labels == 1, 1001, 0))
    sample = DetDataSample()
    sample.pred_panoptic_seg = PixelData(sem_seg=panoptic[None])
    sample.pred_segments = InstanceData(ids=torch.tensor([0, 1001]), scores=torch.tensor([0.75, 0.9]))
    sample.pred_sem_seg = PixelData(sem_seg=labels[None])
    sample.pred_instances = InstanceData(
        masks=torch.stack([cat, ~cat]),
        labels=torch.tensor([1, 1]),
        scores=torch.tensor([0.8, 0.2]),
        bboxes=torch.tensor([[width // 2, 0, width, height], [0, 0, width // 2, height]]).float(),
    )
    return sample


class KnownModel:
    """Stands in for an inferencer; remembers the images it is given."""

    def __init__(self):
        self.metainfo = METAINFO
        self.seen = []

    def stream(self, images, *, tasks):
        for number, image in enumerate(images):
            self.seen.append(image)
            yield Prediction(number, image, image, known_result(*image.shape[:2]))


@pytest.fixture(scope='module')
def known_model():
    return KnownModel()


@pytest.fixture(scope='module')
def other_model():
    return KnownModel()


@pytest.fixture(scope='session')
def metainfo():
    return METAINFO


@pytest.fixture(scope='session')
def image():
    """RGB, each side's colors known: red left, blue right."""
    image = np.zeros((80, 120, 3), np.uint8)
    image[:, :60, 0] = 200
    image[:, 60:, 2] = 200
    return image


@pytest.fixture
def results():
    return as_dict(known_result(80, 120), METAINFO, list(TASKS))
