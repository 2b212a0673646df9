"""The whole with several processes is in tests/engine/strategies/test_fully_sharded.py."""

import math

import pytest
import torch
from torch import nn

from mmoneformer.engine.optimizers import FullyShardedOptimWrapper


class Part(nn.Linear):
    """A process's part of a model: its own gradient is short, that of all processes together is not."""

    def __init__(self, norm):
        super().__init__(3, 2)
        self.norm = norm

    def clip_grad_norm_(self, max_norm):
        for parameter in self.parameters():
            parameter.grad *= min(max_norm / self.norm, 1)
        return torch.tensor(self.norm)


def change(norm):
    """How far a step with learning rate 1 moves a weight whose gradient is 1."""
    model = Part(norm)
    before = model.weight.detach().clone()
    wrapper = FullyShardedOptimWrapper(
        optimizer=torch.optim.SGD(model.parameters(), lr=1.0), clip_grad=dict(max_norm=2)
    )
    with wrapper.optim_context(model):
        loss = model.weight.sum() + model.bias.sum()
    wrapper.update_params(loss)
    assert wrapper.message_hub.get_scalar('train/grad_norm').current() == norm
    return (before - model.weight).mean().item()


@pytest.mark.parametrize(('norm', 'expected'), [(1.0, 1.0), (8.0, 0.25), (math.inf, 0.0)])
def test_the_norm_of_all_processes_decides(norm, expected):
    assert change(norm) == pytest.approx(expected, abs=1e-6)
