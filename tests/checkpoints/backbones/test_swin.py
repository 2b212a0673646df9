import torch
import torch.nn.functional as F
from mmdet.models.layers import PatchMerging

from mmoneformer.checkpoints.backbones.swin import to_channels_first, to_neighbors_first
from mmoneformer.checkpoints.official import from_official

KEY = 'backbone.stages.0.downsample.reduction.weight'
MERGING = 'backbone.layers.0.downsample'


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
    weights = {'backbone.stages.0.blocks.0.norm1.weight': torch.randn(4), 'a.downsample.b': torch.ones(4)}
    for convert in (to_channels_first, to_neighbors_first):
        assert all(convert(weights)[key] is weights[key] for key in weights)


def official_merging(image, weights):
    """Swin's patch merging as its authors wrote it: [B, H, W, C] -> [B, H / 2, W / 2, 2 * C]."""
    corners = (image[:, 0::2, 0::2], image[:, 1::2, 0::2], image[:, 0::2, 1::2], image[:, 1::2, 1::2])
    merged = torch.cat(corners, dim=-1)
    scale, shift = weights[f'{MERGING}.norm.weight'], weights[f'{MERGING}.norm.bias']
    normed = F.layer_norm(merged, merged.shape[-1:], scale, shift)
    return normed @ weights[f'{MERGING}.reduction.weight'].T


def test_patch_merging_of_mmdet_with_converted_weights_is_the_official_one():
    """Theirs puts the four neighbors column by column before the channels, mmdet's the channels first, by rows."""
    channels = 3
    weights = {
        f'{MERGING}.reduction.weight': torch.randn(2 * channels, 4 * channels),
        f'{MERGING}.norm.weight': torch.randn(4 * channels),
        f'{MERGING}.norm.bias': torch.randn(4 * channels),
    }
    merging = PatchMerging(channels, 2 * channels)
    prefix = 'backbone.stages.0.downsample.'
    merging.load_state_dict({key.removeprefix(prefix): tensor for key, tensor in from_official(weights).items()})
    image = torch.randn(2, 4, 6, channels)
    found, size = merging(image.flatten(1, 2), (4, 6))
    assert size == (2, 3)
    torch.testing.assert_close(found.unflatten(1, size), official_merging(image, weights))
