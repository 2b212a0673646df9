"""Weights of the authors' code (github.com/SHI-Labs/OneFormer) -> ours."""

from collections.abc import Iterable, Mapping

from torch import Tensor

from mmoneformer.checkpoints.backbones import BACKBONES, ConvertibleBackbone
from mmoneformer.checkpoints.state_dict import KeyTable, StateDict, under

PREDICTOR = 'sem_seg_head.predictor'
FEED_FORWARD = (('linear1', 'ffn.linear1'), ('linear2', 'ffn.linear2'))
HEAD = (
    *under(
        'sem_seg_head.pixel_decoder',
        'panoptic_head.pixel_decoder',
        (
            ('input_proj.*', 'input_projs.*'),
            ('transformer.level_embed', 'level_embed'),
            ('transformer.encoder.layers.*', 'layers.*'),
            *under('transformer.encoder.layers.*', 'layers.*', FEED_FORWARD),
            ('adapter_1', 'lateral.0'),
            ('adapter_1.norm', 'lateral.1'),
            ('layer_1', 'output.0'),
            ('layer_1.norm', 'output.1'),
            ('mask_features', 'mask_features'),
        ),
    ),
    (f'{PREDICTOR}.query_embed.weight', 'panoptic_head.query_embed'),
    (f'{PREDICTOR}.class_input_proj', 'panoptic_head.query_initializer.input_proj'),
    *under(
        f'{PREDICTOR}.class_transformer.decoder',
        'panoptic_head.query_initializer',
        (
            ('norm', 'norm'),
            ('layers.*', 'layers.*'),
            *under('layers.*', 'layers.*', FEED_FORWARD),
            ('layers.*.multihead_attn', 'layers.*.cross_attn'),
        ),
    ),
    *under(
        PREDICTOR,
        'panoptic_head.masked_decoder',
        (
            ('level_embed.weight', 'level_embed'),
            ('transformer_cross_attention_layers.*.multihead_attn', 'layers.*.cross_attn'),
            ('transformer_cross_attention_layers.*.norm', 'layers.*.norm1'),
            ('transformer_self_attention_layers.*.self_attn', 'layers.*.self_attn'),
            ('transformer_self_attention_layers.*.norm', 'layers.*.norm2'),
            ('transformer_ffn_layers.*', 'layers.*.ffn'),
            ('transformer_ffn_layers.*.norm', 'layers.*.norm3'),
        ),
    ),
    *under(
        PREDICTOR,
        'panoptic_head.prediction',
        (('decoder_norm', 'norm'), ('class_embed', 'classify'), ('mask_embed', 'embed_masks')),
    ),
    ('task_mlp', 'panoptic_head.task_token.mlp'),
    *under(
        'text_encoder',
        'panoptic_head.text_mapper.encoder',
        (
            ('token_embedding', 'token_embedding'),
            ('positional_embedding', 'position_embedding'),
            ('ln_final', 'norm'),
            *under(
                'transformer.resblocks.*',
                'blocks.*',
                (
                    ('ln_1', 'norm1'),
                    ('ln_2', 'norm2'),
                    ('attn.in_proj_weight', 'qkv.weight'),
                    ('attn.in_proj_bias', 'qkv.bias'),
                    ('attn.out_proj', 'proj'),
                    ('mlp.c_fc', 'fc1'),
                    ('mlp.c_proj', 'fc2'),
                ),
            ),
        ),
    ),
    ('text_projector', 'panoptic_head.text_mapper.projector'),
    ('prompt_ctx.weight', 'panoptic_head.text_mapper.context'),
    ('criterion.logit_scale', 'panoptic_head.contrastive_loss.logit_scale'),
)
DERIVED = ('criterion.empty_weight',)  # a constant of the authors' loss


def from_official(state_dict: Mapping[str, Tensor]) -> StateDict:
    """Convert a state dict of the authors' code; values are not copied where they need not change.

    Raises:
        ValueError: If a key is not one of the authors' model.
    """
    ours = rename_official({key: tensor for key, tensor in state_dict.items() if key not in DERIVED})
    backbone = _find_backbone(state_dict)
    return backbone.from_authors(ours) if backbone else ours


def rename_official(state_dict: Mapping[str, Tensor]) -> StateDict:
    """Rename the keys alone.

    Raises:
        ValueError: If a key is not one of the authors' model.
    """
    separate = {  # torch's attention has ``in_proj_weight``, ours ``in_proj.weight``; texts have rows of their own
        key if key.startswith('text_encoder') else key.replace('in_proj_', 'in_proj.'): tensor
        for key, tensor in state_dict.items()
    }
    return official_table(separate).rename(separate)


def official_table(keys: Iterable[str]) -> KeyTable:
    """The table of a model with these keys, theirs to ours."""
    backbone = _find_backbone(keys)
    rows = under('backbone', 'backbone', backbone.official.rows) if backbone and backbone.official else ()
    return KeyTable((*HEAD, *rows))


def _find_backbone(keys: Iterable[str]) -> ConvertibleBackbone | None:
    all_keys = tuple(keys)
    for backbone in reversed(BACKBONES.values()):
        if backbone.official and any(key.startswith(f'backbone.{backbone.official.start}') for key in all_keys):
            return backbone
    return None
