"""Checkpoints of DiNAT (arXiv 2209.15001)."""

from collections.abc import Mapping
from typing import Any

from mmoneformer.checkpoints.backbones.convertible_backbone import (
    QKV,
    Config,
    ConvertibleBackbone,
    ForeignKeys,
    HuggingFaceBackbone,
)
from mmoneformer.checkpoints.state_dict import WeightShapes, under

OFFICIAL = ForeignKeys(
    start='levels.',
    rows=tuple((name, name) for name in ('patch_embed', 'levels', *(f'norm{level}' for level in range(4)))),
)
HUGGING_FACE_ROWS = (
    ('embeddings.patch_embeddings.projection', 'patch_embed.proj'),
    ('embeddings.norm', 'patch_embed.norm'),
    *under(
        'encoder.levels.*.layers.*',
        'levels.*.blocks.*',
        (
            ('layernorm_before', 'norm1'),
            ('attention.self.rpb', 'attn.rpb'),
            *((f'attention.self.{part}', f'attn.qkv.{part}') for part in QKV),
            ('attention.output.dense', 'attn.proj'),
            ('layernorm_after', 'norm2'),
            ('intermediate.dense', 'mlp.fc1'),
            ('output.dense', 'mlp.fc2'),
        ),
    ),
    ('encoder.levels.*.downsample', 'levels.*.downsample'),
    *((f'hidden_states_norms.stage{level + 1}', f'norm{level}') for level in range(4)),
)


def read_arguments(shapes: WeightShapes) -> Config:
    """Read the arguments of ``DiNAT``, with ``depths``, the number of blocks of each level, for its ``dilations``."""
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
    )


def complete(arguments: Config, given: Mapping[str, Any], released: Mapping[str, Any] | None) -> Config:
    """Replace ``depths`` by the dilations, the given ones or those of the released DiNAT with as many blocks.

    Raises:
        ValueError: If neither exists.
    """
    arguments = dict(arguments)
    depths = arguments.pop('depths')
    dilations = given.get('dilations')
    if not dilations and released and [len(level) for level in released['dilations']] == depths:
        dilations = [list(level) for level in released['dilations']]
    if not dilations:
        raise ValueError(
            f'weights do not define the dilations of a DiNAT, and none was released with {depths} blocks for this '
            'data set: pass them, as in --cfg-options "model.backbone.dilations=[[1,20,1],...]"'
        )
    return arguments | dict(dilations=dilations)


def write_hugging_face_config(arguments: Config) -> Config:
    """Make the fields of Hugging Face's DinatConfig."""
    same = ('dilations', 'num_heads', 'kernel_size', 'mlp_ratio')
    return dict(
        model_type='dinat',
        embed_dim=arguments['embed_dims'],
        depths=[len(level) for level in arguments['dilations']],
        **{key: arguments[key] for key in same},
        drop_path_rate=arguments.get('drop_path_rate', 0.0),
    )


DINAT = ConvertibleBackbone(
    start='levels.',
    read_arguments=read_arguments,
    not_in_weights=('dilations', 'drop_path_rate'),
    complete=complete,
    released_name=lambda _: 'dinat-l',
    official=OFFICIAL,
    hugging_face=HuggingFaceBackbone(
        start='encoder.levels.',
        rows=HUGGING_FACE_ROWS,
        write_config=write_hugging_face_config,
        arguments=('dilations',),
    ),
)
