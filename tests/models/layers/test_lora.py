import pytest
import torch
from torch import nn

from mmoneformer.models.layers.lora import LoRALinear, add_lora, without_lora


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.ModuleDict({'a': nn.Linear(6, 3, bias=False)})['a'], nn.LayerNorm(3))


def randomize(network):
    for module in network.modules():
        if isinstance(module, LoRALinear):
            nn.init.normal_(module.lora_up)


def test_nothing_changes_at_first(network):
    inputs = torch.randn(2, 5, 4)
    expected = network(inputs)
    add_lora(network, 2)
    assert torch.equal(network(inputs), expected)


def test_an_update_of_low_rank(network):
    linear = network[0]
    layer, inputs = LoRALinear(linear, 2), torch.randn(2, 5, 4)
    randomize(layer)
    update = layer.lora_up @ layer.lora_down
    assert torch.linalg.matrix_rank(update) == 2
    torch.testing.assert_close(layer(inputs), inputs @ (linear.weight + update).T + linear.bias)


def test_merged_equals_unmerged(network):
    add_lora(network.requires_grad_(False), 2)
    randomize(network)
    inputs = torch.randn(3, 4)
    expected = network(inputs)
    merged = without_lora(network)
    assert [type(module) for module in merged] == [nn.Linear, nn.Linear, nn.LayerNorm]
    torch.testing.assert_close(merged(inputs), expected)
    assert torch.equal(network(inputs), expected)
    assert without_lora(merged) is merged


def test_names_are_those_of_the_layers(network):
    before = network.state_dict()
    add_lora(network, 3)
    after = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    added = {'0.lora_down': (3, 4), '0.lora_up': (6, 3), '1.lora_down': (3, 6), '1.lora_up': (3, 3)}
    assert after == {name: tuple(tensor.shape) for name, tensor in before.items()} | added


def test_only_the_update_learns(network):
    add_lora(network.requires_grad_(False), 1)
    randomize(network)
    network(torch.randn(2, 4)).sum().backward()
    assert {name for name, parameter in network.named_parameters() if parameter.grad is not None} == {
        f'{index}.{name}' for index in (0, 1) for name in ('lora_down', 'lora_up')
    }


def test_rank():
    with pytest.raises(ValueError, match='the rank of LoRA must be at least 1, got 0'):
        LoRALinear(nn.Linear(2, 2), 0)
