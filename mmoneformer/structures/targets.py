"""What a training image teaches: its task, and the texts, classes and masks of its targets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from mmoneformer.structures.target_masks import TargetMasks


@dataclass(frozen=True, eq=False)
class Targets:
    """The N targets of an image for one task (paper section 3.1).

    Attributes:
        task: Name of the task.
        texts: One text per target, N (paper section 3.2).
        labels: Class indices, int64 [N].
        masks: N masks.
        unlabeled: Indices of the classes that could be targets of the task, but are not annotated in this image. A
            query without a target may be of any of them.
    """

    task: str
    texts: Sequence[str]
    labels: Tensor
    masks: TargetMasks
    unlabeled: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, *args: Any, **kwargs: Any) -> 'Targets':
        """Move labels and masks to a device; arguments as of ``Tensor.to``."""
        return replace(self, labels=self.labels.to(*args, **kwargs), masks=self.masks.to(*args, **kwargs))
