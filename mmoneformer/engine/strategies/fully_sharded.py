"""Training that splits weights, gradients and optimizer state among the processes (FSDP, arXiv 2304.11277)."""

from contextlib import nullcontext
from typing import Any

from mmengine._strategy import FSDPStrategy
from mmengine.device import get_device
from mmengine.dist import all_reduce, is_main_process
from torch import Tensor, nn
from torch.distributed.fsdp import FullOptimStateDictConfig, FullStateDictConfig, FullyShardedDataParallel

from mmoneformer.atomic_files import replacing
from mmoneformer.models.backbones.convnext import ConvNeXtBlock
from mmoneformer.models.backbones.dinat import DiNATBlock
from mmoneformer.models.backbones.swin import SwinBlock
from mmoneformer.models.masked_decoder import DecoderLayer
from mmoneformer.models.pixel_decoder import EncoderLayer
from mmoneformer.models.query_initializer import InitializerLayer
from mmoneformer.models.text.text_encoder import TextBlock
from mmoneformer.registry import STRATEGIES

LAYERS = (ConvNeXtBlock, DiNATBlock, SwinBlock, EncoderLayer, InitializerLayer, DecoderLayer, TextBlock)


@STRATEGIES.register_module()
class FullyShardedStrategy(FSDPStrategy):
    """mmengine's FSDP, on GPUs or CPUs, with ``FullyShardedOptimWrapper``.

    A layer is put together for the time that it computes, what is in no layer for the whole step. Checkpoints are
    those of any other training: the first process writes one file with all weights.

    Args:
        **kwargs: Of ``mmengine._strategy.FSDPStrategy``, which also has activation checkpointing.

    Raises:
        ValueError: If there is a single process.
    """

    def __init__(self, **kwargs: Any) -> None:
        to_cpu = get_device() != 'cpu'  # where weights are there already they would not be copied, and freed under us
        states = dict(
            state_dict_type='FULL_STATE_DICT',
            state_dict_config=FullStateDictConfig(rank0_only=True, offload_to_cpu=to_cpu),
            optim_state_dict_config=FullOptimStateDictConfig(rank0_only=True, offload_to_cpu=to_cpu),
        )
        super().__init__(state_dict_cfg=states, **kwargs)
        if self.world_size == 1:
            raise ValueError('one process has nothing to share the model with: start several by tools/dist_train.sh')

    def save_checkpoint(self, filename: str, **kwargs: Any) -> None:
        """Gather the states in the first process, which writes them to a file that is complete or not there."""
        with replacing(filename, sync=True) if is_main_process() else nullcontext(filename) as part:
            super().save_checkpoint(str(part), **kwargs)

    def load_checkpoint(self, filename: str, **kwargs: Any) -> dict[str, Any]:
        """Load into all processes; hooks that change the checkpoint may read the state of the whole model."""
        whole = FullStateDictConfig(offload_to_cpu=False)
        with FullyShardedDataParallel.state_dict_type(self.model, self.state_dict_type, whole):
            return super().load_checkpoint(filename, **kwargs)

    def load_optim_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take this process's part; torch has changed the order of the arguments since mmengine called it."""
        optimizer = self.optim_wrapper.optimizer
        self.optim_wrapper.load_state_dict(
            FullyShardedDataParallel.optim_state_dict_to_load(
                model=self.model, optim=optimizer, optim_state_dict=state_dict
            )
        )

    def _wrap_model(self, model: nn.Module) -> nn.Module:
        model = model.to(get_device())
        scalars = [parameter for parameter in model.parameters() if not parameter.ndim]  # FSDP cannot split them
        for scalar in scalars:
            scalar.register_post_accumulate_grad_hook(_average_gradient)
        self.model_wrapper = dict(
            type='MMFullyShardedDataParallel',
            use_orig_params=True,  # parameter groups need names
            auto_wrap_policy=_is_layer,
            ignored_states=scalars,
            device_id=next(model.parameters()).device,
        )
        return super()._wrap_model(model)


def _is_layer(module: nn.Module, recurse: bool, nonwrapped_numel: int) -> bool:
    """Policy of FSDP: look into every module, and wrap the layers."""
    return recurse or isinstance(module, LAYERS)


def _average_gradient(parameter: Tensor) -> None:
    all_reduce(parameter.grad, op='mean')
