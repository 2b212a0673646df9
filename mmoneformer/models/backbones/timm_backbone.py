"""Networks of timm that give maps of several strides, as backbones."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmoneformer.models.backbone_maps import SIDES, STRIDES, evaluation_mode
from mmoneformer.models.backbones.library_module import LibraryModule
from mmoneformer.models.backbones.timm_models import build_timm, find_record
from mmoneformer.models.backbones.timm_network import TimmNetwork
from mmoneformer.registry import MODELS

FITTING = 'convnextv2_tiny, swin_tiny_patch4_window7_224, sam2_hiera_tiny, mobilenetv4_conv_small, resnet18'


@MODELS.register_module()
class TimmBackbone(LibraryModule):
    """A network of timm as a backbone: its maps of strides 4, 8, 16 and 32 (``features_only`` in timm).

    Args:
        model: Name in timm, with or without a tag of its weights, such as 'convnextv2_tiny.fcmae_ft_in22k_in1k'.
        pretrained: Whether training starts from timm's weights, which are downloaded on first use.
        checkpoint: File with the weights to start from instead, safetensors or .pth.
        drop_path_rate: Stochastic depth, as timm defines it for the model.
        frozen_stages: Number of maps, from the finest, that training does not change: parameters that they depend on
            are frozen, and kept in evaluation mode. 4 freezes all, -1 and 0 nothing.
        norm_eval: Whether batch norms stay in evaluation mode in training.
        with_cp: Whether to use gradient checkpointing.
        init_cfg: Initialization, as in mmengine.

    Raises:
        ImportError: If timm is not installed.
        ValueError: If timm has no such model, it has no maps of these strides, or it lacks what an argument asks for.
    """

    def __init__(
        self,
        *,
        model: str,
        pretrained: bool = False,
        checkpoint: str | None = None,
        drop_path_rate: float = 0.0,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        any_size = dict(dynamic_img_size=True) if find_record(model).fixed_input_size else {}
        build = partial(
            build_timm, model, if_known=any_size, features_only=True, drop_path_rate=drop_path_rate or None
        )
        network = TimmNetwork(model, build)
        super().__init__(network, pretrained=pretrained, checkpoint=checkpoint, init_cfg=init_cfg)
        self.norm_eval = norm_eval
        self.map_indices = _find_maps(self.net, model)
        if with_cp:
            _use_checkpointing(self.net, model)
        self._freeze(frozen_stages)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the maps.

        Args:
            images: Normalized images, [B, 3, H, W].

        Returns:
            Maps of strides 4, 8, 16, 32, each [B, C_i, H / stride, W / stride].
        """
        maps = self.net(images)
        channels_last = getattr(self.net, 'output_fmt', None) == 'NHWC'
        return tuple(maps[index].permute(0, 3, 1, 2) if channels_last else maps[index] for index in self.map_indices)

    def train(self, mode: bool = True) -> 'TimmBackbone':
        """Set training mode; frozen parts stay in evaluation mode, and batch norms with ``norm_eval``."""
        super().train(mode)
        for module in self.net.modules():
            parameters = list(module.parameters())
            is_frozen = bool(parameters) and not any(parameter.requires_grad for parameter in parameters)
            if is_frozen or (self.norm_eval and isinstance(module, _BatchNorm)):
                module.eval()
        return self

    def _freeze(self, count: int) -> None:
        """Freeze what the first maps are computed from; a blank image shows which parameters these are."""
        if count not in range(-1, len(STRIDES) + 1):
            raise ValueError(f'frozen_stages must be from -1 (none) to {len(STRIDES)} (all), got {count}')
        parameters = list(self.net.parameters())
        if 0 < count < len(STRIDES):
            side = SIDES[-1]
            with evaluation_mode(self.net), torch.enable_grad():
                total = self(parameters[0].new_zeros(1, 3, side, side))[count - 1].sum()
            gradients = torch.autograd.grad(total, parameters, allow_unused=True)
            parameters = [
                parameter for parameter, found in zip(parameters, gradients, strict=True) if found is not None
            ]
        for parameter in parameters if count > 0 else ():
            parameter.requires_grad_(False)


def _find_maps(net: Any, model: str) -> list[int]:
    """Indices of the maps of strides 4, 8, 16 and 32 in the output of a network."""
    strides = net.feature_info.reduction()
    missing = [stride for stride in STRIDES if stride not in strides]
    if not missing:
        return [strides.index(stride) for stride in STRIDES]
    if len(set(strides)) == 1:
        remedy = "it is a plain vision transformer, for which type='TimmViT' makes the others"
    else:
        remedy = f'take a model that has them, such as {FITTING}'
    raise ValueError(f'{model} of timm gives maps of strides {strides}, none of stride {missing[0]}: {remedy}')


def _use_checkpointing(net: nn.Module, model: str) -> None:
    """Switch on timm's gradient checkpointing, of blocks where they have it, else of stages."""
    parts = [part for part in net.modules() if hasattr(part, 'grad_checkpointing')]
    if not parts:
        raise ValueError(f'{model} of timm has no gradient checkpointing: leave with_cp out')
    part: Any
    for part in parts[1:] or parts:  # the first is the network, whose stages would run thrice with both
        part.grad_checkpointing = True
