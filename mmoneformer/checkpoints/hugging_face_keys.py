"""Names of Hugging Face's OneFormerForUniversalSegmentation, as its files have them, and ours."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from mmoneformer.checkpoints.backbones import BACKBONES, ConvertibleBackbone
from mmoneformer.checkpoints.backbones.convertible_backbone import QKV
from mmoneformer.checkpoints.state_dict import KeyTable, StateDict, under
from mmoneformer.errors import first_few

ENCODER = 'model.pixel_level_module.encoder'
CLASS_WEIGHTS = 'criterion.empty_weight'  # a constant that follows from the config
FUSED = re.compile(
    r'(?P<layer>backbone\..*\.qkv|panoptic_head\.masked_decoder\.layers\.\d+\.self_attn\.in_proj)\.(?P<kind>\w+)'
)
IN_PROJ = (('in_proj_weight', 'in_proj.weight'), ('in_proj_bias', 'in_proj.bias'), ('out_proj', 'out_proj'))
HEAD = (
    *under(
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
    *under(
        'model.transformer_module.decoder.query_transformer.decoder',
        'panoptic_head.query_initializer',
        (
            ('norm', 'norm'),
            *((f'layers.*.norm{norm}', f'layers.*.norm{norm}') for norm in (1, 2, 3)),
            *((f'layers.*.linear{linear}', f'layers.*.ffn.linear{linear}') for linear in (1, 2)),
            *under('layers.*.self_attn', 'layers.*.self_attn', IN_PROJ),
            *under('layers.*.multihead_attn', 'layers.*.cross_attn', IN_PROJ),
        ),
    ),
    *under(
        'model.transformer_module.decoder.layers.*',
        'panoptic_head.masked_decoder.layers.*',
        (
            *under('cross_attn.multihead_attn', 'cross_attn', IN_PROJ),
            ('cross_attn.norm', 'norm1'),
            *((f'self_attn.self_attn.{part[0]}_proj', f'self_attn.in_proj.{part}') for part in QKV),
            ('self_attn.self_attn.out_proj', 'self_attn.out_proj'),
            ('self_attn.norm', 'norm2'),
            *((f'ffn.linear{linear}', f'ffn.linear{linear}') for linear in (1, 2)),
            ('ffn.norm', 'norm3'),
        ),
    ),
    *under(
        'model.transformer_module.decoder',
        'panoptic_head.prediction',
        (
            ('decoder_norm', 'norm'),
            ('class_embed', 'classify'),
            ('mask_embed.layers.*.0', 'embed_masks.layers.*'),
        ),
    ),
    ('model.task_encoder.task_mlp.layers.*.0', 'panoptic_head.task_token.mlp.layers.*'),
    *under(
        'model.text_mapper',
        'panoptic_head.text_mapper',
        (
            ('text_encoder.token_embedding', 'encoder.token_embedding'),
            ('text_encoder.positional_embedding', 'encoder.position_embedding'),
            ('text_encoder.ln_final', 'encoder.norm'),
            *under(
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


def from_hugging_face(state_dict: Mapping[str, Tensor]) -> StateDict:
    """Convert a state dict as their files have it; values are copied where they must change.

    Raises:
        ValueError: If a key is not one of their model, or one of the three parts of an attention layer is missing.
    """
    backbone = _find_backbone(state_dict, is_theirs=True)
    ours = _join_parts(_table(backbone).rename(_without_unused(state_dict, ENCODER, backbone)))
    return backbone.from_authors(ours) if backbone else ours


def to_hugging_face(state_dict: Mapping[str, Tensor]) -> StateDict:
    """Convert a state dict of ours.

    Raises:
        ValueError: If a key is not one of our model with a backbone that they have.
    """
    backbone = _find_backbone(state_dict, is_theirs=False)
    ours = _without_unused(state_dict, 'backbone', backbone)
    return _table(backbone).inverse().rename(_split_parts(backbone.to_authors(ours) if backbone else ours))


def _find_backbone(state_dict: Mapping[str, Tensor], *, is_theirs: bool) -> ConvertibleBackbone | None:
    for backbone in reversed(BACKBONES.values()):
        if backbone.hugging_face:
            theirs, ours = f'{ENCODER}.{backbone.hugging_face.start}', f'backbone.{backbone.start}'
            if any(key.startswith(theirs if is_theirs else ours) for key in state_dict):
                return backbone
    return None


def _table(backbone: ConvertibleBackbone | None) -> KeyTable:
    rows = under(ENCODER, 'backbone', backbone.hugging_face.rows) if backbone and backbone.hugging_face else ()
    return KeyTable((*HEAD, *rows))


def _without_unused(state_dict: Mapping[str, Tensor], prefix: str, backbone: ConvertibleBackbone | None) -> StateDict:
    unused = re.escape(CLASS_WEIGHTS)
    if backbone and backbone.hugging_face:
        unused += rf'|{re.escape(prefix)}\.(?:{backbone.hugging_face.unused})'
    return {key: tensor for key, tensor in state_dict.items() if not re.fullmatch(unused, key)}


def _split_parts(state_dict: StateDict) -> StateDict:
    split: StateDict = {}
    for key, tensor in state_dict.items():
        fused = FUSED.fullmatch(key)
        if fused:
            chunks = zip(QKV, tensor.chunk(3), strict=True)
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
        elif part == QKV[0]:
            keys = [f'{layer}.{name}.{kind}' for name in QKV]
            missing = [name for name in keys if name not in state_dict]
            if missing:
                raise ValueError(f'{key} is in the checkpoint without {first_few(missing)}')
            joined[f'{layer}.{kind}'] = torch.cat([state_dict[name] for name in keys])
    return joined
