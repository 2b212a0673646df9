from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from mmoneformer.models.ops.cuda_graphs import MAX_GRAPHS, CudaGraphs

TASK = (('a',),)


class Output(NamedTuple):
    maps: list[Tensor]
    mean: Tensor


class Network(nn.Module):
    """Counts its calls; the tasks change its result."""

    def __init__(self):
        super().__init__()
        self.conv, self.calls = nn.Conv2d(3, 4, 3), 0
        self.graphs = CudaGraphs(self.forward, self.parameters)

    def forward(self, images, tasks):
        self.calls += 1
        maps = self.conv(images) * len(tasks[0])
        return Output([maps, maps.relu()], maps.mean())


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Network().eval()


def assert_equal(found, expected):
    assert type(found) is Output
    for ours, theirs in zip([*found.maps, found.mean], [*expected.maps, expected.mean], strict=True):
        assert torch.equal(ours, theirs)


def test_elsewhere_the_network_is_called(network):
    images = torch.randn(1, 3, 8, 12)
    with torch.no_grad():
        assert_equal(network.graphs(images, TASK), network(images, TASK))
    assert network.calls == 2


@pytest.mark.gpu
@torch.no_grad()
def test_results_are_those_of_the_network(network):
    network.cuda()
    for shape, tasks in (((1, 3, 8, 12), 1), ((2, 3, 8, 12), 1), ((1, 3, 9, 7), 2), ((1, 3, 8, 12), 1)):
        images, names = torch.randn(*shape, device='cuda'), (('a',) * tasks,) * shape[0]
        assert_equal(network.graphs(images, names), network(images, names))
        with torch.autocast('cuda', torch.bfloat16):
            assert_equal(network.graphs(images, names), network(images, names))


@pytest.mark.gpu
@torch.inference_mode()
def test_a_size_is_captured_once(network):
    network.cuda()
    images = torch.randn(4, 1, 3, 8, 12, device='cuda')
    expected = [network(image, TASK) for image in images]
    found = [network.graphs(images[0], TASK)]
    network.calls = 0
    found += [network.graphs(image, TASK) for image in images[1:]]
    assert network.calls == 0
    for ours, theirs in zip(found, expected, strict=True):  # a later replay changes no earlier result
        assert_equal(ours, theirs)


@pytest.mark.gpu
@torch.no_grad()
def test_weights_may_change_and_move(network):
    network.cuda()
    images = torch.randn(1, 3, 8, 12, device='cuda')
    network.graphs(images, TASK)
    network.conv.weight.mul_(2)
    assert_equal(network.graphs(images, TASK), network(images, TASK))
    network.conv.weight = nn.Parameter(torch.randn_like(network.conv.weight))
    assert_equal(network.graphs(images, TASK), network(images, TASK))


@pytest.mark.gpu
def test_three_threads_and_many_sizes(network):
    network.cuda()

    def run(number):
        with torch.no_grad():
            images = torch.full((1, 3, 8, 8 + number % (MAX_GRAPHS + 4)), float(number), device='cuda')
            return network.graphs(images, TASK), network(images, TASK)

    with ThreadPoolExecutor(3) as threads:
        for found, expected in threads.map(run, range(60)):
            assert_equal(found, expected)


@torch.no_grad()
def test_graphs_are_of_the_layers_that_run_and_of_evaluation_mode(build_model):
    model, captured, inputs = build_model(test_cfg=dict(cuda_graphs=True)), [], torch.randn(1, 3, 64, 96)
    vars(model)['_cuda_graphs'] = lambda images, *settings: (
        captured.append(settings) or model._network(images, *settings)
    )
    model.train()(inputs)
    assert not captured
    model.eval()(inputs)
    model.test_cfg = replace(model.test_cfg, num_layers=1)
    model(inputs)
    assert len(set(captured)) == 2
