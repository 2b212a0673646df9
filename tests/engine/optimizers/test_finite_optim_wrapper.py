import math

import pytest
import torch
from mmengine.logging import MessageHub
from torch import nn

from mmoneformer.engine.optimizers import FiniteOptimWrapper, FullyShardedOptimWrapper
from mmoneformer.registry import OPTIM_WRAPPERS


def wrapped(**settings):
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    return model, OPTIM_WRAPPERS.build(dict(type='FiniteOptimWrapper', optimizer=optimizer, **settings))


@pytest.mark.parametrize('settings', [{}, {'clip_grad': {'max_norm': 0.01}}])
@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_a_step_that_is_not_finite_is_left_out(settings, value):
    model, wrapper = wrapped(**settings)
    before = model.weight.clone()
    wrapper.update_params((model.weight * value).sum())
    assert torch.equal(model.weight, before)
    wrapper.update_params(model.weight.sum())  # nothing of it is left
    assert model.weight.isfinite().all()
    assert not torch.equal(model.weight, before)


def test_a_finite_step_is_that_of_the_optimizer():
    model, wrapper = wrapped()
    before = model.weight.clone()
    wrapper.update_params((model.weight * 3).sum())
    torch.testing.assert_close(model.weight, before - 3)
    norm = MessageHub.get_current_instance().get_scalar('train/grad_norm').current()
    assert norm == pytest.approx(3 * 6**0.5)


def test_the_norm_is_clipped():
    model, wrapper = wrapped(clip_grad={'max_norm': 0.5})
    before = model.weight.clone()
    wrapper.update_params((model.weight * 3).sum())
    assert (model.weight - before).norm().item() == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize(('dtype', 'expected'), [(None, torch.float32), ('bfloat16', torch.bfloat16)])
def test_mixed_precision(dtype, expected):
    model, wrapper = wrapped(dtype=dtype)
    with wrapper.optim_context(model):
        assert model(torch.rand(4, 3)).dtype == expected
    assert model(torch.rand(4, 3)).dtype == torch.float32


def test_settings_that_it_cannot_do():
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    with pytest.raises(ValueError, match="'float16'"):
        FiniteOptimWrapper(dtype='float16', optimizer=optimizer)
    with pytest.raises(ValueError, match='clip_value'):
        FiniteOptimWrapper(clip_grad={'type': 'value', 'clip_value': 1.0}, optimizer=optimizer)


class Shard(nn.Linear):
    """A process's shard of a model, whose gradient norm is smaller than that of the complete model."""

    def __init__(self, norm):
        super().__init__(3, 2)
        self.norm = norm

    def clip_grad_norm_(self, max_norm):
        for parameter in self.parameters():
            parameter.grad *= min(max_norm / self.norm, 1)
        return torch.tensor(self.norm)


def change(norm):
    """How far a step with learning rate 1 moves a weight whose gradient is 1."""
    model = Shard(norm)
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
def test_the_norm_of_all_shards_counts(norm, expected):
    assert change(norm) == pytest.approx(expected, abs=1e-6)
