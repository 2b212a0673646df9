"""Query-text contrastive loss (paper section 3.3)."""

import math

import torch
import torch.nn.functional as F
from mmengine.dist import get_rank, get_world_size
from torch import Tensor, nn
from torch.distributed.nn.functional import all_gather

from mmoneformer.registry import MODELS

MAX_SCALE = 100


@MODELS.register_module()
class QueryTextContrastiveLoss(nn.Module):
    """Pulls each image's object queries to its own texts and away from those of the other images.

    With one image over all processes there is nothing to tell apart, and the loss is zero.

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
        with torch.autocast(queries.device.type, enabled=False):
            image = F.normalize(queries.float().flatten(1), dim=-1)
            text = F.normalize(texts.float().flatten(1), dim=-1)
            labels = torch.arange(len(image), device=image.device) + len(image) * get_rank()
            scale = self.logit_scale.exp().clamp(max=MAX_SCALE)
            image_loss = F.cross_entropy(scale * image @ _gather(text).T, labels)
            text_loss = F.cross_entropy(scale * text @ _gather(image).T, labels)
            return self.weight * (image_loss + text_loss)


def _gather(rows: Tensor) -> Tensor:
    """Rows of all processes, in the order of their ranks; gradients flow back to each."""
    return rows if get_world_size() == 1 else torch.cat(all_gather(rows))
