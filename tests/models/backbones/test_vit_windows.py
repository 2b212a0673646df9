from functools import partial

import pytest
import torch

from mmoneformer.models.backbones.timm_models import import_timm
from mmoneformer.models.backbones.timm_vit import TimmViT
from mmoneformer.models.backbones.vit_windows import PatchWindows, global_blocks, windowed_map

IMAGES = (2, 3, 96, 160)  # 6 x 10 patches
KINDS = ['test_vit', 'test_vit2', 'vit_tiny_patch16_dinov3_qkvb']  # class token, register, both and rotary positions


@pytest.fixture(params=KINDS)
def backbone(request, monkeypatch):
    """Of two blocks, as shallow as can be: the first attends within windows."""
    timm = import_timm()
    monkeypatch.setattr(timm, 'create_model', partial(timm.create_model, depth=2))
    monkeypatch.setattr('mmoneformer.models.backbones.vit_windows.NUM_GLOBAL', 1)
    backbone = TimmViT(model=request.param, window=4).eval()
    for parameter in backbone.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return backbone


def embed(net, images):
    tokens = net._pos_embed(net.patch_embed(images))
    return tokens if isinstance(tokens, tuple) else (tokens, None)


@torch.no_grad()
@pytest.mark.parametrize('window', [10, 16])
def test_a_window_as_large_as_the_map_changes_nothing(backbone, window):
    images = torch.randn(IMAGES)
    (expected,) = backbone.net.forward_intermediates(images, indices=1, norm=True, intermediates_only=True)
    torch.testing.assert_close(windowed_map(backbone.net, images, window), expected, atol=1e-4, rtol=1e-4)
    assert torch.equal(backbone(images)[2], windowed_map(backbone.net, images, 4))


@torch.no_grad()
@pytest.mark.parametrize('window', [2, 4])
def test_windows_equal_the_block_on_each_crop(backbone, window):
    """Of 2 x 2 and 4 x 4 patches; the latter leave 2 rows and 2 columns, which are attended to without padding."""
    net, images = backbone.net, torch.randn(IMAGES)
    tokens, rotation = embed(net, images)
    count = net.num_prefix_tokens
    prefix, patches = tokens[:, :count], tokens[:, count:].unflatten(1, (6, 10))
    grid = None if rotation is None else rotation.unflatten(0, (6, 10))
    expected, copies = torch.zeros_like(patches), []
    for row in range(0, 6, window):
        for column in range(0, 10, window):
            crop = (slice(row, row + window), slice(column, column + window))
            inputs = torch.cat((prefix, patches[:, crop[0], crop[1]].flatten(1, 2)), dim=1)
            rope = {} if grid is None else dict(rope=grid[crop].flatten(0, 1))
            output = net.blocks[0](inputs, **rope)
            copies.append(output[:, :count])
            expected[:, crop[0], crop[1]] = output[:, count:].unflatten(1, patches[:, crop[0], crop[1]].shape[1:3])
    joined = torch.cat((torch.stack(copies).mean(dim=0), expected.flatten(1, 2)), dim=1)
    rope = {} if rotation is None else dict(rope=rotation)
    last = net.norm(net.blocks[1](joined, **rope))[:, count:].mT.unflatten(2, (6, 10))
    torch.testing.assert_close(windowed_map(net, images, window), last, atol=1e-4, rtol=1e-4)


def test_gradients_reach_all_and_recomputation_changes_none(backbone):
    images, gradients = torch.randn(1, 3, 96, 160), []
    for recompute in (False, True):
        backbone.zero_grad()
        backbone.net.set_grad_checkpointing(recompute)
        sum(output.square().mean() for output in backbone(images)).backward()
        gradients.append({name: parameter.grad for name, parameter in backbone.named_parameters()})
    assert all(gradient is not None and gradient.any() for gradient in gradients[0].values())
    torch.testing.assert_close(gradients[1], gradients[0])


@pytest.mark.parametrize(('depth', 'expected'), [(12, {2, 5, 8, 11}), (24, {5, 11, 17, 23}), (6, {0, 2, 3, 5})])
def test_four_blocks_attend_to_the_whole_image(depth, expected):
    """For 12 and 24 blocks as in the paper."""
    assert global_blocks(depth) == expected


def test_tokens_come_back_to_their_places():
    windows = PatchWindows(2, (5, 7), window=3, num_prefix=2, device=torch.device('cpu'))
    tokens = torch.randn(2, 2 + 35, 4)
    divided = windows.divide(tokens)
    assert divided.shape == (2 * 6, 2 + 9, 4)
    assert torch.equal(divided[0, 2:5], tokens[0, 2:5])  # the first three patches of the first row
    assert windows.mask().sum() == 2 * (6 * 2 + 35)
    torch.testing.assert_close(windows.join(divided, tokens), tokens)


def test_negative_windows_are_refused():
    with pytest.raises(ValueError, match='window is -1: it is the side of a window in patches, or 0'):
        TimmViT(model='test_vit', window=-1)


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize('model', ['test_vit', 'vit_tiny_patch16_dinov3_qkvb'])
def test_a_graph_for_all_sizes(model):
    from torch.export import Dim, export

    backbone = TimmViT(model=model, window=4).eval()
    sizes = {0: Dim('batch', min=1), 2: 32 * Dim('rows', min=1), 3: 32 * Dim('columns', min=1)}
    graph = export(backbone, (torch.zeros(2, 3, 96, 160),), dynamic_shapes=(sizes,), strict=False).module()
    for shape in ((1, 3, 64, 64), (3, 3, 128, 192)):
        images = torch.randn(shape)
        for output, expected in zip(graph(images), backbone(images), strict=True):
            torch.testing.assert_close(output, expected, atol=1e-4, rtol=1e-4)
