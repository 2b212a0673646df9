"""Weights of the authors' code (github.com/SHI-Labs/OneFormer) -> ours."""

from collections.abc import Iterable, Mapping
from itertools import chain

import torch
from torch import Tensor

from mmoneformer.checkpoints.key_table import KeyTable, StateDict
from mmoneformer.checkpoints.patch_merging import to_channels_first

PIXELS = 'sem_seg_head.pixel_decoder'
PREDICTOR = 'sem_seg_head.predictor'
INITIALIZER = f'{PREDICTOR}.class_transformer.decoder'

HEAD = (
    (f'{PIXELS}.input_proj.*', 'panoptic_head.pixel_decoder.input_projs.*'),
    (f'{PIXELS}.transformer.level_embed', 'panoptic_head.pixel_decoder.level_embed'),
    (f'{PIXELS}.transformer.encoder.layers.*', 'panoptic_head.pixel_decoder.layers.*'),
    (f'{PIXELS}.transformer.encoder.layers.*.linear1', 'panoptic_head.pixel_decoder.layers.*.ffn.linear1'),
    (f'{PIXELS}.transformer.encoder.layers.*.linear2', 'panoptic_head.pixel_decoder.layers.*.ffn.linear2'),
    (f'{PIXELS}.adapter_1', 'panoptic_head.pixel_decoder.lateral.0'),
    (f'{PIXELS}.adapter_1.norm', 'panoptic_head.pixel_decoder.lateral.1'),
    (f'{PIXELS}.layer_1', 'panoptic_head.pixel_decoder.output.0'),
    (f'{PIXELS}.layer_1.norm', 'panoptic_head.pixel_decoder.output.1'),
    (f'{PIXELS}.mask_features', 'panoptic_head.pixel_decoder.mask_features'),
    (f'{PREDICTOR}.query_embed.weight', 'panoptic_head.query_embed'),
    (f'{PREDICTOR}.class_input_proj', 'panoptic_head.query_initializer.input_proj'),
    (f'{INITIALIZER}.norm', 'panoptic_head.query_initializer.norm'),
    (f'{INITIALIZER}.layers.*', 'panoptic_head.query_initializer.layers.*'),
    (f'{INITIALIZER}.layers.*.linear1', 'panoptic_head.query_initializer.layers.*.ffn.linear1'),
    (f'{INITIALIZER}.layers.*.linear2', 'panoptic_head.query_initializer.layers.*.ffn.linear2'),
    (f'{INITIALIZER}.layers.*.multihead_attn', 'panoptic_head.query_initializer.layers.*.cross_attn'),
    (f'{PREDICTOR}.level_embed.weight', 'panoptic_head.masked_decoder.level_embed'),
    (
        f'{PREDICTOR}.transformer_cross_attention_layers.*.multihead_attn',
        'panoptic_head.masked_decoder.layers.*.cross_attn',
    ),
    (f'{PREDICTOR}.transformer_cross_attention_layers.*.norm', 'panoptic_head.masked_decoder.layers.*.norm1'),
    (f'{PREDICTOR}.transformer_self_attention_layers.*.self_attn', 'panoptic_head.masked_decoder.layers.*.self_attn'),
    (f'{PREDICTOR}.transformer_self_attention_layers.*.norm', 'panoptic_head.masked_decoder.layers.*.norm2'),
    (f'{PREDICTOR}.transformer_ffn_layers.*', 'panoptic_head.masked_decoder.layers.*.ffn'),
    (f'{PREDICTOR}.transformer_ffn_layers.*.norm', 'panoptic_head.masked_decoder.layers.*.norm3'),
    (f'{PREDICTOR}.decoder_norm', 'panoptic_head.prediction.norm'),
    (f'{PREDICTOR}.class_embed', 'panoptic_head.prediction.classify'),
    (f'{PREDICTOR}.mask_embed', 'panoptic_head.prediction.embed_masks'),
    ('task_mlp', 'panoptic_head.task_token.mlp'),
    ('text_encoder.token_embedding', 'panoptic_head.text_mapper.encoder.token_embedding'),
    ('text_encoder.positional_embedding', 'panoptic_head.text_mapper.encoder.position_embedding'),
    ('text_encoder.ln_final', 'panoptic_head.text_mapper.encoder.norm'),
    *(
        (
            f'text_encoder.transformer.resblocks.*.{theirs}',
            f'panoptic_head.text_mapper.encoder.blocks.*.{ours}',
        )
        for theirs, ours in (
            ('ln_1', 'norm1'),
            ('ln_2', 'norm2'),
            ('attn.in_proj_weight', 'qkv.weight'),
            ('attn.in_proj_bias', 'qkv.bias'),
            ('attn.out_proj', 'proj'),
            ('mlp.c_fc', 'fc1'),
            ('mlp.c_proj', 'fc2'),
        )
    ),
    ('text_projector', 'panoptic_head.text_mapper.projector'),
    ('prompt_ctx.weight', 'panoptic_head.text_mapper.context'),
    ('criterion.logit_scale', 'panoptic_head.contrastive_loss.logit_scale'),
)

SWIN = (
    ('backbone.patch_embed.norm', 'backbone.patch_embed.norm'),
    ('backbone.patch_embed.proj', 'backbone.patch_embed.projection'),
    ('backbone.layers.*.blocks.*', 'backbone.stages.*.blocks.*'),
    ('backbone.layers.*.blocks.*.attn', 'backbone.stages.*.blocks.*.attn.w_msa'),
    ('backbone.layers.*.blocks.*.mlp.fc1', 'backbone.stages.*.blocks.*.ffn.layers.0.0'),
    ('backbone.layers.*.blocks.*.mlp.fc2', 'backbone.stages.*.blocks.*.ffn.layers.1'),
    ('backbone.layers.*.downsample', 'backbone.stages.*.downsample'),
    *((f'backbone.norm{stage}', f'backbone.norm{stage}') for stage in range(4)),
)

RESNET = (
    ('backbone.stem.conv1', 'backbone.conv1'),
    ('backbone.stem.conv1.norm', 'backbone.bn1'),
    *(
        (f'backbone.res{stage + 1}.*.{theirs}', f'backbone.layer{stage}.*.{ours}')
        for stage in (1, 2, 3, 4)
        for theirs, ours in (
            *((f'conv{conv}', f'conv{conv}') for conv in (1, 2, 3)),
            *((f'conv{conv}.norm', f'bn{conv}') for conv in (1, 2, 3)),
            ('shortcut', 'downsample.0'),
            ('shortcut.norm', 'downsample.1'),
        )
    ),
)

SAME_NAMES = (('backbone', 'backbone'),)
BACKBONES = {  # by the start of a key that only this backbone has; their other keys look alike
    'backbone.layers.': SWIN,
    'backbone.res2.': RESNET,
    'backbone.levels.': SAME_NAMES,  # DiNAT
    'backbone.downsample_layers.': SAME_NAMES,  # ConvNeXt
}
DERIVED = ('criterion.empty_weight',)  # a constant of the authors' loss


def from_official(state_dict: Mapping[str, Tensor]) -> StateDict:
    """Convert a state dict of the authors' code; values are not copied where they need not change.

    Raises:
        ValueError: If a key is none of the authors' model.
    """
    ours = rename_official({key: tensor for key, tensor in state_dict.items() if key not in DERIVED})
    return to_channels_first(ours) | _batch_counters(ours)


def rename_official(state_dict: Mapping[str, Tensor]) -> StateDict:
    """Rename the keys alone.

    Raises:
        ValueError: If a key is none of the authors' model.
    """
    separate = {  # torch's attention has ``in_proj_weight``, ours ``in_proj.weight``; texts have rows of their own
        key if key.startswith('text_encoder') else key.replace('in_proj_', 'in_proj.'): tensor
        for key, tensor in state_dict.items()
    }
    return official_table(separate).rename(separate)


def official_table(keys: Iterable[str]) -> KeyTable:
    """The table of a model with these keys, theirs to ours."""
    all_keys = tuple(keys)
    rows = [rows for start, rows in BACKBONES.items() if any(key.startswith(start) for key in all_keys)]
    return KeyTable((*HEAD, *chain.from_iterable(rows)))


def _batch_counters(state_dict: Mapping[str, Tensor]) -> StateDict:
    """Detectron2's frozen batch norm has no counter of batches; torch's has."""
    return {
        key.replace('running_mean', 'num_batches_tracked'): torch.tensor(0)
        for key in state_dict
        if key.endswith('running_mean')
    }
