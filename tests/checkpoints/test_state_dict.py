import pytest
import torch

from mmoneformer.checkpoints.state_dict import KeyTable, WeightShapes, under

TABLE = KeyTable(
    [
        ('encoder.layers.*', 'blocks.*'),
        ('encoder.layers.*.linear1', 'blocks.*.ffn.0'),
        ('res*.*.conv', 'stage*.*.conv'),
        ('head', 'classify'),
    ]
)
KEYS = {
    'encoder.layers.0.norm.weight': 'blocks.0.norm.weight',
    'encoder.layers.11.linear1.bias': 'blocks.11.ffn.0.bias',  # the longest row that matches
    'encoder.layers.1.linear10.bias': 'blocks.1.linear10.bias',  # rows end at a dot
    'res2.13.conv.weight': 'stage2.13.conv.weight',
    'head.weight': 'classify.weight',
    'head': 'classify',
}


def tensors(keys):
    return {key: torch.tensor(number) for number, key in enumerate(keys)}


def test_rename_both_ways():
    theirs = tensors(KEYS)
    ours = TABLE.rename(theirs)
    assert list(ours) == list(KEYS.values())
    assert [tensor.item() for tensor in ours.values()] == list(range(len(KEYS)))
    assert TABLE.inverse().rename(ours) == theirs


def test_order_of_the_rows_does_not_matter():
    backwards = KeyTable(reversed(TABLE.rows))
    assert list(backwards.rename(tensors(KEYS))) == list(KEYS.values())


@pytest.mark.parametrize('key', ['header.weight', 'my.head.weight', 'encoder.layers', 'encoder_layers.0.norm'])
def test_unknown_key(key):
    with pytest.raises(ValueError, match=f'unknown key {key!r}'):
        TABLE.rename(tensors([key]))


def test_two_keys_become_one():
    table = KeyTable([('a', 'c'), ('b', 'c')])
    with pytest.raises(ValueError, match=r"two keys become 'c\.weight'; the second is 'b\.weight'"):
        table.rename(tensors(['a.weight', 'b.weight']))


def test_rows_of_a_module():
    assert under('a.*', 'b', [('c', 'd'), ('e.*', 'f.*')]) == (('a.*.c', 'b.d'), ('a.*.e.*', 'b.f.*'))


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
