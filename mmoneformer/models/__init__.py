"""The network, its losses and its post-processing."""

from mmoneformer.models.backbones.convnext import ConvNeXt
from mmoneformer.models.backbones.dinat import DiNAT
from mmoneformer.models.backbones.swin import SwinTransformer
from mmoneformer.models.losses.contrastive_loss import QueryTextContrastiveLoss
from mmoneformer.models.losses.mask_set_loss import MaskSetLoss
from mmoneformer.models.oneformer import OneFormer
from mmoneformer.models.oneformer_head import OneFormerHead
from mmoneformer.models.pixel_decoder import MSDeformAttnPixelDecoder
from mmoneformer.models.semantic_tta import SemanticTTA
from mmoneformer.models.text.text_encoder import TextEncoder
from mmoneformer.models.text.text_mapper import TextMapper

__all__ = [
    'ConvNeXt',
    'DiNAT',
    'MSDeformAttnPixelDecoder',
    'MaskSetLoss',
    'OneFormer',
    'OneFormerHead',
    'QueryTextContrastiveLoss',
    'SemanticTTA',
    'SwinTransformer',
    'TextEncoder',
    'TextMapper',
]
