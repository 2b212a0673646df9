"""Backbones whose checkpoints can be converted, each with all that conversion knows of it in one module."""

from mmoneformer.checkpoints.backbones.convertible_backbone import (
    ConvertibleBackbone,
    ForeignKeys,
    HuggingFaceBackbone,
)
from mmoneformer.checkpoints.backbones.convnext import CONVNEXT
from mmoneformer.checkpoints.backbones.dinat import DINAT
from mmoneformer.checkpoints.backbones.resnet import RESNET
from mmoneformer.checkpoints.backbones.swin import SWIN

BACKBONES: dict[str, ConvertibleBackbone] = {  # by the type in a config; more can be added
    'SwinTransformer': SWIN,
    'DiNAT': DINAT,
    'ConvNeXt': CONVNEXT,
    'ResNet': RESNET,
    'mmdet.ResNet': RESNET,
}

__all__ = ['BACKBONES', 'ConvertibleBackbone', 'ForeignKeys', 'HuggingFaceBackbone']
