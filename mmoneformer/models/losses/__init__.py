"""Losses of the predicted classes and masks, and between queries and texts."""

from mmoneformer.models.losses.contrastive_loss import QueryTextContrastiveLoss
from mmoneformer.models.losses.mask_set_loss import MaskSetLoss

__all__ = ['MaskSetLoss', 'QueryTextContrastiveLoss']
