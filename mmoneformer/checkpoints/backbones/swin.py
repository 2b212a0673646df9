"""Checkpoints of Swin (arXiv 2103.14030). Our weights are laid out as in mmdet."""

import math
import re

from torch import Tensor

from mmoneformer.checkpoints.backbones.convertible_backbone import (
    QKV,
    Config,
    ConvertibleBackbone,
    ForeignKeys,
    HuggingFaceBackbone,
)
from mmoneformer.checkpoints.state_dict import StateDict, WeightShapes, under

TINY_CHANNELS = 96
NORMS = tuple((f'norm{stage}', f'norm{stage}') for stage in range(4))
MERGING = re.compile(r'backbone\.stages\.\d+\.downsample\.')
TRANSPOSED = [0, 2, 1, 3]  # four neighbors, column by column to row by row, or back

OFFICIAL = ForeignKeys(
    start='layers.',
    rows=(
        ('patch_embed.norm', 'patch_embed.norm'),
        ('patch_embed.proj', 'patch_embed.projection'),
        *under(
            'layers.*.blocks.*',
            'stages.*.blocks.*',
            (
                ('norm1', 'norm1'),
                ('attn', 'attn.w_msa'),
                ('norm2', 'norm2'),
                ('mlp.fc1', 'ffn.layers.0.0'),
                ('mlp.fc2', 'ffn.layers.1'),
            ),
        ),
        ('layers.*.downsample', 'stages.*.downsample'),
        *NORMS,
    ),
)
HUGGING_FACE_ROWS = (
    ('embeddings.patch_embeddings.projection', 'patch_embed.projection'),
    ('embeddings.norm', 'patch_embed.norm'),
    *under(
        'encoder.layers.*.blocks.*',
        'stages.*.blocks.*',
        (
            ('layernorm_before', 'norm1'),
            ('attention.self.relative_position_bias_table', 'attn.w_msa.relative_position_bias_table'),
            *((f'attention.self.{part}', f'attn.w_msa.qkv.{part}') for part in QKV),
            ('attention.output.dense', 'attn.w_msa.proj'),
            ('layernorm_after', 'norm2'),
            ('intermediate.dense', 'ffn.layers.0.0'),
            ('output.dense', 'ffn.layers.1'),
        ),
    ),
    ('encoder.layers.*.downsample', 'stages.*.downsample'),
    *((f'hidden_states_norms.stage{stage + 1}', f'norm{stage}') for stage in range(4)),
)


def read_arguments(shapes: WeightShapes) -> Config:
    """Read the arguments of ``SwinTransformer``."""
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
    )


def write_hugging_face_config(arguments: Config) -> Config:
    """Make the fields of Hugging Face's SwinConfig."""
    same = ('depths', 'num_heads', 'window_size', 'mlp_ratio')
    return dict(
        model_type='swin',
        embed_dim=arguments['embed_dims'],
        **{key: arguments[key] for key in same},
        drop_path_rate=arguments.get('drop_path_rate', 0.0),
    )


def to_channels_first(weights: StateDict) -> StateDict:
    """Reorder the inputs of patch merging, which are 2 x 2 neighbors of C channels, from the authors' order to ours.

    The authors, and Hugging Face, put the neighbors before the channels and go through them column by column; mmdet
    and we put the channels first and go row by row.
    """
    return {key: _to_channels_first(weight) if MERGING.match(key) else weight for key, weight in weights.items()}


def to_neighbors_first(weights: StateDict) -> StateDict:
    """Reorder the inputs of patch merging from our order to the authors'."""
    return {key: _to_neighbors_first(weight) if MERGING.match(key) else weight for key, weight in weights.items()}


def _to_channels_first(weight: Tensor) -> Tensor:
    """Reorder the last dimension, [..., 4 * C]."""
    return weight.unflatten(-1, (4, -1))[..., TRANSPOSED, :].mT.flatten(-2)


def _to_neighbors_first(weight: Tensor) -> Tensor:
    """Reorder the last dimension, [..., C * 4]."""
    return weight.unflatten(-1, (-1, 4)).mT[..., TRANSPOSED, :].flatten(-2)


SWIN = ConvertibleBackbone(
    start='stages.0.blocks.',
    read_arguments=read_arguments,
    not_in_weights=('drop_path_rate',),
    released_name=lambda arguments: 'swin-t' if arguments['embed_dims'] == TINY_CHANNELS else 'swin-l',
    from_authors=to_channels_first,
    to_authors=to_neighbors_first,
    constants=('.relative_position_index',),
    official=OFFICIAL,
    hugging_face=HuggingFaceBackbone(
        start='encoder.layers.',
        rows=HUGGING_FACE_ROWS,
        unused=r'.*\.relative_position_index|swin\.layernorm\..*',  # their Swin never calls this norm
        write_config=write_hugging_face_config,
    ),
)
