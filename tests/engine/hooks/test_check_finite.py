from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub
from torch import nn

from mmoneformer.engine.hooks import CheckFiniteHook

NAN, INF = float('nan'), float('inf')
BATCH = {'data_samples': [SimpleNamespace(img_id=7, img_path='a.jpg'), SimpleNamespace(img_id=9, img_path='b.jpg')]}


class Run:
    """What the hook sees of a runner, and what it says there."""

    def __init__(self, name, **optim_wrapper):
        self.said = []
        self.iter = 41
        self.model = nn.BatchNorm1d(2)
        self.message_hub = MessageHub.get_instance(name)
        self.optim_wrapper = SimpleNamespace(should_update=lambda: True, **optim_wrapper)
        self.logger = SimpleNamespace(error=self.said.append)

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
    assert run.said == []
    run.iterate(hook, norm=NAN, loss_cls=1.0, loss_mask=NAN)
    run.iterate(hook, norm=NAN, loss_cls=1.0, loss_mask=2.0)
    run.iterate(hook, loss_cls=1.0, loss_mask=2.0)
    run.iterate(hook, loss_cls=INF, loss_mask=2.0)
    images = "images (id, path): [(7, 'a.jpg'), (9, 'b.jpg')]"
    assert run.said == [
        f'iteration 42: not finite: loss_mask; {images}; 1 such iterations in a row, 1 in all. The step is left out',
        f'iteration 42: not finite: the gradient; {images}; 2 such iterations in a row, 2 in all. '
        'The step is left out',
        f'iteration 42: not finite: loss_cls; {images}; 1 such iterations in a row, 3 in all. '
        'The step is taken: its gradient is finite',
    ]


def test_stops_when_patience_ends(run):
    hook = CheckFiniteHook(patience=2)
    run.iterate(hook, norm=NAN, loss=NAN)
    with pytest.raises(FloatingPointError, match=r'not finite: loss;.*2 such iterations in a row.*learning rate'):
        run.iterate(hook, norm=NAN, loss=NAN)


def test_broken_statistics_stop_at_once(run):
    """Of normalization: no step has to be taken for them to break."""
    run.model.running_mean[1] = NAN
    with pytest.raises(FloatingPointError, match='running_mean of the model is not finite: resume from a checkpoint'):
        run.iterate(CheckFiniteHook(), norm=NAN, loss=NAN)


@pytest.mark.parametrize(('scale', 'complains'), [(65536.0, False), (1.0, False), (0.25, True)])
def test_a_scaler_that_finds_its_scale(request, scale, complains):
    run = Run(request.node.name, loss_scaler=SimpleNamespace(get_scale=lambda: scale))
    run.iterate(CheckFiniteHook(), norm=INF, loss=1.0)
    assert bool(run.said) == complains
    run.iterate(CheckFiniteHook(), norm=INF, loss=NAN)
    assert 'not finite: loss' in run.said[-1]


def test_the_norm_of_an_earlier_step_says_nothing(run):
    """While gradients accumulate."""
    run.optim_wrapper.should_update = lambda: False
    run.iterate(CheckFiniteHook(), norm=NAN, loss=1.0)
    assert run.said == []


def test_no_patience():
    with pytest.raises(ValueError, match='patience must be at least 1, got 0'):
        CheckFiniteHook(patience=0)
