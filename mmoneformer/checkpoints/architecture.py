"""Reads a model's config off its weights."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

Config = dict[str, Any]
HEAD = 'panoptic_head'
RESNET_DEPTHS: dict[
    tuple[tuple[int, ...], bool], int
] = {  # by the blocks of each stage, and whether they are bottlenecks
    ((2, 2, 2, 2), False): 18,
    ((3, 4, 6, 3), False): 34,
    ((3, 4, 6, 3), True): 50,
    ((3, 4, 23, 3), True): 101,
    ((3, 8, 36, 3), True): 152,
}


class Shapes:
    """Shapes of the tensors of a checkpoint.

    Args:
        state_dict: Weights under our keys.
    """

    def __init__(self, state_dict: Mapping[str, Tensor]) -> None:
        self._shapes = {key: tuple(tensor.shape) for key, tensor in state_dict.items()}

    def __getitem__(self, key: str) -> tuple[int, ...]:
        if key not in self._shapes:
            raise ValueError(f'the checkpoint has no tensor {key!r}, which tells how the model is built')
        return self._shapes[key]

    def __contains__(self, start: str) -> bool:
        return any(key == start or key.startswith(f'{start}.') for key in self._shapes)

    def count(self, prefix: str) -> int:
        """Number of parts ``prefix.0``, ``prefix.1``, ..."""
        parts = {key[len(prefix) + 1 :].partition('.')[0] for key in self._shapes if key.startswith(f'{prefix}.')}
        return len(parts)


def read_architecture(state_dict: Mapping[str, Tensor]) -> Config:
    """Read all numbers that shapes can tell; what only training needs takes the paper's values.

    Args:
        state_dict: Weights under our keys.

    Returns:
        Config of the model without its metainfo. DiNAT's has ``depths``, the number of blocks of each level, where it
        needs ``dilations``: no shape tells these.

    Raises:
        ValueError: If the backbone is none that is known, or a tensor is missing.
    """
    shapes = Shapes(state_dict)
    backbone = next((read(shapes) for start, read in BACKBONES.items() if start in shapes), None)
    if backbone is None:
        raise ValueError(f'the backbone is none of Swin, DiNAT, ConvNeXt and ResNet: no key begins {list(BACKBONES)}')
    return dict(type='OneFormer', backbone=backbone, panoptic_head=_head(shapes))


def count_classes(state_dict: Mapping[str, Tensor]) -> int:
    """Number of classes, without "no object"."""
    return Shapes(state_dict)[f'{HEAD}.prediction.classify.bias'][0] - 1


def _head(shapes: Shapes) -> Config:
    pixels, initializer, decoder = (
        f'{HEAD}.{part}' for part in ('pixel_decoder', 'query_initializer', 'masked_decoder')
    )
    num_queries, channels = shapes[f'{HEAD}.query_embed']
    inputs = [shapes[f'{pixels}.lateral.0.weight'], *(shapes[f'{pixels}.input_projs.{i}.0.weight'] for i in (2, 1, 0))]
    return dict(
        type='OneFormerHead',
        num_queries=num_queries,
        channels=channels,
        pixel_decoder=dict(
            type='MSDeformAttnPixelDecoder', in_channels=[shape[1] for shape in inputs], **_layers(shapes, pixels)
        ),
        query_initializer=_layers(shapes, initializer),
        masked_decoder=_layers(shapes, decoder),
        text_mapper=_text_mapper(shapes),
    )


def _layers(shapes: Shapes, part: str) -> Config:
    return dict(
        num_layers=shapes.count(f'{part}.layers'),
        feedforward_channels=shapes[f'{part}.layers.0.ffn.linear1.weight'][0],
    )


def _text_mapper(shapes: Shapes) -> Config | None:
    part = f'{HEAD}.text_mapper'
    if part not in shapes:
        return None  # only training needs it
    encoder = dict(
        type='TextEncoder',
        width=shapes[f'{part}.encoder.token_embedding.weight'][1],
        num_layers=shapes.count(f'{part}.encoder.blocks'),
    )
    return dict(type='TextMapper', encoder=encoder, num_context=shapes[f'{part}.context'][0])


def _swin(shapes: Shapes) -> Config:
    stages = [f'backbone.stages.{stage}.blocks' for stage in range(shapes.count('backbone.stages'))]
    tables = [shapes[f'{stage}.0.attn.w_msa.relative_position_bias_table'] for stage in stages]
    hidden, width = shapes[f'{stages[0]}.0.ffn.layers.0.0.weight']
    return dict(
        type='SwinTransformer',
        embed_dims=width,
        depths=[shapes.count(stage) for stage in stages],
        num_heads=[heads for _, heads in tables],
        window_size=(math.isqrt(tables[0][0]) + 1) // 2,
        mlp_ratio=hidden // width,
        drop_path_rate=0.3,
    )


def _dinat(shapes: Shapes) -> Config:
    levels = [f'backbone.levels.{level}.blocks' for level in range(shapes.count('backbone.levels'))]
    biases = [shapes[f'{level}.0.attn.rpb'] for level in levels]
    hidden, width = shapes[f'{levels[0]}.0.mlp.fc1.weight']
    return dict(
        type='DiNAT',
        embed_dims=width,
        depths=[shapes.count(level) for level in levels],
        num_heads=[heads for heads, *_ in biases],
        kernel_size=(biases[0][1] + 1) // 2,
        mlp_ratio=hidden / width,
        drop_path_rate=0.3,
    )


def _convnext(shapes: Shapes) -> Config:
    stages = [f'backbone.stages.{stage}' for stage in range(shapes.count('backbone.stages'))]
    return dict(
        type='ConvNeXt',
        depths=[shapes.count(stage) for stage in stages],
        channels=[shapes[f'{stage}.0.gamma'][0] for stage in stages],
        drop_path_rate=0.4,
    )


def _resnet(shapes: Shapes) -> Config:
    blocks = tuple(shapes.count(f'backbone.layer{stage}') for stage in (1, 2, 3, 4))
    depth = RESNET_DEPTHS.get((blocks, 'backbone.layer1.0.conv3' in shapes))
    if depth is None:
        raise ValueError(f'a ResNet with {blocks} blocks is none of depth {sorted(set(RESNET_DEPTHS.values()))}')
    return dict(
        type='mmdet.ResNet',
        depth=depth,
        stem_channels=shapes['backbone.conv1.weight'][0],
        base_channels=shapes['backbone.layer1.0.conv1.weight'][0],
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
    )


BACKBONES: dict[str, Callable[[Shapes], Config]] = {  # by a part that only this backbone has
    'backbone.stages.0.blocks': _swin,
    'backbone.levels': _dinat,
    'backbone.downsample_layers': _convnext,
    'backbone.layer1': _resnet,
}
