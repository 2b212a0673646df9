"""Training with weights, gradients and optimizer state sharded among processes (FSDP, arXiv 2304.11277)."""

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import chain
from typing import Any

import torch
from mmengine._strategy import FSDPStrategy
from mmengine.device import get_device
from mmengine.dist import all_reduce, is_main_process
from mmengine.logging import print_log
from torch import Tensor, nn
from torch.distributed.fsdp import FullOptimStateDictConfig, FullStateDictConfig, FullyShardedDataParallel
from torch.func import functional_call

from mmoneformer.errors import first_few
from mmoneformer.registry import STRATEGIES
from mmoneformer_deploy.atomic_files import replacing

SIDE = 64  # of the image that shows which stages of a backbone are called


@STRATEGIES.register_module()
class FullyShardedStrategy(FSDPStrategy):
    """mmengine's FSDP, on GPUs or CPUs, with ``FullyShardedOptimWrapper``.

    The weights of a unit (``find_fsdp_units``) are gathered only while it computes, all others for the entire step.
    Checkpoints are the same as without FSDP: the first process writes one file with all weights.

    Args:
        **kwargs: Arguments of ``mmengine._strategy.FSDPStrategy``, which also has activation checkpointing.

    Raises:
        ValueError: If there is only one process.
    """

    def __init__(self, **kwargs: Any) -> None:
        to_cpu = get_device() != 'cpu'  # on a CPU, offloading would not copy the weights, which FSDP then frees
        states = dict(
            state_dict_type='FULL_STATE_DICT',
            state_dict_config=FullStateDictConfig(rank0_only=True, offload_to_cpu=to_cpu),
            optim_state_dict_config=FullOptimStateDictConfig(rank0_only=True, offload_to_cpu=to_cpu),
        )
        super().__init__(state_dict_cfg=states, **kwargs)
        if self.world_size == 1:
            raise ValueError('FSDP needs several processes to shard a model: start them with tools/dist_train.sh')

    def save_checkpoint(self, filename: str, **kwargs: Any) -> None:
        """Gather the states in the first process, which writes them to a file that is complete or not there."""
        with replacing(filename, sync=True) if is_main_process() else nullcontext(filename) as part:
            super().save_checkpoint(str(part), **kwargs)

    def load_checkpoint(self, filename: str, **kwargs: Any) -> dict[str, Any]:
        """Load into all processes; hooks that change the checkpoint can read the complete state of the model."""
        complete = FullStateDictConfig(offload_to_cpu=False)
        with FullyShardedDataParallel.state_dict_type(self.model, self.state_dict_type, complete):
            return super().load_checkpoint(filename, **kwargs)

    def load_optim_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load this process's shard; mmengine passes the arguments in the order of an older torch."""
        optimizer = self.optim_wrapper.optimizer
        self.optim_wrapper.load_state_dict(
            FullyShardedDataParallel.optim_state_dict_to_load(
                model=self.model, optim=optimizer, optim_state_dict=state_dict
            )
        )

    def _wrap_model(self, model: nn.Module) -> nn.Module:
        model = model.to(get_device())
        units = find_fsdp_units(model)
        scalars = find_scalars(model)
        for scalar in scalars:
            scalar.register_post_accumulate_grad_hook(_average_gradient)
        self.model_wrapper = dict(
            type='MMFullyShardedDataParallel',
            use_orig_params=True,  # parameter groups need names
            auto_wrap_policy=lambda module, recurse, nonwrapped_numel: recurse or module in units,
            ignored_states=scalars,
            device_id=next(model.parameters()).device,
        )
        return super()._wrap_model(model)


def _average_gradient(parameter: Tensor) -> None:
    all_reduce(parameter.grad, op='mean')


def find_scalars(model: nn.Module) -> list[nn.Parameter]:
    """Find the parameters without dimensions, which FSDP cannot shard."""
    return [parameter for parameter in model.parameters() if not parameter.ndim]


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
