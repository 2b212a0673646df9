import pytest
import torch
from mmdet.models.backbones.resnet import ResNet as ResNetOfMMDet
from torch import nn

from mmoneformer.models.backbones.resnet import ResNet

SMALL = dict(stem_channels=6, base_channels=4)


def pair(**settings):
    """Ours and mmdet's, with the same weights and statistics of batches that are not 0 and 1."""
    ours, theirs = ResNet(**SMALL, **settings), ResNetOfMMDet(**SMALL, **settings)
    weights = {
        key: tensor.clamp(min=1e-3) if key.endswith('running_var') else tensor
        for key, tensor in (
            (key, torch.rand_like(t) if t.is_floating_point() else t) for key, t in ours.state_dict().items()
        )
    }
    for network in (ours, theirs):
        network.load_state_dict(weights)
    return ours, theirs


@pytest.mark.parametrize('depth', [18, 50])
@pytest.mark.parametrize('norm_eval', [False, True])
def test_maps_and_statistics_equal_those_of_mmdet(depth, norm_eval):
    images = torch.rand(2, 3, 64, 96)
    networks = pair(depth=depth, norm_eval=norm_eval)
    for mode in (True, False):
        for network in networks:
            network.train(mode)
        ours, theirs = ([*network(images)] for network in networks)
        assert len(ours) == 4
        torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(*(network.state_dict() for network in networks))


@pytest.mark.parametrize('depth', [34, 101, 152])
def test_weights_have_the_names_and_shapes_of_mmdet(depth):
    with torch.device('meta'):
        ours, theirs = (
            {key: tensor.shape for key, tensor in kind(depth=depth, **SMALL).state_dict().items()}
            for kind in (ResNet, ResNetOfMMDet)
        )
    assert ours == theirs


@pytest.mark.parametrize('depth', [18, 50])
def test_initialization_is_that_of_mmdet(depth):
    states = []
    for kind in (ResNet, ResNetOfMMDet):
        torch.manual_seed(1)
        network = kind(depth=depth, **SMALL)
        network.init_weights()
        states.append(network.state_dict())
    torch.testing.assert_close(*states, rtol=0, atol=0)
    assert not states[0]['layer2.1.bn2.weight' if depth == 18 else 'layer2.1.bn3.weight'].any()


def test_initialization_may_be_stated():
    network = ResNet(depth=18, **SMALL, init_cfg=dict(type='Constant', val=2, layer='BatchNorm2d'))
    network.init_weights()
    assert (network.layer1[0].bn2.weight == 2).all()


@pytest.mark.parametrize('frozen_stages', [-1, 0, 1, 4])
def test_frozen_stages_are_those_of_mmdet(frozen_stages):
    states = []
    for network in pair(depth=18, frozen_stages=frozen_stages, norm_eval=False):
        network.train()
        trained = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
        modes = {name: part.training for name, part in network.named_modules() if type(part) is nn.BatchNorm2d}
        states.append((trained, modes))
    assert states[0] == states[1]


def test_a_frozen_norm_stays_so_when_it_is_converted():
    """``sync_bn='torch'`` in a config of mmengine converts the norms of a model, which replaces them."""
    network = ResNet(depth=18, **SMALL, frozen_stages=0, norm_eval=False)
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(network).train()
    assert not converted.bn1.training
    assert converted.layer1[0].bn1.training


@pytest.mark.parametrize('requires_grad', [True, False])
@pytest.mark.parametrize('kind', ['BN', 'SyncBN'])
def test_norms(kind, requires_grad):
    network = ResNet(depth=18, **SMALL, norm_cfg=dict(type=kind, requires_grad=requires_grad))
    norms = [part for part in network.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    assert len(norms) == 1 + 8 * 2 + 4  # in the stem, in the blocks, and where the size changes
    assert {type(norm) for norm in norms} == {dict(BN=nn.BatchNorm2d, SyncBN=nn.SyncBatchNorm)[kind]}
    assert {parameter.requires_grad for norm in norms for parameter in norm.parameters()} == {requires_grad}


def test_recomputation_changes_no_gradient():
    images, gradients = torch.rand(1, 3, 64, 32), []
    plain, _ = pair(depth=18)
    recomputing = ResNet(depth=18, with_cp=True, **SMALL)
    recomputing.load_state_dict(plain.state_dict())
    for network in (plain, recomputing):
        sum(part.sum() for part in network(images)).backward()
        gradients.append({name: parameter.grad for name, parameter in network.named_parameters()})
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(depth=20), 'ResNet has a depth of 18, 34, 50, 101, 152, got 20'),
        (dict(depth=18, frozen_stages=5), r'frozen_stages must be from -1 \(none\) to 4 \(all\), got 5'),
        (dict(depth=18, norm_cfg=dict(type='GN')), "got 'GN': mmdet.ResNet takes others"),
    ],
)
def test_arguments_out_of_range(settings, message):
    with pytest.raises(ValueError, match=message):
        ResNet(**settings)
