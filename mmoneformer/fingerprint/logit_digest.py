"""What a model answers to the drawn image, as two numbers for each query of each task."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from mmoneformer.export.verification import predict
from mmoneformer.fingerprint.drawn_image import drawn_image
from mmoneformer.models import OneFormer

# Two computations of the same logits differ by rounding. Where one is zero but for rounding, a query looks at another
# pixel in the next layer, and its logits differ by more: so not all queries must agree, but most.
TOLERANCE = 1e-3  # relative to the largest number of its kind, or to 1 if that is smaller
CLOSE = 0.75  # of the queries of a task
DECIMALS = 5

Digest = Mapping[str, Sequence[float]]  # ``class`` and ``mask``: a number for each query


@torch.no_grad()
def digest_logits(model: OneFormer) -> dict[str, Digest]:
    """Compute the digest of each task of a model, on the CPU and in float32.

    Args:
        model: The model, on the CPU and in evaluation mode.

    Raises:
        ValueError: If a logit is not a finite number.
    """
    image = torch.from_numpy(drawn_image()).permute(2, 0, 1)[None].float()
    tasks = list(model.panoptic_head.task_token.tasks)
    class_logits, mask_logits = (part[0] for part in predict(model, image, tasks))
    if not (class_logits.isfinite().all() and mask_logits.isfinite().all()):
        raise ValueError('the logits of the drawn image are not finite: the weights are damaged')
    return {
        task: {'class': _rounded(project_classes(classes)), 'mask': _rounded(project_masks(masks))}
        for task, classes, masks in zip(tasks, class_logits, mask_logits, strict=True)
    }


def project_classes(class_logits: Tensor) -> Tensor:
    """Weight the classes by a wave: from class logits [Q, K + 1] to [Q]."""
    count = class_logits.shape[1]
    return class_logits.double() @ torch.arange(count).double().cos() / count**0.5


def project_masks(mask_logits: Tensor) -> Tensor:
    """Average with weights that grow to the right and, faster, to the bottom: from mask logits [Q, H, W] to [Q]."""
    rows, columns = (torch.linspace(0, 1, size, dtype=torch.float64) for size in mask_logits.shape[1:])
    weights = 1 + 2 * rows[:, None] + columns
    return (mask_logits.double() * weights).mean((1, 2))


def count_different(found: Digest, recorded: Digest) -> int:
    """Count the queries that differ by more than the tolerance; both digests have the same number of queries."""
    differs = np.zeros(len(found['class']), bool)
    for kind in ('class', 'mask'):
        one, other = (np.array(digest[kind]) for digest in (found, recorded))
        differs |= abs(one - other) > TOLERANCE * max(1.0, abs(other).max(initial=0))
    return int(differs.sum())


def is_close(found: Digest, recorded: Digest) -> bool:
    """Whether two digests of a task are equal but for rounding."""
    return count_different(found, recorded) <= (1 - CLOSE) * len(found['class'])


def _rounded(values: Tensor) -> list[float]:
    return [round(value, DECIMALS) for value in values.tolist()]
