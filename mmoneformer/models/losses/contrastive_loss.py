"""Query-text contrastive loss (paper section 3.3)."""

import functools
import logging
import math
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.dist import all_gather, all_reduce, get_rank, get_world_size
from mmengine.logging import print_log
from torch import Tensor, nn

from mmoneformer.models.ops.dispatch import full_precision
from mmoneformer.registry import MODELS

MAX_SCALE = 100


@MODELS.register_module()
class QueryTextContrastiveLoss(nn.Module):
    """Pulls each image's object queries to its own texts and away from those of the other images.

    With one image over all processes there is nothing to tell apart, and the loss is zero. All processes must have
    the same number of images.

    Shapes: B images of this process, Q queries, C width.

    Args:
        temperature: Initial one; the scale of the logits, its inverse, is learned.
        weight: Of the loss.
    """

    def __init__(self, *, temperature: float = 0.07, weight: float = 0.5) -> None:
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / temperature)))
        self.weight = weight

    def forward(self, queries: Tensor, texts: Tensor) -> Tensor:
        """Cross-entropy both ways over the images of all processes, weighted.

        Args:
            queries: Initial object queries, [B, Q, C].
            texts: Text queries, [B, Q, C].
        """
        if len(queries) * get_world_size() == 1:
            _warn_of_single_image()
        with full_precision(queries):
            image = F.normalize(queries.float().flatten(1), dim=-1)
            text = F.normalize(texts.float().flatten(1), dim=-1)
            labels = torch.arange(len(image), device=image.device) + len(image) * get_rank()
            scale = self.logit_scale.exp().clamp(max=MAX_SCALE)
            image_loss = F.cross_entropy(scale * image @ _Gather.apply(text).T, labels)
            text_loss = F.cross_entropy(scale * text @ _Gather.apply(image).T, labels)
            return self.weight * (image_loss + text_loss)


class _Gather(torch.autograd.Function):
    """Rows of all processes, in the order of their ranks; gradients flow back to the process that owns a row."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.count = len(rows)
        return torch.cat(all_gather(rows.contiguous()))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        gradient = gradient.contiguous()
        all_reduce(gradient)
        return gradient.narrow(0, ctx.count * get_rank(), ctx.count)


@functools.cache
def _warn_of_single_image() -> None:
    print_log(
        'the contrastive loss is 0: it needs 2 images or more in a batch over all processes, and there is 1',
        logger='current',
        level=logging.WARNING,
    )
