"""Names of Hugging Face's OneFormerForUniversalSegmentation, as its files have them, and ours."""

import re
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import NamedTuple

import torch
from torch import Tensor

from mmoneformer.checkpoints.key_table import KeyTable, StateDict
from mmoneformer.checkpoints.patch_merging import to_channels_first, to_neighbors_first

Rows = tuple[tuple[str, str], ...]

PARTS = ('query', 'key', 'value')  # three layers there where we have one
FUSED = re.compile(
    r'(?P<layer>backbone\..*\.qkv|panoptic_head\.masked_decoder\.layers\.\d+\.self_attn\.in_proj)\.(?P<kind>\w+)'
)
UNUSED = re.compile(  # constants that follow from the config, and a norm that their Swin never calls
    r'criterion\.empty_weight|.*\.relative_position_index|model\.pixel_level_module\.encoder\.swin\.layernorm\..*'
)


def _under(theirs: str, ours: str, rows: Iterable[tuple[str, str]]) -> Rows:
    return tuple((f'{theirs}.{their}', f'{ours}.{our}') for their, our in rows)


IN_PROJ = (('in_proj_weight', 'in_proj.weight'), ('in_proj_bias', 'in_proj.bias'), ('out_proj', 'out_proj'))
HEAD = (
    *_under(
        'model.pixel_level_module.decoder',
        'panoptic_head.pixel_decoder',
        (
            ('input_projections.*', 'input_projs.*'),
            ('level_embed', 'level_embed'),
            ('encoder.layers.*.self_attn', 'layers.*.self_attn'),
            ('encoder.layers.*.self_attn_layer_norm', 'layers.*.norm1'),
            ('encoder.layers.*.fc1', 'layers.*.ffn.linear1'),
            ('encoder.layers.*.fc2', 'layers.*.ffn.linear2'),
            ('encoder.layers.*.final_layer_norm', 'layers.*.norm2'),
            ('adapter_1', 'lateral'),
            ('layer_1', 'output'),
            ('mask_projection', 'mask_features'),
        ),
    ),
    ('model.transformer_module.queries_embedder.weight', 'panoptic_head.query_embed'),
    ('model.transformer_module.level_embed.weight', 'panoptic_head.masked_decoder.level_embed'),
    ('model.transformer_module.decoder.query_input_projection', 'panoptic_head.query_initializer.input_proj'),
    *_under(
        'model.transformer_module.decoder.query_transformer.decoder',
        'panoptic_head.query_initializer',
        (
            ('norm', 'norm'),
            *((f'layers.*.norm{norm}', f'layers.*.norm{norm}') for norm in (1, 2, 3)),
            *((f'layers.*.linear{linear}', f'layers.*.ffn.linear{linear}') for linear in (1, 2)),
            *_under('layers.*.self_attn', 'layers.*.self_attn', IN_PROJ),
            *_under('layers.*.multihead_attn', 'layers.*.cross_attn', IN_PROJ),
        ),
    ),
    *_under(
        'model.transformer_module.decoder.layers.*',
        'panoptic_head.masked_decoder.layers.*',
        (
            *_under('cross_attn.multihead_attn', 'cross_attn', IN_PROJ),
            ('cross_attn.norm', 'norm1'),
            *((f'self_attn.self_attn.{part[0]}_proj', f'self_attn.in_proj.{part}') for part in PARTS),
            ('self_attn.self_attn.out_proj', 'self_attn.out_proj'),
            ('self_attn.norm', 'norm2'),
            *((f'ffn.linear{linear}', f'ffn.linear{linear}') for linear in (1, 2)),
            ('ffn.norm', 'norm3'),
        ),
    ),
    *_under(
        'model.transformer_module.decoder',
        'panoptic_head.prediction',
        (
            ('decoder_norm', 'norm'),
            ('class_embed', 'classify'),
            ('mask_embed.layers.*.0', 'embed_masks.layers.*'),
        ),
    ),
    ('model.task_encoder.task_mlp.layers.*.0', 'panoptic_head.task_token.mlp.layers.*'),
    *_under(
        'model.text_mapper',
        'panoptic_head.text_mapper',
        (
            ('text_encoder.token_embedding', 'encoder.token_embedding'),
            ('text_encoder.positional_embedding', 'encoder.position_embedding'),
            ('text_encoder.ln_final', 'encoder.norm'),
            *_under(
                'text_encoder.transformer.layers.*',
                'encoder.blocks.*',
                (
                    *((f'layer_norm{norm}', f'norm{norm}') for norm in (1, 2)),
                    *((f'self_attn.in_proj_{kind}', f'qkv.{kind}') for kind in ('weight', 'bias')),
                    ('self_attn.out_proj', 'proj'),
                    *((f'mlp.fc{layer}', f'fc{layer}') for layer in (1, 2)),
                ),
            ),
            ('text_projector.layers.*.0', 'projector.layers.*'),
            ('prompt_ctx.weight', 'context'),
        ),
    ),
    ('criterion.logit_scale', 'panoptic_head.contrastive_loss.logit_scale'),
)

NORMS = tuple((f'hidden_states_norms.stage{stage + 1}', f'norm{stage}') for stage in range(4))
ATTENTION = (
    *((f'attention.self.{part}', f'qkv.{part}') for part in PARTS),
    ('attention.output.dense', 'proj'),
)
SWIN = (
    ('embeddings.patch_embeddings.projection', 'patch_embed.projection'),
    ('embeddings.norm', 'patch_embed.norm'),
    *_under(
        'encoder.layers.*.blocks.*',
        'stages.*.blocks.*',
        (
            ('layernorm_before', 'norm1'),
            ('attention.self.relative_position_bias_table', 'attn.w_msa.relative_position_bias_table'),
            *((theirs, f'attn.w_msa.{ours}') for theirs, ours in ATTENTION),
            ('layernorm_after', 'norm2'),
            ('intermediate.dense', 'ffn.layers.0.0'),
            ('output.dense', 'ffn.layers.1'),
        ),
    ),
    ('encoder.layers.*.downsample', 'stages.*.downsample'),
    *NORMS,
)
DINAT = (
    ('embeddings.patch_embeddings.projection', 'patch_embed.proj'),
    ('embeddings.norm', 'patch_embed.norm'),
    *_under(
        'encoder.levels.*.layers.*',
        'levels.*.blocks.*',
        (
            ('layernorm_before', 'norm1'),
            ('attention.self.rpb', 'attn.rpb'),
            *((theirs, f'attn.{ours}') for theirs, ours in ATTENTION),
            ('layernorm_after', 'norm2'),
            ('intermediate.dense', 'mlp.fc1'),
            ('output.dense', 'mlp.fc2'),
        ),
    ),
    ('encoder.levels.*.downsample', 'levels.*.downsample'),
    *NORMS,
)
CONVNEXT = (
    ('embeddings.patch_embeddings', 'downsample_layers.0.0'),
    ('embeddings.layernorm', 'downsample_layers.0.1'),
    ('encoder.stages.*.downsampling_layer', 'downsample_layers.*'),
    *_under(
        'encoder.stages.*.layers.*',
        'stages.*.*',
        (
            ('dwconv', 'dwconv'),
            ('layernorm', 'norm'),
            ('pwconv1', 'pwconv1'),
            ('pwconv2', 'pwconv2'),
            ('layer_scale_parameter', 'gamma'),
        ),
    ),
    *NORMS,
)
RESNET = (
    ('embedder.embedder.convolution', 'conv1'),
    ('embedder.embedder.normalization', 'bn1'),
    *chain.from_iterable(
        _under(
            f'encoder.stages.{stage}.layers.*',
            f'layer{stage + 1}.*',
            (
                *((f'layer.{layer}.convolution', f'conv{layer + 1}') for layer in range(3)),
                *((f'layer.{layer}.normalization', f'bn{layer + 1}') for layer in range(3)),
                ('shortcut.convolution', 'downsample.0'),
                ('shortcut.normalization', 'downsample.1'),
            ),
        )
        for stage in range(4)
    ),
)


class Backbone(NamedTuple):
    """Rows of a backbone, and the start of a key that only this backbone has, theirs and ours."""

    theirs: str
    ours: str
    rows: Rows


BACKBONES = (
    Backbone('encoder.layers.', 'stages.0.blocks.', SWIN),
    Backbone('encoder.levels.', 'levels.', DINAT),
    Backbone('embeddings.layernorm.', 'downsample_layers.', CONVNEXT),
    Backbone('embedder.', 'layer1.', RESNET),
)
ENCODER = 'model.pixel_level_module.encoder'


def from_hugging_face(state_dict: Mapping[str, Tensor]) -> StateDict:
    """Convert a state dict as their files have it; values are copied where they must change.

    Raises:
        ValueError: If a key is none of their model, or one of the three parts of an attention layer is missing.
    """
    used = {key: tensor for key, tensor in state_dict.items() if not UNUSED.fullmatch(key)}
    rows = [b.rows for b in BACKBONES if any(key.startswith(f'{ENCODER}.{b.theirs}') for key in used)]
    return to_channels_first(_join_parts(_table(rows).rename(used)))


def to_hugging_face(state_dict: Mapping[str, Tensor]) -> StateDict:
    """Convert a state dict of ours.

    Raises:
        ValueError: If a key is none of our model with one of the four backbones.
    """
    used = {key: tensor for key, tensor in state_dict.items() if not UNUSED.fullmatch(key)}
    rows = [b.rows for b in BACKBONES if any(key.startswith(f'backbone.{b.ours}') for key in used)]
    return _table(rows).inverse().rename(_split_parts(to_neighbors_first(used)))


def _table(backbone: Iterable[Rows]) -> KeyTable:
    return KeyTable((*HEAD, *_under(ENCODER, 'backbone', chain.from_iterable(backbone))))


def _split_parts(state_dict: StateDict) -> StateDict:
    split: StateDict = {}
    for key, tensor in state_dict.items():
        fused = FUSED.fullmatch(key)
        if fused:
            chunks = zip(PARTS, tensor.chunk(3), strict=True)
            split |= {f'{fused["layer"]}.{part}.{fused["kind"]}': chunk.clone() for part, chunk in chunks}
        else:
            split[key] = tensor
    return split


def _join_parts(state_dict: StateDict) -> StateDict:
    joined: StateDict = {}
    for key, tensor in state_dict.items():
        layer, _, kind = key.rpartition('.')
        layer, _, part = layer.rpartition('.')
        if not FUSED.fullmatch(f'{layer}.{kind}'):
            joined[key] = tensor
        elif part == PARTS[0]:
            keys = [f'{layer}.{name}.{kind}' for name in PARTS]
            missing = [name for name in keys if name not in state_dict]
            if missing:
                raise ValueError(f'{key} has no counterparts {missing}')
            joined[f'{layer}.{kind}'] = torch.cat([state_dict[name] for name in keys])
    return joined
