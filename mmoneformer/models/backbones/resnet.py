"""ResNet (arXiv 1512.03385), of mmcv's blocks."""

from collections.abc import Mapping
from typing import Any

from mmcv.cnn.resnet import BasicBlock, Bottleneck, make_res_layer
from mmengine.model import BaseModule, constant_init
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmoneformer.models.ops.checkpointing import maybe_checkpoint
from mmoneformer.registry import MODELS

DEPTHS = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
}
NORMS = ('BN', 'SyncBN')
INITIAL = [dict(type='Kaiming', layer='Conv2d'), dict(type='Constant', val=1, layer='_BatchNorm')]


@MODELS.register_module()
class ResNet(BaseModule):
    """ResNet as a backbone.

    Arguments, results and names of parameters are those of ``mmdet.ResNet``, which has more variants, and takes the
    import of all models of mmdet.

    Shapes: B images, H x W pixels, C ``base_channels``, 4 times as many with bottlenecks (a depth of 50 or more).

    Args:
        depth: Number of layers: 18, 34, 50, 101 or 152.
        stem_channels: Channels of the first convolution; by default C.
        base_channels: C.
        norm_cfg: ``type`` of the batch norms, 'BN' or 'SyncBN', whose statistics are of the batches of all processes;
            and whether their parameters are trained, ``requires_grad``. By default BN, trained.
        norm_eval: Whether batch norms stay in evaluation mode in training.
        frozen_stages: Number of stages that training leaves as they are, together with the stem; with 0 only the stem,
            with -1 nothing.
        with_cp: Whether to use gradient checkpointing in the blocks.
        init_cfg: Initialization, as in mmengine; by default Kaiming's, with blocks that add nothing to their input.

    Raises:
        ValueError: If the depth, ``frozen_stages`` or the type of the norms is none of these.
    """

    def __init__(
        self,
        *,
        depth: int,
        stem_channels: int | None = None,
        base_channels: int = 64,
        norm_cfg: Mapping[str, Any] | None = None,
        norm_eval: bool = True,
        frozen_stages: int = -1,
        with_cp: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        norms: dict[str, Any] = dict(type='BN', requires_grad=True) | dict(norm_cfg or {})
        _check(depth, frozen_stages, norms['type'])
        super().__init__(init_cfg or INITIAL)
        self.norm_eval, self.with_cp, self.is_from_nothing = norm_eval, with_cp, init_cfg is None
        channels = stem_channels or base_channels
        self.conv1 = nn.Conv2d(3, channels, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        block, counts = DEPTHS[depth]
        for index, count in enumerate(counts):
            width = base_channels * 2**index
            stage = make_res_layer(block, channels, width, count, stride=1 if index == 0 else 2)
            self.add_module(f'layer{index + 1}', stage)
            channels = width * block.expansion
        self.stages = [f'layer{index + 1}' for index in range(len(counts))]
        if norms['type'] == 'SyncBN':
            nn.SyncBatchNorm.convert_sync_batchnorm(self)
        for norm in _norms(self):
            norm.requires_grad_(norms['requires_grad'])
        stem = ['conv1', 'bn1'] if frozen_stages >= 0 else []
        self.frozen = [*stem, *self.stages[: max(0, frozen_stages)]]
        for name in self.frozen:
            self.get_submodule(name).requires_grad_(False)

    def init_weights(self) -> None:
        """Initialize the weights; without others to start from, the last norm of each block is 0."""
        is_new = self.is_from_nothing and not self.is_init
        super().init_weights()
        if is_new:
            for block in self.modules():
                if isinstance(block, BasicBlock | Bottleneck):
                    constant_init(block.bn3 if isinstance(block, Bottleneck) else block.bn2, 0)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the maps of the stages.

        Args:
            images: Normalized images, [B, 3, H, W].

        Returns:
            Maps of strides 4, 8, 16, 32, each [B, C 2^i, H / stride, W / stride].
        """
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        maps = []
        for name in self.stages:
            for block in self.get_submodule(name).children():
                x = maybe_checkpoint(block, x, recompute=self.with_cp)
            maps.append(x)
        return tuple(maps)

    def train(self, mode: bool = True) -> 'ResNet':
        """Set training mode; frozen parts stay in evaluation mode, and batch norms with ``norm_eval``."""
        super().train(mode)
        for part in (*map(self.get_submodule, self.frozen), *(_norms(self) if self.norm_eval else ())):
            part.eval()
        return self


def _check(depth: int, frozen_stages: int, norm: Any) -> None:
    if depth not in DEPTHS:
        raise ValueError(f'ResNet has a depth of {", ".join(map(str, DEPTHS))}, got {depth}')
    if frozen_stages not in range(-1, 5):
        raise ValueError(f'frozen_stages must be from -1 (none) to 4 (all), got {frozen_stages}')
    if norm not in NORMS:
        raise ValueError(f'norm_cfg.type of ResNet is one of {NORMS}, got {norm!r}: mmdet.ResNet takes others')


def _norms(module: nn.Module) -> list[_BatchNorm]:
    return [part for part in module.modules() if isinstance(part, _BatchNorm)]
