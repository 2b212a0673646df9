"""Checkpoints of ConvNeXt (arXiv 2201.03545)."""

from mmoneformer.checkpoints.backbones.convertible_backbone import (
    Config,
    ConvertibleBackbone,
    ForeignKeys,
    HuggingFaceBackbone,
)
from mmoneformer.checkpoints.state_dict import WeightShapes, under

EXTRA_LARGE_CHANNELS = 256

OFFICIAL = ForeignKeys(
    start='downsample_layers.',
    rows=tuple((name, name) for name in ('downsample_layers', 'stages', *(f'norm{stage}' for stage in range(4)))),
)
HUGGING_FACE_ROWS = (
    ('embeddings.patch_embeddings', 'downsample_layers.0.0'),
    ('embeddings.layernorm', 'downsample_layers.0.1'),
    ('encoder.stages.*.downsampling_layer', 'downsample_layers.*'),
    *under(
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
    *((f'hidden_states_norms.stage{stage + 1}', f'norm{stage}') for stage in range(4)),
)


def read_arguments(shapes: WeightShapes) -> Config:
    """Read the arguments of ``ConvNeXt``."""
    stages = [f'backbone.stages.{stage}' for stage in range(shapes.count('backbone.stages'))]
    return dict(
        type='ConvNeXt',
        depths=[shapes.count(stage) for stage in stages],
        channels=[shapes[f'{stage}.0.gamma'][0] for stage in stages],
    )


def write_hugging_face_config(arguments: Config) -> Config:
    """Make the fields of Hugging Face's ConvNextConfig."""
    return dict(
        model_type='convnext',
        hidden_sizes=arguments['channels'],
        depths=arguments['depths'],
        drop_path_rate=arguments.get('drop_path_rate', 0.0),
    )


CONVNEXT = ConvertibleBackbone(
    start='downsample_layers.',
    read_arguments=read_arguments,
    not_in_weights=('drop_path_rate',),
    released_name=lambda arguments: (
        'convnext-xl' if arguments['channels'][0] == EXTRA_LARGE_CHANNELS else 'convnext-l'
    ),
    official=OFFICIAL,
    hugging_face=HuggingFaceBackbone(
        start='embeddings.layernorm.', rows=HUGGING_FACE_ROWS, write_config=write_hugging_face_config
    ),
)
