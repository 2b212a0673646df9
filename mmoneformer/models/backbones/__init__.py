"""Backbones of the paper that mmdet does not have; each works in any mmdet or mmseg config."""

from mmoneformer.models.backbones.convnext import ConvNeXt
from mmoneformer.models.backbones.dinat import DiNAT
from mmoneformer.models.backbones.swin import SwinTransformer

__all__ = ['ConvNeXt', 'DiNAT', 'SwinTransformer']
