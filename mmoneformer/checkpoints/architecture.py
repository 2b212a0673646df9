"""Reads the config of a model from the shapes of its weights."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mmoneformer.checkpoints.backbones import BACKBONES, ConvertibleBackbone
from mmoneformer.checkpoints.state_dict import WeightShapes

Config = dict[str, Any]
HEAD = 'panoptic_head'


def find_backbone(state_dict: Mapping[str, Tensor]) -> ConvertibleBackbone:
    """Recognize the backbone by its keys.

    Args:
        state_dict: Weights under our keys.

    Raises:
        ValueError: If it is not one of ``BACKBONES``.
    """
    for backbone in reversed(BACKBONES.values()):
        if any(key.startswith(f'backbone.{backbone.start}') for key in state_dict):
            return backbone
    starts = [f'backbone.{backbone.start}' for backbone in BACKBONES.values()]
    raise ValueError(f'the backbone is not one of {", ".join(BACKBONES)}: no key starts with any of {starts}')


def read_architecture(state_dict: Mapping[str, Tensor], *, check_backbone: bool = True) -> Config:
    """Read all arguments that shapes define.

    Args:
        state_dict: Weights under our keys.
        check_backbone: Whether the weights must fit the type of the backbone that is found, which is not the case if
            the caller replaces it by another.

    Returns:
        Config of the model. Its backbone lacks what is ``not_in_weights``; a DiNAT has ``depths``, the number of
        blocks of each level, in place of ``dilations``.

    Raises:
        ValueError: If the backbone is unknown, does not fit its type, or a tensor is missing.
    """
    backbone, shapes = find_backbone(state_dict), WeightShapes(state_dict)
    if check_backbone:
        backbone.check(shapes)
    return dict(type='OneFormer', backbone=backbone.read_arguments(shapes), panoptic_head=_head(shapes))


def count_classes(state_dict: Mapping[str, Tensor]) -> int:
    """Number of classes, without "no object"."""
    return WeightShapes(state_dict)[f'{HEAD}.prediction.classify.bias'][0] - 1


def _head(shapes: WeightShapes) -> Config:
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
            type='MSDeformAttnPixelDecoder',
            in_channels=[shape[1] for shape in inputs],
            **_layers(shapes, pixels),
        ),
        query_initializer=_layers(shapes, initializer),
        masked_decoder=_layers(shapes, decoder),
        text_mapper=_text_mapper(shapes),
    )


def _layers(shapes: WeightShapes, part: str) -> Config:
    return dict(
        num_layers=shapes.count(f'{part}.layers'),
        feedforward_channels=shapes[f'{part}.layers.0.ffn.linear1.weight'][0],
    )


def _text_mapper(shapes: WeightShapes) -> Config | None:
    part = f'{HEAD}.text_mapper'
    if part not in shapes:
        return None  # it is for training only
    encoder = dict(
        type='TextEncoder',
        width=shapes[f'{part}.encoder.token_embedding.weight'][1],
        num_layers=shapes.count(f'{part}.encoder.blocks'),
    )
    return dict(type='TextMapper', encoder=encoder, num_context=shapes[f'{part}.context'][0])
