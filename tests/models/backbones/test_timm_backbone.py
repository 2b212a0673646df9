import pytest
import torch
from torch import nn

from mmoneformer.models.backbones.timm_backbone import TimmBackbone
from mmoneformer.models.backbones.timm_models import import_timm

INDICES = {'test_efficientnet': (1, 2, 3, 4), 'test_convnext2': (0, 1, 2, 3)}


def their_maps(model, state, images):
    """Of the library called directly."""
    net = import_timm().create_model(model, features_only=True).eval()
    net.load_state_dict({name.removeprefix('net.'): value for name, value in state.items()})
    return net(images)


@torch.no_grad()
@pytest.mark.parametrize(('model', 'indices'), INDICES.items(), ids=INDICES)
def test_maps_equal_those_of_timm(model, indices):
    backbone, images = TimmBackbone(model=model).eval(), torch.randn(2, 3, 64, 96)
    theirs = their_maps(model, backbone.state_dict(), images)
    maps = backbone(images)
    assert [tuple(output.shape[2:]) for output in maps] == [(64 // s, 96 // s) for s in (4, 8, 16, 32)]
    for output, index in zip(maps, indices, strict=True):
        assert torch.equal(output, theirs[index])


@torch.no_grad()
def test_channels_come_first():
    """Where timm gives maps [B, H, W, C]."""
    backbone, images = TimmBackbone(model='test_mambaout').eval(), torch.randn(1, 3, 64, 96)
    for index, (output, theirs) in enumerate(zip(backbone(images), backbone.net(images), strict=True)):
        assert output.shape == (1, 16 * (index + 1), 16 >> index, 24 >> index)
        assert torch.equal(output, theirs.permute(0, 3, 1, 2))


@pytest.mark.slow
def test_swin_takes_any_size():
    maps = TimmBackbone(model='swin_tiny_patch4_window7_224')(torch.randn(1, 3, 64, 96))
    assert [output.shape[1:] for output in maps] == [(96 << i, 16 >> i, 24 >> i) for i in range(4)]


@pytest.mark.parametrize(
    ('model', 'strides', 'remedy'),
    [
        ('test_vit', r'\[16, 16, 16\], none of stride 4', "type='TimmViT'"),
        ('efficientvit_m0', r'\[16, 32, 64\], none of stride 4', 'such as convnextv2_tiny'),
    ],
)
def test_missing_strides_are_named(model, strides, remedy):
    with pytest.raises(ValueError, match=f'{model} of timm gives maps of strides {strides}: .*{remedy}'):
        TimmBackbone(model=model)


def frozen_names(backbone):
    return {name for name, parameter in backbone.named_parameters() if not parameter.requires_grad}


@pytest.mark.parametrize(
    ('count', 'frozen'),
    [(-1, ()), (0, ()), (1, ('stem', 'stages_0')), (3, ('stem', 'stages_0', 'stages_1', 'stages_2')), (4, ('',))],
)
def test_frozen_stages(count, frozen):
    backbone = TimmBackbone(model='test_convnext', drop_path_rate=0.9, frozen_stages=count)
    starts = tuple(f'net.{name}' for name in frozen)
    assert frozen_names(backbone) == {name for name, _ in backbone.named_parameters() if name.startswith(starts)}
    for name, module in backbone.train().named_modules():
        if name.endswith('drop_path'):
            assert module.training is not name.startswith(starts)


def test_frozen_stages_beyond_are_refused():
    with pytest.raises(ValueError, match=r'frozen_stages must be from -1 \(none\) to 4 \(all\), got 5'):
        TimmBackbone(model='test_resnet', frozen_stages=5)


def test_freezing_leaves_the_statistics_as_they_are():
    backbone = TimmBackbone(model='test_resnet', frozen_stages=2)
    assert backbone.net.bn1.num_batches_tracked == 0
    assert backbone.net.layer4.training


@pytest.mark.parametrize('norm_eval', [True, False])
def test_batch_norms_in_evaluation_mode(norm_eval):
    backbone = TimmBackbone(model='test_resnet', norm_eval=norm_eval).train()
    norms = [module for module in backbone.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == 15
    assert all(norm.training is not norm_eval for norm in norms)
    assert backbone.net.layer1.training


def test_recomputation_changes_no_gradient():
    plain, recomputing = TimmBackbone(model='test_resnet'), TimmBackbone(model='test_resnet', with_cp=True)
    recomputing.load_state_dict(plain.state_dict())
    images, kept = torch.randn(1, 3, 64, 32), {}
    for backbone in (plain, recomputing):
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor, sizes=sizes: sizes.append(tensor.numel()) or tensor, lambda tensor: tensor
        ):
            loss = sum(output.square().mean() for output in backbone.eval()(images))
        loss.backward()
        kept[backbone] = sum(sizes)
    assert kept[recomputing] < 0.9 * kept[plain]
    expected = dict(plain.named_parameters())
    for name, parameter in recomputing.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name].grad)


def test_blocks_are_recomputed_where_timm_can():
    net = TimmBackbone(model='test_convnext', with_cp=True).net
    assert [net.grad_checkpointing, *(net[f'stages_{index}'].grad_checkpointing for index in range(4))] == [
        False,
        *[True] * 4,
    ]


def test_what_a_model_lacks_is_named():
    with pytest.raises(ValueError, match='repvit_m0_9 of timm does not take drop_path_rate: leave it out'):
        TimmBackbone(model='repvit_m0_9', drop_path_rate=0.1)
    with pytest.raises(ValueError, match='hrnet_w18_small of timm has no gradient checkpointing'):
        TimmBackbone(model='hrnet_w18_small', with_cp=True)


def test_vectors_have_no_weight_decay():
    backbone = TimmBackbone(model='test_convnext')
    exempt = backbone.no_weight_decay()
    assert {'net.stem_0.bias', 'net.stages_0.blocks.0.norm.weight', 'net.stages_0.blocks.0.mlp.fc1.bias'} <= exempt
    assert not exempt & {'net.stem_0.weight', 'net.stages_0.blocks.0.mlp.fc1.weight'}


def test_a_training_step_and_a_prediction(build_model, train_batch):
    model = build_model(
        backbone=dict(type='TimmBackbone', model='test_efficientnet_evos', drop_path_rate=0.1, norm_eval=True),
        data_preprocessor=dict(type='mmdet.DetDataPreprocessor', bgr_to_rgb=True),
    ).train()
    assert model.data_preprocessor.mean.flatten().tolist() == [127.5] * 3  # as timm's record has it
    sum(loss for name, loss in model(**train_batch, mode='loss').items() if 'loss' in name).backward()
    assert all(parameter.grad is not None for parameter in model.backbone.parameters())
    logits = model.eval()(torch.randn(1, 3, 64, 96), mode='tensor')
    assert logits['panoptic'][1].shape == (1, 12, 16, 24)
