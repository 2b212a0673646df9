"""The network, its losses and its post-processing."""

from mmoneformer.models.backbones import ConvNeXt, DiNAT, SwinTransformer, TimmBackbone, TimmViT, TransformersViT
from mmoneformer.models.data_preprocessor import OneFormerDataPreprocessor
from mmoneformer.models.losses import MaskSetLoss, QueryTextContrastiveLoss
from mmoneformer.models.oneformer import OneFormer
from mmoneformer.models.oneformer_head import OneFormerHead
from mmoneformer.models.pixel_decoder import MSDeformAttnPixelDecoder
from mmoneformer.models.semantic_tta import SemanticTTA
from mmoneformer.models.text import TextEncoder, TextMapper

__all__ = [
    'ConvNeXt',
    'DiNAT',
    'MSDeformAttnPixelDecoder',
    'MaskSetLoss',
    'OneFormer',
    'OneFormerDataPreprocessor',
    'OneFormerHead',
    'QueryTextContrastiveLoss',
    'SemanticTTA',
    'SwinTransformer',
    'TextEncoder',
    'TextMapper',
    'TimmBackbone',
    'TimmViT',
    'TransformersViT',
]
