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
    """Pulls the object queries of an image towards its own texts, and away from those of the other images.

    The images of all processes are compared, and all must have the same number of them. With a single image, the loss
    is zero.

    Shapes: B images of this process, Q queries, C width.

    Args:
        temperature: Initial temperature; its inverse, the scale of the logits, is learned.
        weight: Weight of the loss.
    """

    def __init__(self, *, temperature: float = 0.07, weight: float = 0.5) -> None:
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / temperature)))
        self.weight = weight

    def no_weight_decay(self) -> set[str]:
        """Name the parameters without weight decay (timm's convention)."""
        return {'logit_scale'}

    def forward(self, queries: Tensor, texts: Tensor) -> Tensor:
        """Weighted cross-entropy from queries to texts plus that from texts to queries.

        Args:
            queries: Object queries of the query initializer, [B, Q, C].
            texts: Text queries, [B, Q, C].

        Returns:
            A scalar, float32 also under autocast.
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
    """Concatenates the rows of all processes by rank; gradients flow back to the process of each row."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.count = len(rows)
        return torch.cat(all_gather(rows.contiguous()))

    @staticmethod
    def backward(ctx: Any, grad_rows: Tensor) -> Tensor:
        grad_rows = grad_rows.contiguous()
        all_reduce(grad_rows)
        return grad_rows.narrow(0, ctx.count * get_rank(), ctx.count)


@functools.cache
def _warn_of_single_image() -> None:
    print_log(
        'the contrastive loss is 0: it needs at least 2 images in the batch of all processes, got 1',
        logger='current',
        level=logging.WARNING,
    )
