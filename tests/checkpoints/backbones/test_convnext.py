import pytest
import torch

from mmoneformer.checkpoints.backbones.convnext import CONVNEXT
from mmoneformer.checkpoints.state_dict import WeightShapes


@pytest.mark.parametrize(('width', 'name'), [(192, 'convnext-l'), (256, 'convnext-xl')])
def test_arguments_and_name(width, name):
    blocks = {f'backbone.stages.{stage}.{block}.gamma': width * 2**stage for stage in range(4) for block in range(2)}
    shapes = WeightShapes({key: torch.empty(channels, device='meta') for key, channels in blocks.items()})
    arguments = CONVNEXT.read_arguments(shapes)
    assert arguments == dict(type='ConvNeXt', depths=[2] * 4, channels=[width * 2**stage for stage in range(4)])
    assert CONVNEXT.released_name(arguments) == name
