import pytest
import torch

from mmoneformer.checkpoints.backbones.resnet import RESNET, add_batch_counters
from mmoneformer.checkpoints.state_dict import WeightShapes
from mmoneformer.models.backbones.resnet import ResNet


def shapes_of(**arguments):
    weights = ResNet(**arguments).state_dict()
    return WeightShapes({f'backbone.{key}': tensor for key, tensor in weights.items()})


@pytest.mark.parametrize('depth', [18, 34, 50, 101, 152])
def test_arguments(depth):
    with torch.device('meta'):
        shapes = shapes_of(depth=depth, stem_channels=6, base_channels=2)
    RESNET.check(shapes)
    arguments = RESNET.read_arguments(shapes)
    assert (arguments['depth'], arguments['stem_channels'], arguments['base_channels']) == (depth, 6, 2)


def test_another_number_of_blocks():
    weights = {f'backbone.layer{stage}.0.conv1.weight': torch.zeros(1) for stage in (1, 2, 3, 4)}
    with pytest.raises(ValueError, match=r'\[1, 1, 1, 1\] basic blocks is none of ResNet-18, ResNet-34, ResNet-50'):
        RESNET.read_arguments(WeightShapes(weights))


@pytest.mark.parametrize(
    ('depth', 'kind', 'sizes', 'depths'),
    [(18, 'basic', [8, 16, 32, 64], [2, 2, 2, 2]), (101, 'bottleneck', [32, 64, 128, 256], [3, 4, 23, 3])],
)
def test_hugging_face_config(depth, kind, sizes, depths):
    found = RESNET.hugging_face.write_config(dict(depth=depth, stem_channels=16, base_channels=8))
    assert found['layer_type'] == kind
    assert (found['embedding_size'], found['hidden_sizes'], found['depths']) == (16, sizes, depths)


def test_batch_counters_are_added_where_they_are_missing():
    weights = {'a.running_mean': torch.ones(2), 'b.running_mean': torch.ones(2), 'b.num_batches_tracked': 7}
    added = add_batch_counters(weights)
    assert (added['a.num_batches_tracked'], added['b.num_batches_tracked']) == (0, 7)
    assert len(weights) == 3
