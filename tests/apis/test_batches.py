import numpy as np
import pytest
import torch

from mmoneformer.apis.batches import BatchPredictor
from mmoneformer.apis.reader import Reader


@pytest.fixture
def loaded(config):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (*size, 3), np.uint8) for size in ((40, 60), (64, 48))]
    return list(Reader(config.test_pipeline).read(enumerate(images), None))


@pytest.fixture
def predictor(trained):
    return BatchPredictor(trained[0], 'float32', torch.device('cpu'))


def test_images_keep_their_order_and_size(predictor, loaded):
    found = predictor.predict(loaded, ['semantic'], None)
    assert [prediction.number for prediction in found] == [0, 1]
    assert [prediction.sample.pred_sem_seg.sem_seg.shape for prediction in found] == [(1, 40, 60), (1, 64, 48)]
    assert list(found[0].sample.task_tokens) == ['semantic']


def test_a_batch_that_fails_is_predicted_one_by_one(predictor, loaded):
    loaded[1][1]['inputs'] = torch.zeros(3, 0, 0, dtype=torch.uint8)
    failures = []
    (found,) = predictor.predict(loaded, ['semantic'], failures)
    assert (found.number, failures[0].number) == (0, 1)
    with pytest.raises(Exception, match=failures[0].reason[:20]):
        predictor.predict(loaded, ['semantic'], None)
