"""A checkpoint format of one's own: safetensors with other names."""

from pathlib import Path

from safetensors.torch import save_file

from mmoneformer.checkpoints.conversion import load_any
from mmoneformer.checkpoints.state_dict import KeyTable

TABLE = KeyTable((('encoder', 'backbone'), ('decoder', 'panoptic_head')))  # theirs, ours


def export(source: Path, target: Path) -> None:
    """Write the weights of any checkpoint that can be read: ours, the authors', or a folder of Hugging Face."""
    state_dict = load_any(source).state_dict
    save_file({key: tensor.contiguous() for key, tensor in TABLE.inverse().rename(state_dict).items()}, target)
