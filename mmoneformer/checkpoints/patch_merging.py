"""Weights of Swin's patch merging, whose 2 x 2 neighbors the codes concatenate in two ways.

Swin's authors, and with them OneFormer's and Hugging Face, put the neighbors before the channels and go through them
column by column; mmdet puts the channels first and goes row by row.
"""

import re
from collections.abc import Mapping

from torch import Tensor

from mmoneformer.checkpoints.key_table import StateDict

MERGING = re.compile(r'backbone\.stages\.\d+\.downsample\.')  # of mmdet's Swin
TRANSPOSED = [0, 2, 1, 3]  # four neighbors, rows to columns or back


def to_channels_first(state_dict: Mapping[str, Tensor]) -> StateDict:
    """Reorder the authors' weights, whose keys are ours, for mmdet."""
    return {key: _to_channels_first(weight) if MERGING.match(key) else weight for key, weight in state_dict.items()}


def to_neighbors_first(state_dict: Mapping[str, Tensor]) -> StateDict:
    """Reorder mmdet's weights for the authors' code."""
    return {key: _to_neighbors_first(weight) if MERGING.match(key) else weight for key, weight in state_dict.items()}


def _to_channels_first(weight: Tensor) -> Tensor:
    """Reorder the last dimension, [..., 4 * C]."""
    return weight.unflatten(-1, (4, -1))[..., TRANSPOSED, :].mT.flatten(-2)


def _to_neighbors_first(weight: Tensor) -> Tensor:
    """Reorder the last dimension, [..., C * 4]."""
    return weight.unflatten(-1, (-1, 4)).mT[..., TRANSPOSED, :].flatten(-2)
