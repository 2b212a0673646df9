"""Points at which masks are compared, instead of all pixels (PointRend, arXiv 1912.08193, section 3)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmoneformer.models.ops.dispatch import masks_per_step

OVERSAMPLE_RATIO = 3
IMPORTANCE_RATIO = 0.75


def read_points(maps: Tensor, points: Tensor) -> Tensor:
    """Sample maps bilinearly at points, with zeros outside of the maps.

    Args:
        maps: [M, C, H, W].
        points: (x, y) in 0..1 of the maps, [M, P, 2].

    Returns:
        [M, C, P].
    """
    return F.grid_sample(maps, 2 * points[:, :, None] - 1, align_corners=False).squeeze(-1)


@torch.no_grad()
def uncertain_points(logits: Tensor, num_points: int) -> Tensor:
    """Choose points where masks are uncertain (PointRend, section 3.1).

    Three quarters of them are the most uncertain (logit closest to 0) of three times as many random points as P, and
    the others are random.

    Args:
        logits: Mask logits, [M, 1, H, W].
        num_points: P.

    Returns:
        (x, y) in 0..1, [M, P, 2].
    """
    num_chosen = int(IMPORTANCE_RATIO * num_points)
    chosen = [_most_uncertain(part, num_points, num_chosen) for part in logits.split(masks_per_step(logits))]
    others = torch.rand(len(logits), num_points - num_chosen, 2, device=logits.device)
    return torch.cat((torch.cat(chosen), others), dim=1)


def _most_uncertain(logits: Tensor, num_points: int, num_chosen: int) -> Tensor:
    candidates = torch.rand(len(logits), num_points * OVERSAMPLE_RATIO, 2, device=logits.device)
    uncertainty = read_points(logits, candidates).squeeze(1).abs_().neg_()
    chosen = uncertainty.topk(num_chosen, dim=1, sorted=False).indices
    return candidates.gather(1, chosen[..., None].expand(-1, -1, 2))
