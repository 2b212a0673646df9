"""Config of Hugging Face's OneFormer and of its processor, as their json files have them, from ours and back."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmoneformer.checkpoints.architecture import RESNET_DEPTHS
from mmoneformer.checkpoints.infer_config import SourceInfo
from mmoneformer.metainfo import IGNORED_LABEL, Metainfo
from mmoneformer.models.text.tokenizer import CONTEXT_LENGTH, VOCABULARY_SIZE

Config = Mapping[str, Any]
Json = dict[str, Any]
STAGES = [f'stage{stage}' for stage in (1, 2, 3, 4)]
CLASS_FILE = 'classes.json'
WITHOUT_TEXTS: Json = dict(
    num_context=16, encoder=dict(width=256, num_layers=6)
)  # theirs describes a text mapper always
CLASS_WEIGHT_KEY = 'criterion.empty_weight'
NO_OBJECT_WEIGHT = 0.1


def class_weights(metainfo: Metainfo) -> Tensor:
    """Weights of the classes in their loss, [K + 1]; in their files they are a tensor."""
    return torch.tensor([1.0] * len(metainfo['classes']) + [NO_OBJECT_WEIGHT])


def model_json(model: Config, metainfo: Metainfo) -> Json:
    """Their config.json.

    Args:
        model: Config of the model as ``read_architecture`` gives it, a DiNAT with its dilations.
        metainfo: Of the data set.

    Raises:
        ValueError: If their model cannot be built like this one.
    """
    head = model['panoptic_head']
    channels, text_mapper = head['channels'], head['text_mapper'] or WITHOUT_TEXTS
    _check_equal('feedforward_channels', head['query_initializer'], head['masked_decoder'])
    text_width = text_mapper['encoder']['width']
    if head['text_mapper'] and text_width != channels:
        raise ValueError(
            f'Hugging Face needs texts as wide as the queries, here they have {text_width} and {channels}'
        )
    return dict(
        architectures=['OneFormerForUniversalSegmentation'],
        model_type='oneformer',
        torch_dtype='float32',
        backbone_config=_backbone_json(model['backbone']),
        num_queries=head['num_queries'],
        hidden_dim=channels,
        mask_dim=channels,
        conv_dim=channels,
        encoder_layers=head['pixel_decoder']['num_layers'],
        encoder_feedforward_dim=head['pixel_decoder']['feedforward_channels'],
        query_dec_layers=head['query_initializer']['num_layers'],
        decoder_layers=head['masked_decoder']['num_layers'] + 1,  # theirs counts the predictions
        dim_feedforward=head['masked_decoder']['feedforward_channels'],
        text_encoder_n_ctx=text_mapper['num_context'],
        text_encoder_width=text_width,
        text_encoder_num_layers=text_mapper['encoder']['num_layers'],
        no_object_weight=NO_OBJECT_WEIGHT,
        is_training=False,  # with True, it wants texts to predict
        id2label={str(index): name for index, name in enumerate(metainfo['classes'])},
        label2id={name: index for index, name in enumerate(metainfo['classes'])},
    )


def processor_json(model: Config, scale: Sequence[int], class_folder: str) -> Json:
    """Their preprocessor_config.json.

    Args:
        model: As of ``model_json``, and with ``data_preprocessor``.
        scale: Longer and shorter side of test images, at most.
        class_folder: Absolute path of the folder in which ``CLASS_FILE`` is.
    """
    head, normalization = model['panoptic_head'], model['data_preprocessor']
    num_context = (head['text_mapper'] or WITHOUT_TEXTS)['num_context']
    return dict(
        image_processor_type='OneFormerImageProcessor',
        processor_class='OneFormerProcessor',
        do_resize=True,
        size=dict(shortest_edge=min(scale), longest_edge=max(scale)),
        resample=2,  # bilinear
        do_rescale=True,
        rescale_factor=1 / 255,
        do_normalize=True,
        image_mean=[value / 255 for value in normalization['mean']],
        image_std=[value / 255 for value in normalization['std']],
        ignore_index=IGNORED_LABEL,
        repo_path=class_folder,
        class_info_file=CLASS_FILE,
        num_text=head['num_queries'] - num_context,
    )


def tokenizer_json() -> Json:
    """Their tokenizer_config.json, of CLIP's tokenizer."""
    start, end = '<|startoftext|>', '<|endoftext|>'
    return dict(
        tokenizer_class='CLIPTokenizer',
        processor_class='OneFormerProcessor',
        model_max_length=CONTEXT_LENGTH,
        vocab_size=VOCABULARY_SIZE,
        bos_token=start,
        eos_token=end,
        unk_token=end,
        pad_token=end,
    )


def classes_json(metainfo: Metainfo) -> Json:
    """The file of classes that their processor reads; the colors are ours."""
    things = set(metainfo['thing_ids'])
    return {
        str(index): dict(name=name, isthing=int(index in things), color=list(color))
        for index, (name, color) in enumerate(zip(metainfo['classes'], metainfo['palette'], strict=True))
    }


def read_json(config: Config, processor: Config | None, classes: Mapping[str, Json] | None) -> SourceInfo:
    """Read what their files say beside the weights."""
    size = (processor or {}).get('size') or {}
    scale = None
    if isinstance(size, Mapping) and {'shortest_edge', 'longest_edge'} <= set(size):
        scale = (size['longest_edge'], size['shortest_edge'])
    metainfo = None
    if classes:
        rows = [classes[str(index)] for index in range(len(classes))]
        metainfo = dict(
            classes=tuple(row['name'] for row in rows),
            thing_ids=tuple(index for index, row in enumerate(rows) if row['isthing']),
            palette=[tuple(row['color']) for row in rows] if all('color' in row for row in rows) else None,
        )
    return SourceInfo(metainfo=metainfo, scale=scale, dilations=config['backbone_config'].get('dilations'))


def _backbone_json(backbone: Config) -> Json:
    kind = backbone['type'].rpartition('.')[-1]
    if kind not in BACKBONES:
        raise ValueError(f'Hugging Face has no backbone like {backbone["type"]}, only like {list(BACKBONES)}')
    return dict(out_features=STAGES, **BACKBONES[kind](backbone))


def _swin(backbone: Config) -> Json:
    same = ('depths', 'num_heads', 'window_size', 'mlp_ratio', 'drop_path_rate')
    return dict(model_type='swin', embed_dim=backbone['embed_dims'], **_pick(backbone, same))


def _dinat(backbone: Config) -> Json:
    same = ('dilations', 'num_heads', 'kernel_size', 'mlp_ratio', 'drop_path_rate')
    depths = [len(level) for level in backbone['dilations']]
    return dict(model_type='dinat', embed_dim=backbone['embed_dims'], depths=depths, **_pick(backbone, same))


def _convnext(backbone: Config) -> Json:
    same = ('depths', 'drop_path_rate')
    return dict(model_type='convnext', hidden_sizes=backbone['channels'], **_pick(backbone, same))


def _resnet(backbone: Config) -> Json:
    blocks, has_bottlenecks = next(form for form, depth in RESNET_DEPTHS.items() if depth == backbone['depth'])
    expansion = 4 if has_bottlenecks else 1
    return dict(
        model_type='resnet',
        layer_type='bottleneck' if has_bottlenecks else 'basic',
        embedding_size=backbone['stem_channels'],
        hidden_sizes=[backbone['base_channels'] * expansion * 2**stage for stage in range(4)],
        depths=list(blocks),
    )


BACKBONES = {'SwinTransformer': _swin, 'DiNAT': _dinat, 'ConvNeXt': _convnext, 'ResNet': _resnet}


def _pick(config: Config, keys: Sequence[str]) -> Json:
    return {key: config[key] for key in keys}


def _check_equal(key: str, first: Config, second: Config) -> None:
    if first[key] != second[key]:
        raise ValueError(f'Hugging Face has one {key} for both decoders, this model {first[key]} and {second[key]}')
