"""An exported file in place of the network that it was exported from: what is measured then are the file's results."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmoneformer.export.formats import format_of
from mmoneformer.models import OneFormer
from mmoneformer.registry import MODELS


class ExportedLogits(NamedTuple):
    """The outputs of a file, for T tasks of B images.

    Attributes:
        class_logits: [B, T, Q, K + 1].
        mask_logits: [B, T, Q, H/4, W/4].
    """

    class_logits: Tensor
    mask_logits: Tensor

    def of_task(self, index: int) -> tuple[Tensor, Tensor]:
        """Class logits [B, Q, K + 1] and mask logits [B, Q, H/4, W/4] of one task."""
        return self.class_logits[:, index], self.mask_logits[:, index]


@MODELS.register_module()
class ExportedOneFormer(OneFormer):
    """A model whose logits are those of an exported file, with the post-processing of the model.

    Args:
        exported: The file.
        **settings: As of ``OneFormer``; weights are not used.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If the package that runs it is not installed.
        ValueError: If it is not an exported model.
    """

    def __init__(self, *, exported: str, **settings: Any) -> None:
        super().__init__(**settings)
        self._file = format_of(exported).open(exported)

    def _infer(self, inputs: Tensor, tasks: Sequence[str]) -> Any:
        """Run the file, which normalizes images itself."""
        preprocessor = self.data_preprocessor
        images = inputs * preprocessor.std + preprocessor.mean
        images = images if preprocessor._channel_conversion else images.flip(1)  # to RGB
        positions = np.array([self._file.description.tasks.index(task) for task in tasks])
        return ExportedLogits(*(torch.from_numpy(part) for part in self._file(images.cpu().numpy(), positions)))
