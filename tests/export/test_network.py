from dataclasses import replace

import pytest
import torch
from torch import nn

from mmoneformer.export.network import ExportedNetwork, trace
from mmoneformer.models.layers.deformable_attention import DeformableAttention
from mmoneformer.models.layers.lora import LoRALinear
from mmoneformer.models.ops.deformable_sampling import sample
from mmoneformer.tasks import TASKS

ASKED = ((1, (64, 96), ('panoptic',)), (3, (96, 64), ('semantic', 'panoptic')), (2, (128, 224), tuple(TASKS)))


def ask(model, batch, size, tasks):
    """Images and tasks as the graph takes them, and the answer of the model."""
    torch.manual_seed(batch)
    images = torch.randint(256, (batch, 3, *size)).float()
    inputs = model.data_preprocessor({'inputs': list(images.flip(1)), 'data_samples': None})['inputs']
    with torch.no_grad():
        answer = model(inputs, mode='tensor', tasks=tasks)
    positions = torch.tensor([list(TASKS).index(task) for task in tasks])
    return images, positions, [torch.stack(parts, 1) for parts in zip(*answer.values(), strict=True)]


@torch.no_grad()
def check_logits(network, images, positions, expected):
    for ours, theirs in zip(network(images, positions), expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize(('batch', 'size', 'tasks'), ASKED)
def test_network_equals_the_model(model, batch, size, tasks):
    check_logits(ExportedNetwork(model), *ask(model, batch, size, tasks))


def test_model_of_bgr_images(model):
    """Its network takes BGR; the exported one takes RGB all the same."""
    images, positions, expected = ask(model, *ASKED[0])
    network = ExportedNetwork(model)
    network.is_bgr = True
    check_logits(network, images.flip(1), positions, expected)


def test_model_of_fewer_layers(model, monkeypatch):
    *_, complete = ask(model, *ASKED[0])
    monkeypatch.setattr(model, 'test_cfg', replace(model.test_cfg, num_layers=0))
    images, positions, expected = ask(model, *ASKED[0])
    assert not torch.allclose(expected[0], complete[0])
    check_logits(ExportedNetwork(model), images, positions, expected)


def test_lora_is_merged(model, monkeypatch):
    backbone = nn.Sequential(LoRALinear(nn.Linear(2, 2), 1))
    monkeypatch.setitem(model._modules, 'backbone', backbone)
    assert type(ExportedNetwork(model).backbone[0]) is nn.Linear
    assert type(backbone[0]) is LoRALinear


@pytest.mark.slow
@pytest.mark.parametrize(('batch', 'size', 'tasks'), ASKED)
def test_graph_for_all_sizes(model, program, batch, size, tasks):
    check_logits(program.module(), *ask(model, batch, size, tasks))


@pytest.mark.slow
def test_no_size_is_fixed(program):
    *_, output = program.graph.nodes
    class_logits, mask_logits = (node.meta['val'].shape for node in output.args[0])
    assert [isinstance(side, int) for side in class_logits] == [False, False, True, True]
    assert [isinstance(side, int) for side in mask_logits] == [False, False, True, False, False]


@pytest.mark.slow
def test_pixels_are_read_once(program):
    """The network samples for each level once, whatever the number of tasks, by a standard operator."""
    names = [str(node.target) for node in program.graph.nodes]
    assert sum('grid_sampler' in name for name in names) == 3
    assert not any('mmcv' in name or 'autocast' in name for name in names)


@pytest.mark.slow
def test_sampling_by_indexing(model):
    graph = trace(ExportedNetwork(model), sampling='gather')
    assert not any('grid_sampler' in str(node.target) for node in graph.graph.nodes)
    check_logits(graph.module(), *ask(model, *ASKED[1]))
    assert {module.sample for module in model.modules() if isinstance(module, DeformableAttention)} == {sample}
