"""A training that takes a moment, by mmengine's real runner."""

import os
import signal

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

from mmoneformer.engine.hooks import ExactResumeHook, SafeCheckpointHook

BY_ITERATION = dict(type='IterBasedTrainLoop', max_iters=12, val_interval=5)
BY_EPOCH = dict(type='EpochBasedTrainLoop', max_epochs=4, val_interval=2)


class Noise(BaseDataset):
    """Samples whose content is random."""

    def load_data_list(self):
        return [{} for _ in range(5)]

    def prepare_data(self, index):
        return torch.tensor([float(index), np.random.rand()])


class Model(BaseModel):
    """Randomness in its loss; keeps what it has seen."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Sequential(nn.Linear(2, 4), nn.Dropout(), nn.Linear(4, 1))

    def forward(self, *inputs, mode):
        value = self.layer(torch.stack(inputs)).square().mean()
        return {'loss': value * torch.rand(())} if mode == 'loss' else [value]


class Stop(Hook):
    """Sends SIGTERM at some point, to its own process."""

    def __init__(self, stage, iteration):
        self.stage = stage
        self.iteration = iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.maybe(runner, 'train')

    def before_val_iter(self, runner, batch_idx, data_batch=None):
        self.maybe(runner, 'val')

    def maybe(self, runner, stage):
        if (stage, runner.iter) == (self.stage, self.iteration):
            os.kill(os.getpid(), signal.SIGTERM)


class Nothing(BaseMetric):
    """A metric that is always the same."""

    def process(self, data_batch, data_samples):
        self.results.append(None)

    def compute_metrics(self, results):
        return {'value': 0.0}


@pytest.fixture
def make_runner(tmp_path, request):
    """Make a runner; all of a test share a work folder."""
    count = 0

    def make(*, by_epoch=False, stop=None, sampler='ResumableSampler', seed=0, interval=4, **checkpoint):
        nonlocal count
        count += 1
        torch.manual_seed(0)
        loader = dict(dataset=Noise(), batch_size=2, num_workers=0)
        checkpoint = SafeCheckpointHook(by_epoch=by_epoch, interval=interval, max_keep_ckpts=2, **checkpoint)
        return Runner(
            model=Model(),
            work_dir=str(tmp_path / 'work'),
            train_dataloader=loader | dict(sampler=dict(type=sampler)),
            val_dataloader=loader | dict(sampler=dict(type='DefaultSampler')),
            train_cfg=BY_EPOCH if by_epoch else BY_ITERATION,
            val_cfg=dict(),
            val_evaluator=Evaluator(Nothing()),
            optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.1)),
            param_scheduler=dict(type='LinearLR', start_factor=0.1, end=10, by_epoch=False),
            default_hooks=dict(checkpoint=checkpoint, exact_resume=ExactResumeHook()),
            custom_hooks=[Stop(*stop)] if stop else [],
            randomness=dict(seed=seed),
            default_scope='mmoneformer',
            experiment_name=f'{request.node.name}{count}',
            log_level='WARNING',
        )

    return make
