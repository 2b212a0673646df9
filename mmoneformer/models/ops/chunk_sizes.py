"""How many masks, layers or pixels to process in one step.

On a CPU, small steps are fastest: their intermediate results stay in the caches. Elsewhere, each step should be large
enough to keep the device busy.
"""

from torch import Tensor

from mmoneformer.models.ops.dispatch import runs_on

CPU_MASKS = 16
CPU_LAYERS = 1
CPU_TILE, TILE = 64, 256


def masks_per_step(masks: Tensor) -> int:
    """How many of M masks [M, ...] have points chosen and sampled in one step; at least 1."""
    return CPU_MASKS if runs_on(masks, 'cpu') else max(len(masks), 1)


def layers_per_step(embeddings: Tensor) -> int:
    """How many of L layers, with mask embeddings [L, ...], are compared with the targets in one step; at least 1."""
    return CPU_LAYERS if runs_on(embeddings, 'cpu') else max(len(embeddings), 1)


def tile_side(masks: Tensor) -> int:
    """Side of the square tiles, in pixels, in which masks [M, ...] are enlarged to the size of the image."""
    return CPU_TILE if runs_on(masks, 'cpu') else TILE
