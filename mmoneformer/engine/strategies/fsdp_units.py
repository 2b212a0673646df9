"""Which modules FSDP gathers one at a time."""

from collections.abc import Iterator
from itertools import chain

import torch
from mmengine.logging import print_log
from torch import Tensor, nn
from torch.func import functional_call

from mmoneformer.errors import first_few

SIDE = 64  # of the image that shows which stages of a backbone are called


def find_fsdp_units(model: nn.Module) -> set[nn.Module]:
    """Find the modules whose weights FSDP gathers only while they compute.

    These are the modules with a true attribute ``fsdp_unit``, and the stages of a backbone that has no such module.
    The parameters of no unit are sharded, too, but gathered for the entire step; the log names the first of them.
    """
    units = {module for module in model.modules() if getattr(module, 'fsdp_unit', False)}
    backbone = getattr(model, 'backbone', None)
    if backbone is not None and units.isdisjoint(backbone.modules()):
        units |= find_stages(backbone)
    in_units = {parameter for unit in units for parameter in unit.parameters()}
    others = [name for name, parameter in model.named_parameters() if parameter not in in_units]
    print_log(f'FSDP: {len(units)} units; gathered for the entire step: {first_few(others)}', logger='current')
    return units


def find_stages(backbone: nn.Module) -> set[nn.Module]:
    """Find the submodules of a backbone that its ``forward`` calls, at the level of stages.

    The backbone is run on the meta device, where nothing is computed. If it cannot be, the result is empty, and the
    log says why.
    """
    candidates, called = set(_submodules(backbone)), set()
    hooks = [module.register_forward_pre_hook(lambda module, _: called.add(module)) for module in candidates]
    try:
        _run_on_meta(backbone)
    except Exception as error:  # of which kind depends on the backbone
        reason = str(error).partition('\n')[0]
        print_log(
            f'FSDP: {type(backbone).__name__} has no module with fsdp_unit = True, and its stages cannot be found by '
            f'running it on the meta device ({type(error).__name__}: {reason}): its weights are gathered for the '
            'entire step',
            logger='current',
        )
        return set()
    finally:
        for hook in hooks:
            hook.remove()
    return called


def _submodules(module: nn.Module) -> Iterator[nn.Module]:
    """The children with submodules of their own, those in lists and dicts included."""
    for child in module.children():
        if isinstance(child, nn.ModuleList | nn.ModuleDict):
            yield from _submodules(child)
        elif any(True for _ in child.children()) and any(True for _ in child.parameters()):
            yield child


@torch.no_grad()
def _run_on_meta(backbone: nn.Module) -> None:
    state: dict[str, Tensor] = {
        name: torch.empty_like(value, device='meta')
        for name, value in chain(backbone.named_parameters(), backbone.named_buffers())
    }
    functional_call(backbone, state, (torch.empty(1, 3, SIDE, SIDE, device='meta'),))
