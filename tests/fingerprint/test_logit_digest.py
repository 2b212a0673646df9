from copy import deepcopy

import numpy as np
import pytest
import torch

from mmoneformer.fingerprint.logit_digest import (
    CLOSE,
    count_different,
    digest_logits,
    is_close,
    project_classes,
    project_masks,
)
from mmoneformer.tasks import TASKS


@pytest.fixture(scope='module')
def digest(record):
    return record.logits


@pytest.fixture
def disturbed(model):
    """A copy of the model that may be changed."""
    return deepcopy(model)


def test_projections():
    classes, masks = torch.randn(3, 5, generator=torch.Generator().manual_seed(0)), torch.zeros(2, 3, 4)
    expected = [sum(np.cos(k) * value for k, value in enumerate(row)) / 5**0.5 for row in classes.tolist()]
    np.testing.assert_allclose(project_classes(classes), expected)
    masks[0, 2, 3] = 12  # weight 4: the corner at the bottom right
    masks[1, 0, 3] = 12  # weight 2
    np.testing.assert_allclose(project_masks(masks), [4, 2])


def test_two_numbers_for_each_query_of_each_task(model, digest):
    assert list(digest) == list(TASKS)
    queries = model.panoptic_head.num_queries
    assert all(len(numbers) == queries for task in digest.values() for numbers in task.values())
    assert all(np.std(numbers) > 1e-2 for task in digest.values() for numbers in task.values())


def test_rounding_is_no_difference(disturbed, digest):
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in disturbed.parameters():
            parameter *= 1 + 2e-7 * torch.randn(parameter.shape)
    found = digest_logits(disturbed)
    assert found != digest
    assert all(is_close(found[task], digest[task]) for task in TASKS)


def test_another_computation_is_one(disturbed, digest):
    disturbed.data_preprocessor.mean += 1  # of 255
    found = digest_logits(disturbed)
    assert not any(is_close(found[task], digest[task]) for task in TASKS)


def test_another_token_is_one(digest):
    assert not is_close(digest['panoptic'], digest['semantic'])


def test_most_queries_must_agree():
    recorded = {'class': [10.0] * 8, 'mask': [-3000.0] * 8}
    assert count_different({'class': [10.009] * 8, 'mask': [-3002.9] * 8}, recorded) == 0
    assert count_different({'class': [10.011] * 8, 'mask': recorded['mask']}, recorded) == 8
    two = {'class': [11.0, *[10.0] * 7], 'mask': [*[-3000.0] * 7, -2990.0]}
    assert count_different(two, recorded) == 2 == 8 * (1 - CLOSE)
    assert is_close(two, recorded)
    assert not is_close({'class': [11.0, 11.0, *[10.0] * 6], 'mask': two['mask']}, recorded)


def test_damaged_weights(disturbed):
    disturbed.panoptic_head.query_embed.data[0] = torch.nan
    with pytest.raises(ValueError, match='logits of the drawn image are not finite: the weights are damaged'):
        digest_logits(disturbed)
