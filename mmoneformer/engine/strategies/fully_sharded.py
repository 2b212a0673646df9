"""Training with weights, gradients and optimizer state sharded among processes (FSDP, arXiv 2304.11277)."""

from contextlib import nullcontext
from typing import Any

from mmengine._strategy import FSDPStrategy
from mmengine.device import get_device
from mmengine.dist import all_reduce, is_main_process
from torch import Tensor, nn
from torch.distributed.fsdp import FullOptimStateDictConfig, FullStateDictConfig, FullyShardedDataParallel

from mmoneformer.atomic_files import replacing
from mmoneformer.engine.strategies.fsdp_units import find_fsdp_units
from mmoneformer.registry import STRATEGIES


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
        scalars = [parameter for parameter in model.parameters() if not parameter.ndim]  # FSDP cannot split them
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
