import numpy as np
import pytest
import torch

from mmoneformer.checkpoints.model_weights import check_classes, check_keys, plain_weights
from mmoneformer.metainfo import resolve_metainfo

MODEL = resolve_metainfo(dict(classes=('sky', 'cat', 'car'), thing_ids=(1, 2)))


def test_arrays_become_tensors():
    found = plain_weights({'a': np.arange(3, dtype=np.int32), 'b': np.float32(2), 'c': torch.ones(1)}, 'x.pth')
    assert found['a'].dtype == torch.int32
    assert found['a'].tolist() == [0, 1, 2]
    assert (found['b'].item(), found['c'].item()) == (2, 1)


def test_prefix_of_distributed_training():
    assert list(plain_weights({'module.a': torch.ones(1), 'module.b.c': torch.ones(1)}, 'x.pth')) == ['a', 'b.c']
    assert list(plain_weights({'module.a': torch.ones(1), 'b.c': torch.ones(1)}, 'x.pth')) == ['module.a', 'b.c']


@pytest.mark.parametrize(
    ('weights', 'message'),
    [
        ({}, r'x\.pth has no weights where they are expected, but dict \{\}'),
        ([torch.ones(1)], 'but list'),
        ({'model': {'a': torch.ones(1)}}, r"x\.pth has no 'state_dict', only 'model': .*tools/convert_checkpoint\.py"),
    ],
)
def test_what_is_no_state_dict(weights, message):
    with pytest.raises(ValueError, match=message):
        plain_weights(weights, 'x.pth')


def test_weights_that_fit():
    expected = {'a': torch.zeros(2, 3), 'b': torch.zeros(4)}
    check_keys({'b': torch.ones(4), 'a': torch.ones(2, 3)}, expected)


REMEDY = 'use the config that it was trained with, or convert weights of other code with tools/convert_checkpoint.py'


def test_all_kinds_of_faults_are_named():
    expected = {'a': torch.zeros(2, 3), 'b': torch.zeros(4), 'c': torch.zeros(())}
    with pytest.raises(ValueError, match='does not fit the model') as error:
        check_keys({'a': torch.zeros(3, 2), 'c': torch.zeros(()), 'd': torch.zeros(5)}, expected, source='x.pth')
    assert str(error.value) == (
        'x.pth does not fit the model: missing: b [4]; unexpected: d [5]; shape: a is [3, 2], the model has [2, 3]; '
        + REMEDY
    )


def test_many_faults_are_counted():
    with pytest.raises(ValueError, match='does not fit the model') as error:
        check_keys({}, {f'layer.{index}': torch.zeros(index) for index in range(200)})
    assert 'model: missing: layer.0 [0], layer.1 [1], layer.2 [2] and 197 more; ' in str(error.value)


def test_tensors_that_either_may_lack():
    is_optional = 'texts'.__eq__
    check_keys({'a': torch.zeros(1)}, {'a': torch.zeros(1), 'texts': torch.zeros(1)}, is_optional=is_optional)
    check_keys({'a': torch.zeros(1), 'texts': torch.zeros(1)}, {'a': torch.zeros(1)}, is_optional=is_optional)


def test_prefix_of_all_keys_is_named():
    weights = {'student.a': torch.zeros(1), 'student.b.c': torch.zeros(1)}
    with pytest.raises(ValueError, match=r"; remove the prefix 'student\.' from its keys"):
        check_keys(weights, {'a': torch.zeros(1), 'b.c': torch.zeros(1)})


@pytest.mark.parametrize(
    'stored', [None, {}, {'classes': ['sky ', 'cat', 'car'], 'thing_ids': [2, 1]}, {'classes': ('sky', 'cat', 'car')}]
)
def test_same_classes(stored):
    check_classes(stored, MODEL)


@pytest.mark.parametrize(
    ('stored', 'message'),
    [
        ({'classes': ('cat', 'sky', 'car')}, "class 0 is 'cat' and in the config 'sky'; class 1 is 'sky'"),
        ({'classes': ('sky', 'cat')}, 'there are 2 classes and in the config 3'),
        ({'thing_ids': (1,), 'classes': MODEL['classes']}, r"class 2 \('car'\) is a stuff class, not in the config"),
    ],
)
def test_other_classes(stored, message):
    with pytest.raises(ValueError, match=f"checkpoint's classes are not those of the config: {message}.*; do this"):
        check_classes(stored, MODEL, '; do this')
