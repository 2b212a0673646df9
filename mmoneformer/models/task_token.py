"""The task token, by which the network knows the task (paper section 3.1)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmoneformer.models.layers.feed_forward import MLP
from mmoneformer.models.ops.dispatch import full_precision
from mmoneformer.models.text.tokenizer import CONTEXT_LENGTH, Tokenizer
from mmoneformer.tasks import TASKS


class TaskToken(nn.Module):
    """An MLP on the token ids of "The task is {task}", which it takes as plain numbers.

    It knows the tasks that are in ``TASKS`` when it is built.

    Args:
        channels: C, width of the token.
    """

    sentence_ids: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.tasks = tuple(TASKS)
        self.mlp = MLP(CONTEXT_LENGTH, channels, channels, num_layers=2)
        ids = Tokenizer()([task.sentence for task in TASKS.values()])  # here: torch.compile cannot trace a tokenizer
        self.register_buffer('sentence_ids', ids, persistent=False)

    def forward(self, tasks: Sequence[str]) -> Tensor:
        """Compute the tokens of T tasks, before the norm.

        Args:
            tasks: Names of the tasks.

        Returns:
            float32 [T, C].

        Raises:
            ValueError: If a task was not in ``TASKS`` when the module was built.
        """
        unknown = [task for task in tasks if task not in self.tasks]
        if unknown:
            raise ValueError(f'the model was built for the tasks {list(self.tasks)}, got {unknown[0]!r}')
        return self._embed(torch.stack([self.sentence_ids[self.tasks.index(task)] for task in tasks]))

    def of_indices(self, tasks: Tensor) -> Tensor:
        """Compute the tokens of T tasks that are given as positions in ``self.tasks``, int64 [T].

        Their number may vary in an exported network; ``forward`` copies nothing to the device, which would wait.
        """
        return self._embed(self.sentence_ids[tasks])

    def _embed(self, ids: Tensor) -> Tensor:
        """Run the MLP in float32, also under autocast: ids reach 49407, and float16 ends at 65504."""
        with full_precision(ids):
            return self.mlp(ids.to(torch.float32))
