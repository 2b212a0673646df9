"""Settings of inference: ``model.test_cfg``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mmoneformer.tasks import TASKS, check_tasks


@dataclass(frozen=True, kw_only=True)
class InferenceConfig:
    """How the predictions of the network become results.

    Attributes:
        object_mask_thr: Panoptic task: queries need a higher class score than this, 0 to 1.
        overlap_thr: Panoptic task: a segment needs at least this share of its mask left by the others, 0 to 1.
        max_per_image: Instance task: number of pairs of query and class that are considered, before those of stuff
            classes are dropped. ``OneFormer`` sets it to the number of queries where its config does not.
        tasks: Tasks that are predicted where the caller names none; by default all.
        tokens: Task whose token is used for a task, where that is not its own. Only to measure how much the token
            matters: results with the token of another task are of little use.
        compile: Whether backbone and head run through ``torch.compile``, which takes minutes at first, and again for
            some new image sizes.

    Raises:
        ValueError: If a task is unknown.
    """

    object_mask_thr: float = 0.8
    overlap_thr: float = 0.8
    max_per_image: int
    tasks: Sequence[str] = field(default_factory=lambda: tuple(TASKS))
    tokens: Mapping[str, str] = field(default_factory=dict)
    compile: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, 'tasks', check_tasks(self.tasks))
        if self.tokens:
            check_tasks([*self.tokens, *self.tokens.values()])
