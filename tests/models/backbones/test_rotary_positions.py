import pytest
import torch
from torch.export import Dim, export

from mmoneformer.models.backbones.rotary_positions import RotaryPositions, use_rotary_positions
from mmoneformer.models.backbones.timm_models import import_timm
from mmoneformer.models.backbones.timm_vit import TimmViT


@pytest.fixture
def net():
    return import_timm().create_model('vit_tiny_patch16_dinov3_qkvb', depth=1)


@pytest.mark.parametrize('shape', [(4, 6), (37, 5)])
def test_equal_those_of_timm(net, shape):
    expected = net.rope.get_embed(shape)
    use_rotary_positions(net)
    assert isinstance(net.rope, RotaryPositions)
    torch.testing.assert_close(net.rope.get_embed(shape), expected, atol=1e-5, rtol=1e-5)
    assert 'rope.periods' not in net.state_dict()


def test_other_embeddings_are_left(net):
    net.rope.grid_offset = 0.5
    use_rotary_positions(net)
    assert not isinstance(net.rope, RotaryPositions)
    eva = import_timm().create_model('eva02_tiny_patch14_224', depth=1)
    before = eva.rope
    use_rotary_positions(eva)
    assert eva.rope is before


@pytest.mark.slow
@torch.no_grad()
def test_dinov3_is_exported_for_any_size():
    backbone = TimmViT(model='vit_tiny_patch16_dinov3_qkvb').eval()
    sizes = {2: 32 * Dim('rows', min=1), 3: 32 * Dim('columns', min=1)}
    graph = export(backbone, (torch.zeros(2, 3, 96, 160),), dynamic_shapes=(sizes,), strict=False).module()
    images = torch.randn(2, 3, 64, 128)
    for output, expected in zip(graph(images), backbone(images), strict=True):
        torch.testing.assert_close(output, expected, atol=1e-4, rtol=1e-4)
