import re
import runpy
from pathlib import Path

import pytest
import torch

from mmoneformer.models.backbones.timm_backbone import TimmBackbone
from mmoneformer.models.backbones.timm_models import import_timm

MAIN = runpy.run_path(str(Path(__file__).parents[2] / 'tools' / 'convert_efficientnet_lite.py'))['main']
PARTS = {  # by the number of convolutions in a block, in timm's order
    2: ['_depthwise_conv', '_bn1', '_project_conv', '_bn2'],
    3: ['_expand_conv', '_bn0', '_depthwise_conv', '_bn1', '_project_conv', '_bn2'],
}
OUTSIDE = {'conv_stem': '_conv_stem', 'bn1': '_bn0', 'conv_head': '_conv_head', 'bn2': '_bn1', 'classifier': '_fc'}


def their_names(net):
    """State dict of a network of timm under the names of EfficientNet-PyTorch."""
    blocks = [block for stage in net.blocks for block in stage]
    weights = {}
    for number, block in enumerate(blocks):
        parts = [part for _, part in block.named_children() if list(part.parameters())]
        for name, part in zip(PARTS[len(parts) // 2], parts, strict=True):
            weights |= {f'_blocks.{number}.{name}.{kind}': value for kind, value in part.state_dict().items()}
    for name, theirs in OUTSIDE.items():
        weights |= {f'{theirs}.{kind}': value for kind, value in net.get_submodule(name).state_dict().items()}
    return weights


@pytest.fixture(scope='module')
def net():
    torch.manual_seed(0)
    net = import_timm().create_model('tf_efficientnet_lite0').eval()
    for tensor in net.state_dict().values():
        if tensor.is_floating_point():
            tensor += 0.01 * torch.rand_like(tensor)
    return net


@torch.no_grad()
def test_the_backbone_gets_the_weights(net, tmp_path):
    source, target = tmp_path / 'theirs.pth', tmp_path / 'timm.pth'
    torch.save(their_names(net), source)
    assert MAIN([str(source), str(target)]) == 0
    backbone = TimmBackbone(model='tf_efficientnet_lite0', checkpoint=str(target))
    backbone.init_weights()
    images = torch.randn(1, 3, 64, 96)
    expected = net.forward_intermediates(images, intermediates_only=True)[1:]
    for output, wanted in zip(backbone.eval()(images), expected, strict=True):
        torch.testing.assert_close(output, wanted)


def test_other_files_are_named(net, tmp_path, capsys):
    torch.save(net.state_dict(), tmp_path / 'timm.pth')
    assert MAIN([str(tmp_path / 'timm.pth'), str(tmp_path / 'out.pth')]) == 1
    assert MAIN([str(tmp_path / 'none.pth'), str(tmp_path / 'out.pth')]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert re.search(r"error: '\S+' is no weight of an EfficientNet-Lite: use those of", first)
    assert 'none.pth' in second
    assert not (tmp_path / 'out.pth').exists()
