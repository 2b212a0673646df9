import torch

from mmoneformer.checkpoints.patch_merging import to_channels_first, to_neighbors_first

KEY = 'backbone.stages.0.downsample.reduction.weight'


def test_one_patch_of_two_channels():
    """The authors' order: top left, bottom left, top right, bottom right, channels inside; tens go row by row."""
    theirs = torch.tensor([[0, 1, 20, 21, 10, 11, 30, 31]])
    assert to_channels_first({KEY: theirs})[KEY].tolist() == [[0, 10, 20, 30, 1, 11, 21, 31]]


def test_back():
    weights = {KEY: torch.randn(6, 12), KEY.replace('reduction', 'norm'): torch.randn(12)}
    there = to_channels_first(weights)
    assert not torch.equal(there[KEY], weights[KEY])
    back = to_neighbors_first(there)
    assert all(torch.equal(back[key], weights[key]) for key in weights)


def test_other_weights_stay():
    weights = {
        'backbone.levels.0.downsample.reduction.weight': torch.randn(4, 2, 3, 3),
        'a.downsample.b': torch.ones(4),
    }
    for convert in (to_channels_first, to_neighbors_first):
        assert all(convert(weights)[key] is weights[key] for key in weights)
