"""Two processes with an image each train as one process with both. Run as a script, this file is one of the two."""

import runpy
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dist import get_rank, get_world_size
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from mmengine.structures import BaseDataElement

import mmoneformer  # noqa: F401  # as a script, too, before mmdet
from mmoneformer.registry import MODELS
from mmoneformer.structures import TargetMasks, Targets

DATA = Path(__file__).parents[1] / 'data'
same_points_for_all = runpy.run_path(str(DATA / 'same_points.py'))['same_points_for_all']
CLASSES = ('sky', 'cat', 'road', 'car')
EMPTY = ('panoptic', [], [])
BATCHES = {  # of both images the task, the labels, and the boxes (top, left, bottom, right) of the targets
    'other tasks': [
        ('panoptic', [0, 1, 2], [(0, 0, 20, 96), (20, 10, 40, 50), (40, 0, 64, 96)]),
        ('instance', [1], [(8, 30, 50, 60)]),
    ],
    'one without targets': [('semantic', [2], [(32, 0, 64, 96)]), EMPTY],
    'both without targets': [EMPTY, EMPTY],
}


def sample(number, task, labels, boxes):
    """An image of 64 x 96 and its targets."""
    id_map = torch.zeros(64, 96, dtype=torch.uint8)
    for index, (top, left, bottom, right) in enumerate(boxes):
        id_map[top:bottom, left:right] = index + 1
    texts = [f'a photo with a {CLASSES[label]}' for label in labels]
    data_sample = BaseDataElement(metainfo=dict(img_shape=(64, 96)))
    masks = TargetMasks(id_map, len(labels))
    data_sample.targets = Targets(task, texts, torch.tensor(labels, dtype=torch.int64), masks)
    image = torch.randint(256, (3, 64, 96), dtype=torch.uint8, generator=torch.Generator().manual_seed(number))
    return image, data_sample


DEVICES = ('cpu', pytest.param('cuda', marks=pytest.mark.gpu))


def build_model(device):
    """The model of the tests without dropout, and with random points enough to see a difference."""
    config = Config.fromfile(DATA / 'tiny_oneformer.py')
    head = config.model.panoptic_head
    head.pixel_decoder.dropout = head.query_initializer.dropout = 0.0
    head.set_loss = dict(type='MaskSetLoss', num_points=64)
    torch.manual_seed(0)
    return MODELS.build(config.model).train().to(device)


def take_two_steps(name, device):
    """Train on this process's share of a batch; all processes share one GPU.

    Returns:
        The losses of both steps as one tensor, the names of the parameters with a gradient, and the weights.
    """
    model = build_model(device)
    learning = set()
    for key, parameter in model.named_parameters():
        parameter.register_post_accumulate_grad_hook(lambda _, key=key: learning.add(key))
    images, data_samples = zip(*(sample(number, *image) for number, image in enumerate(BATCHES[name])), strict=True)
    own = slice(get_rank(), None, get_world_size())
    batch = dict(inputs=images[own], data_samples=data_samples[own])
    wrapped = MMDistributedDataParallel(model) if get_world_size() > 1 else model
    optim_wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.01), clip_grad=dict(max_norm=1.0))
    with same_points_for_all():
        # the second step fails if in the first a parameter had no gradient
        losses = [torch.stack(list(wrapped.train_step(batch, optim_wrapper).values())) for _ in range(2)]
    weights = {key: weight.cpu() for key, weight in model.state_dict().items()}
    return torch.stack(losses).cpu(), learning, weights


def share_the_batches(rank, folder, device):
    """Be one of two processes, and write down what it found."""
    init_default_scope('mmoneformer')
    torch.backends.cudnn.allow_tf32 = False
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=2, timeout=timedelta(minutes=3)
    )
    torch.save({name: take_two_steps(name, device) for name in BATCHES}, f'{folder}/{rank}.pth')
    torch.distributed.destroy_process_group()


@pytest.fixture(autouse=True)
def _in_float32(monkeypatch):
    """TensorFloat-32 is off."""
    monkeypatch.setattr(torch.backends.cudnn, 'allow_tf32', False)


@pytest.fixture(scope='module', params=DEVICES)
def device(request):
    return request.param


@pytest.fixture(scope='module')
def shared(start_script, device, tmp_path_factory):
    folder = tmp_path_factory.mktemp('processes')
    processes = [start_script(__file__, rank, folder, device, cwd=folder) for rank in range(2)]
    for process in processes:
        process.join(timeout=240)
    assert [process.exitcode for process in processes] == [0, 0]
    return [torch.load(folder / f'{rank}.pth') for rank in range(2)]


@pytest.mark.parametrize('name', BATCHES)
def test_two_processes_train_as_one(shared, device, name):
    losses, _, weights = take_two_steps(name, device)
    both = [found[name] for found in shared]
    bound = 1e-6 if device == 'cpu' else 1e-4
    torch.testing.assert_close((both[0][0] + both[1][0]) / 2, losses, rtol=10 * bound, atol=bound)
    for _, _, found in both:
        for key, weight in weights.items():
            torch.testing.assert_close(
                found[key], weight, rtol=0, atol=bound, msg=lambda text, key=key: f'{key}: {text}'
            )


@pytest.mark.parametrize('name', BATCHES)
def test_every_parameter_learns_in_every_process(shared, name):
    trainable = {key for key, parameter in build_model('cpu').named_parameters() if parameter.requires_grad}
    for found in shared:
        assert found[name][1] == trainable


if __name__ == '__main__':
    share_the_batches(int(sys.argv[1]), *sys.argv[2:])
