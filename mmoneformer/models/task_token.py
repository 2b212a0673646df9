"""The task token: what tells the network which task is asked (paper section 3.1)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmoneformer.models.layers.mlp import MLP
from mmoneformer.models.text.tokenizer import CONTEXT_LENGTH, Tokenizer
from mmoneformer.tasks import TASKS


class TaskToken(nn.Module):
    """Token ids of "The task is {task}", taken as plain numbers, through a small network.

    Args:
        channels: C, width of the token.
    """

    sentence_ids: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mlp = MLP(CONTEXT_LENGTH, channels, channels, num_layers=2)
        ids = Tokenizer()([task.sentence for task in TASKS.values()])  # once: torch.compile cannot trace a tokenizer
        self.register_buffer('sentence_ids', ids, persistent=False)

    def forward(self, tasks: Sequence[str]) -> Tensor:
        """Tokens of the tasks, float32 [T, C], before the norm.

        In float32, under autocast too: ids reach 49407, float16 ends at 65504.
        """
        names = list(TASKS)
        ids = self.sentence_ids[[names.index(task) for task in tasks]]
        with torch.autocast(ids.device.type, enabled=False):
            return self.mlp(ids.to(torch.float32))
