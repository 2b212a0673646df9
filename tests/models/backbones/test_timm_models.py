import sys

import pytest
import torch

from mmoneformer.models.backbones import timm_models
from mmoneformer.models.backbones.timm_models import build_timm, find_record


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('convnextv2_tinny', "has no model 'convnextv2_tinny'; similar names: 'convnextv2_tiny'"),
        ('dinov3', "has no model 'dinov3'.*timm.list_models"),
        ('hf-hub:someone/model', "has no model 'hf-hub:someone/model'"),
        ('resnet18.imagenet', "has no weights 'imagenet' of resnet18; it has 'resnet18.a1_in1k'"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(ValueError, match=message):
        find_record(name)


def test_records():
    assert find_record('tf_efficientnet_lite0').mean == (0.5, 0.5, 0.5)
    assert find_record('vit_large_patch16_dinov3.sat493m').mean == (0.430, 0.411, 0.296)


def test_without_timm(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, 'timm', raising=False)
    monkeypatch.setattr(sys, 'path', [str(tmp_path)])
    with pytest.raises(ImportError, match=r"need timm, which is not installed: pip install 'mmoneformer\[timm\]'"):
        timm_models.import_timm()


def test_arguments_that_a_model_lacks():
    """Swin takes images of one size unless asked; others do not know the question."""
    small = dict(features_only=True, embed_dim=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1))
    for name, arguments in (('test_resnet', dict(features_only=True)), ('swin_tiny_patch4_window7_224', small)):
        net = build_timm(name, **arguments, if_known=dict(dynamic_img_size=True))
        assert len(net(torch.zeros(1, 3, 64, 96))) == len(net.feature_info.channels())
    with pytest.raises(ValueError, match='test_resnet of timm does not take drop_paths: leave it out'):
        build_timm('test_resnet', drop_paths=0.1)
