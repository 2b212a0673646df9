"""The json files of Hugging Face's OneFormer and of its processor, from our config and back."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmoneformer.checkpoints.backbones import BACKBONES
from mmoneformer.checkpoints.infer_config import SourceInfo, same_names
from mmoneformer.metainfo import IGNORED_LABEL, Metainfo
from mmoneformer.models.text.tokenizer import CONTEXT_LENGTH, VOCABULARY_SIZE

Config = Mapping[str, Any]
Json = dict[str, Any]
STAGES = [f'stage{stage}' for stage in (1, 2, 3, 4)]
CLASS_FILE = 'classes.json'
WITHOUT_TEXTS: Json = dict(  # their config always describes a text mapper
    num_context=16, encoder=dict(width=256, num_layers=6)
)
NO_OBJECT_WEIGHT = 0.1
PLACEHOLDER = re.compile(r'LABEL_\d+')


def class_weights(metainfo: Metainfo) -> Tensor:
    """Weights of the classes in their loss, [K + 1], which their files store as a tensor."""
    return torch.tensor([1.0] * len(metainfo['classes']) + [NO_OBJECT_WEIGHT])


def model_json(model: Config, metainfo: Metainfo) -> Json:
    """Their config.json.

    Args:
        model: Config of the model as ``read_architecture`` returns it, with all arguments of its backbone.
        metainfo: Metainfo of the data set.

    Raises:
        ValueError: If they have no model like this one.
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
        is_training=False,  # with True, prediction requires texts, too
        id2label={str(index): name for index, name in enumerate(metainfo['classes'])},
        label2id={name: index for index, name in enumerate(metainfo['classes'])},
    )


def processor_json(model: Config, scale: Sequence[int], class_folder: str) -> Json:
    """Their preprocessor_config.json.

    Args:
        model: As in ``model_json``, with ``data_preprocessor``.
        scale: Longer and shorter side of test images in pixels, at most.
        class_folder: Absolute path of the folder that contains ``CLASS_FILE``.
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
    """Their tokenizer_config.json, that of CLIP's tokenizer."""
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
    """The file of classes that their processor reads, with our colors."""
    things = set(metainfo['thing_ids'])
    return {
        str(index): dict(name=name, isthing=int(index in things), color=list(color))
        for index, (name, color) in enumerate(zip(metainfo['classes'], metainfo['palette'], strict=True))
    }


def read_json(config: Config, processor: Config | None, classes: Mapping[str, Json] | None) -> SourceInfo:
    """Read what their files contain besides the weights.

    The names in ``id2label`` of the config are those of the model. The processor and its file of classes may still be
    those of another model, that fine-tuning began with; their things and colors count if their names are the same.

    Args:
        config: Their config.json.
        processor: Their preprocessor_config.json, if there is one.
        classes: The file of classes that it names, if it is in the folder.
    """
    size = (processor or {}).get('size') or {}
    scale = None
    if isinstance(size, Mapping) and {'shortest_edge', 'longest_edge'} <= set(size):
        scale = (size['longest_edge'], size['shortest_edge'])
    names = _model_names(config)
    listed = [_file_classes(classes) if classes else None, _processor_classes(processor or {}, names)]
    fitting = [entry for entry in listed if entry and (names is None or same_names(names, entry['classes']))]
    of_config = {'classes': names} if names else None
    metainfo: Mapping[str, Any] | None = fitting[0] if fitting else of_config
    return SourceInfo(metainfo=metainfo, scale=scale, backbone=_backbone_arguments(config['backbone_config']))


def _model_names(config: Config) -> tuple[str, ...] | None:
    """The names of their config, if they are not the placeholders that transformers fills in."""
    names = {int(index): str(name) for index, name in (config.get('id2label') or {}).items()}
    if not names or all(PLACEHOLDER.fullmatch(name) for name in names.values()):
        return None
    return tuple(names.get(index, f'LABEL_{index}') for index in range(max(names) + 1))


def _file_classes(classes: Mapping[str, Json]) -> Json:
    rows = [classes[str(index)] for index in range(len(classes))]
    return dict(
        classes=tuple(row['name'] for row in rows),
        thing_ids=tuple(index for index, row in enumerate(rows) if row['isthing']),
        palette=[tuple(row['color']) for row in rows] if all('color' in row for row in rows) else None,
    )


def _processor_classes(processor: Config, names: Sequence[str] | None) -> Json | None:
    """The classes that a saved processor has in its metadata; if that has no names, they are those of the model."""
    metadata = processor.get('metadata') or {}
    numbered = {int(key): name for key, name in metadata.items() if key.isdecimal()}
    found = metadata.get('class_names') or [numbered[index] for index in sorted(numbered)] or names
    if not found or 'thing_ids' not in metadata:
        return None
    return dict(classes=tuple(found), thing_ids=tuple(int(index) for index in metadata['thing_ids']))


def _backbone_json(arguments: Config) -> Json:
    backbone = BACKBONES.get(arguments['type'])
    if backbone is None or backbone.hugging_face is None:
        known = [name for name, backbone in BACKBONES.items() if backbone.hugging_face]
        raise ValueError(f'Hugging Face has no backbone like {arguments["type"]}, only like {", ".join(known)}')
    return dict(out_features=STAGES, **backbone.hugging_face.write_config(dict(arguments)))


def _backbone_arguments(their_config: Config) -> Json:
    """Arguments of our backbone that no shape defines."""
    keys = {key for known in BACKBONES.values() if known.hugging_face for key in known.hugging_face.arguments}
    return {key: their_config[key] for key in keys if their_config.get(key)}


def _check_equal(key: str, first: Config, second: Config) -> None:
    if first[key] != second[key]:
        raise ValueError(f'Hugging Face has one {key} for both decoders, this model {first[key]} and {second[key]}')
