from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.config import Config

from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.masks.tiles import MaskTiles
from mmoneformer.models.post_process import semantic_scores
from mmoneformer.registry import MODELS
from mmoneformer.tiling.network import ModelOfTiles

CONFIG = Path(__file__).parents[1] / 'data/tiny_oneformer.py'
TASKS = ('panoptic', 'instance', 'semantic')


@pytest.fixture(scope='module')
def model():
    cfg = Config.fromfile(CONFIG)
    torch.manual_seed(0)
    model = MODELS.build(dict(cfg.model, _scope_='mmoneformer')).eval()
    model.cfg = cfg
    return model


@pytest.fixture
def network(model):
    return ModelOfTiles(model, Compose(model.cfg.test_pipeline[1:]))


def pictures(*sizes):
    return [np.random.default_rng(number).integers(0, 256, (*size, 3), np.uint8) for number, size in enumerate(sizes)]


def test_batches_have_the_results_of_single_images(network):
    images = pictures((50, 70), (50, 70))
    together = network(images, TASKS)
    for found, image in zip(together, images, strict=True):
        (alone,) = network([image], TASKS)
        for task, key in (('panoptic', 'id_map'), ('semantic', 'label_map')):
            np.testing.assert_array_equal(found[task][0][key], alone[task][0][key])
        np.testing.assert_allclose(found['instance'][0]['scores'], alone['instance'][0]['scores'], atol=1e-6)


def test_scores_at_pixels(network, model):
    """Those of all pixels, computed by the model's own tiles; the labels are the classes of the highest."""
    (image,) = pictures((50, 70))
    result, scores = network([image], TASKS)[0]['semantic']
    rows, columns = np.random.default_rng(0).integers(0, (50, 70), (500, 2)).T
    found = scores(rows, columns)
    np.testing.assert_allclose(found, all_scores(model, image)[:, rows, columns], rtol=1e-4, atol=1e-6)
    assert (found.argmax(0) == result['label_map'][rows, columns]).mean() > 0.99


def all_scores(model, image):
    resized = cv2.resize(image, (90, 64), interpolation=cv2.INTER_LINEAR)
    inputs = torch.zeros(1, 3, 64, 96)
    pixels = torch.from_numpy(resized[..., ::-1].copy()).permute(2, 0, 1)
    mean, std = (torch.tensor(model.cfg.model.data_preprocessor[key])[:, None, None] for key in ('mean', 'std'))
    inputs[0, :, :, :90] = (pixels - mean) / std
    with torch.no_grad():
        class_logits, mask_logits = model(inputs, mode='tensor', tasks=['semantic'])['semantic']
    scores = np.zeros((4, 50, 70), np.float32)
    geometry = MaskGeometry((64, 96), (64, 90), (50, 70))
    for _, (rows, columns), _, logits in MaskTiles(mask_logits[0], geometry).read_all():
        scores[:, rows, columns] = semantic_scores(class_logits[0], logits)
    return scores
