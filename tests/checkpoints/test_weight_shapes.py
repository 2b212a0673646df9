import pytest
import torch

from mmoneformer.checkpoints.weight_shapes import WeightShapes, check_keys


def test_shapes():
    shapes = WeightShapes(
        {'a.0.weight': torch.zeros(2, 3), 'a.1.weight': torch.zeros(1), 'ab.7.bias': torch.zeros(())}
    )
    assert shapes['a.0.weight'] == (2, 3)
    assert shapes['ab.7.bias'] == ()
    assert shapes.count('a') == 2
    assert shapes.count('c') == 0
    assert all(prefix in shapes for prefix in ('a', 'a.0', 'a.0.weight', 'ab'))
    assert not any(prefix in shapes for prefix in ('a.', 'b', 'a.0.w'))
    with pytest.raises(ValueError, match=r"no tensor 'a\.2\.weight', which defines the size of the model"):
        shapes['a.2.weight']


def test_weights_that_fit():
    expected = {'a': torch.zeros(2, 3), 'b': torch.zeros(4)}
    check_keys({'b': torch.ones(4), 'a': torch.ones(2, 3)}, expected)


def test_all_kinds_of_faults_are_named():
    expected = {'a': torch.zeros(2, 3), 'b': torch.zeros(4), 'c': torch.zeros(())}
    with pytest.raises(ValueError, match='does not fit the model') as error:
        check_keys({'a': torch.zeros(3, 2), 'c': torch.zeros(()), 'd': torch.zeros(5)}, expected)
    assert str(error.value).splitlines()[1:] == [
        '  missing: b [4]',
        '  unexpected: d [5]',
        '  shape: a is [3, 2], the model has [2, 3]',
    ]


def test_many_faults_are_counted():
    with pytest.raises(ValueError, match='does not fit the model') as error:
        check_keys({}, {f'layer.{index}': torch.zeros(index) for index in range(200)})
    assert str(error.value).splitlines()[1:] == ['  missing: layer.0 [0], layer.1 [1], layer.2 [2] and 197 more']
