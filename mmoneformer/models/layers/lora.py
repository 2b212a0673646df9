"""Low-rank adaptation of linear layers (LoRA, arXiv 2106.09685)."""

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LoRALinear(nn.Linear):
    """A linear layer whose weight is frozen, and gets a trained update of low rank: weight + up @ down.

    The names of weight and bias are those of the layer that it replaces, whose checkpoints can be loaded before.

    Args:
        linear: The layer, D -> E; its tensors are used, not copied. ``lora_up`` starts from zero: nothing changes.
        rank: R, at least 1: ``lora_down`` is [R, D], ``lora_up`` [E, R].

    Raises:
        ValueError: If the rank is less than 1.
    """

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        if rank < 1:
            raise ValueError(f'the rank of LoRA must be at least 1, got {rank}: leave lora_rank out for none')
        super().__init__(linear.in_features, linear.out_features, bias=linear.bias is not None, device='meta')
        self.weight, self.bias = linear.weight, linear.bias
        self.lora_down = nn.Parameter(linear.weight.new_empty(rank, linear.in_features))
        self.lora_up = nn.Parameter(linear.weight.new_zeros(linear.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_down, a=math.sqrt(5))

    def no_weight_decay(self) -> set[str]:
        """Name the parameters without weight decay (timm's convention)."""
        return set()

    def forward(self, inputs: Tensor) -> Tensor:
        """Map [..., D] to [..., E]."""
        return super().forward(inputs) + F.linear(F.linear(inputs, self.lora_down), self.lora_up)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """Return a plain linear layer that computes the same; its tensors are this layer's, the weight is changed."""
        linear = nn.Linear(self.in_features, self.out_features, bias=self.bias is not None, device='meta')
        self.weight += self.lora_up @ self.lora_down
        linear.weight, linear.bias = self.weight, self.bias
        return linear.train(self.training)


def add_lora(module: nn.Module, rank: int) -> None:
    """Replace each linear layer in a module, at any depth, by a ``LoRALinear``."""
    for name, child in list(module.named_children()):
        if type(child) is nn.Linear:
            setattr(module, name, LoRALinear(child, rank))
        else:
            add_lora(child, rank)


def without_lora(module: nn.Module) -> nn.Module:
    """Return a copy in which each ``LoRALinear`` is a plain linear layer that computes the same; or the module itself.

    Args:
        module: With or without such layers, at any depth. It is not changed.
    """
    if not any(isinstance(part, LoRALinear) for part in module.modules()):
        return module
    merged = copy.deepcopy(module)
    for name, part in list(merged.named_modules()):
        if isinstance(part, LoRALinear):
            merged.set_submodule(name, part.merged())
    return merged
