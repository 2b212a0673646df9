"""Backbones of the paper, and networks of timm and transformers; each works in any mmdet config."""

from mmoneformer.models.backbones.convnext import ConvNeXt
from mmoneformer.models.backbones.dinat import DiNAT
from mmoneformer.models.backbones.resnet import ResNet
from mmoneformer.models.backbones.swin import SwinTransformer
from mmoneformer.models.backbones.timm_backbone import TimmBackbone
from mmoneformer.models.backbones.timm_vit import TimmViT
from mmoneformer.models.backbones.transformers_vit import TransformersViT

__all__ = ['ConvNeXt', 'DiNAT', 'ResNet', 'SwinTransformer', 'TimmBackbone', 'TimmViT', 'TransformersViT']
