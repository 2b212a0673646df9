"""Exported files of ``torch.export``, which torch alone can load: ``torch.export.load('model.pt2').module()``."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from mmoneformer_deploy.description import KEY, Description

if TYPE_CHECKING:
    from torch.export import ExportedProgram

EXTRA_FILE = f'{KEY}.json'


def write_torch(program: 'ExportedProgram', path: Path, description: Description) -> None:
    """Write a graph as a .pt2 file.

    Args:
        program: The graph, with the inputs and outputs of ``ExportedNetwork``.
        path: The file.
        description: Its description, which is an extra file of the archive.
    """
    torch.export.save(program, path, extra_files={EXTRA_FILE: description.to_json()})


class TorchNetwork:
    """An exported .pt2 file in torch.

    Args:
        path: The file.

    Raises:
        ValueError: If the file is damaged, or not an exported model.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        extra = {EXTRA_FILE: ''}
        try:
            self.module = torch.export.load(path, extra_files=extra).module()
        except Exception as error:  # its type depends on what is damaged
            raise ValueError(f'{path} is not a file that torch.export can load: {error}') from error
        self.description = Description.parse(extra[EXTRA_FILE] or None, path)

    @torch.no_grad()
    def __call__(self, images: np.ndarray, tasks: np.ndarray) -> Sequence[np.ndarray]:
        """See ``mmoneformer_deploy.runtimes.Network``."""
        return [logits.numpy() for logits in self.module(torch.from_numpy(images), torch.from_numpy(tasks))]
