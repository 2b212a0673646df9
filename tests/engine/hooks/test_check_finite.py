from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub
from torch import nn

from mmoneformer.engine.hooks import CheckFiniteHook

NAN, INF = float('nan'), float('inf')
BATCH = {'data_samples': [SimpleNamespace(img_id=7, img_path='a.jpg'), SimpleNamespace(img_id=9, img_path='b.jpg')]}


class Run:
    """What the hook uses of a runner."""

    def __init__(self, name, **optim_wrapper):
        self.errors = []
        self.iter = 41
        self.model = nn.BatchNorm1d(2)
        self.message_hub = MessageHub.get_instance(name)
        self.optim_wrapper = SimpleNamespace(should_update=lambda: True, **optim_wrapper)
        self.logger = SimpleNamespace(error=self.errors.append)

    def iterate(self, hook, norm=1.0, **losses):
        outputs = {name: torch.tensor(value) for name, value in losses.items()}
        self.message_hub.update_scalars({f'train/{name}': value for name, value in outputs.items()})
        self.message_hub.update_scalar('train/grad_norm', norm)
        hook.after_train_iter(self, self.iter, BATCH, outputs)


@pytest.fixture
def run(request):
    return Run(request.node.name)


def test_names_terms_and_images_and_goes_on(run):
    hook = CheckFiniteHook()
    run.iterate(hook, loss_cls=1.0, loss_mask=2.0)
    assert run.errors == []
    run.iterate(hook, norm=NAN, loss_cls=1.0, loss_mask=NAN)
    run.iterate(hook, norm=NAN, loss_cls=1.0, loss_mask=2.0)
    run.iterate(hook, loss_cls=1.0, loss_mask=2.0)
    run.iterate(hook, loss_cls=INF, loss_mask=2.0)
    images = "images (id, path): [(7, 'a.jpg'), (9, 'b.jpg')]"
    assert run.errors == [
        f'iteration 42: not finite: loss_mask; {images}; 1 such iterations in a row, 1 in all. The step is skipped',
        f'iteration 42: not finite: the gradient; {images}; 2 such iterations in a row, 2 in all. The step is skipped',
        f'iteration 42: not finite: loss_cls; {images}; 1 such iterations in a row, 3 in all. '
        'The step is taken, as the gradient is finite',
    ]


def test_stops_when_patience_ends(run):
    hook = CheckFiniteHook(patience=2)
    run.iterate(hook, norm=NAN, loss=NAN)
    with pytest.raises(FloatingPointError, match=r'not finite: loss;.*2 such iterations in a row.*learning rate'):
        run.iterate(hook, norm=NAN, loss=NAN)


def test_broken_statistics_stop_immediately(run):
    """Of normalization: no step has to be taken for them to break."""
    run.model.running_mean[1] = NAN
    with pytest.raises(FloatingPointError, match='running_mean of the model is not finite: resume from a checkpoint'):
        run.iterate(CheckFiniteHook(), norm=NAN, loss=NAN)


@pytest.mark.parametrize(('scale', 'reported'), [(65536.0, False), (1.0, False), (0.25, True)])
def test_a_scaler_that_is_finding_its_scale(request, scale, reported):
    run = Run(request.node.name, loss_scaler=SimpleNamespace(get_scale=lambda: scale))
    run.iterate(CheckFiniteHook(), norm=INF, loss=1.0)
    assert bool(run.errors) == reported
    run.iterate(CheckFiniteHook(), norm=INF, loss=NAN)
    assert 'not finite: loss' in run.errors[-1]


def test_the_norm_of_an_earlier_step_is_not_reported(run):
    """While gradients accumulate."""
    run.optim_wrapper.should_update = lambda: False
    run.iterate(CheckFiniteHook(), norm=NAN, loss=1.0)
    assert run.errors == []


def test_no_patience():
    with pytest.raises(ValueError, match='patience must be at least 1, got 0'):
        CheckFiniteHook(patience=0)
