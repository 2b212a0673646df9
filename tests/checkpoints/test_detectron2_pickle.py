import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch

from mmoneformer.checkpoints.detectron2_pickle import read_detectron2_pickle

ARRAYS = {'a.weight': np.arange(6, dtype=np.float32).reshape(2, 3), 'b': np.int64(3), 'c': np.zeros((), np.float16)}


@pytest.fixture
def save(tmp_path):
    def save(content, protocol=2):
        path = tmp_path / 'model.pkl'
        path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol))
        return path

    return save


@pytest.mark.parametrize('protocol', range(5))
@pytest.mark.parametrize('wrap', [lambda model: {'model': model, '__author__': 'us'}, OrderedDict])
def test_arrays(save, protocol, wrap):
    weights = read_detectron2_pickle(save(wrap(ARRAYS), protocol))
    assert weights['a.weight'].dtype == torch.float32
    assert weights['a.weight'].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert weights['b'] == 3
    assert weights['c'].shape == ()


class Attack:
    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


def test_code_is_rejected_and_not_run(save, tmp_path):
    trace = tmp_path / 'was_here'
    path = save({'model': {'a': Attack(trace)}})
    with pytest.raises(
        ValueError, match=r'model\.pkl is rejected.* it refers to posix\.mkdir, which weights do not need'
    ):
        read_detectron2_pickle(path)
    assert not trace.exists()
    pickle.loads(path.read_bytes())  # so the attack is real
    assert trace.exists()


@pytest.mark.parametrize('content', [b'no pickle', pickle.dumps({'model': ARRAYS})[:60]])
def test_damaged(save, content):
    with pytest.raises(ValueError, match=r'model\.pkl is rejected, or not a pickle of weights'):
        read_detectron2_pickle(save(content))


@pytest.mark.parametrize('content', [[1, 2], {}, {'model': {}}])
def test_without_weights(save, content):
    with pytest.raises(ValueError, match="has no 'model' with arrays"):
        read_detectron2_pickle(save(content))


def test_other_entries(save):
    with pytest.raises(ValueError, match=r'entries that are not arrays: epoch'):
        read_detectron2_pickle(save({'model': {'epoch': 3, **ARRAYS}}))


def test_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_detectron2_pickle(tmp_path / 'model.pkl')
