"""Checkpoints of ResNet (arXiv 1512.03385)."""

from itertools import chain

import torch

from mmoneformer.checkpoints.backbones.convertible_backbone import (
    Config,
    ConvertibleBackbone,
    ForeignKeys,
    HuggingFaceBackbone,
)
from mmoneformer.checkpoints.state_dict import Rows, StateDict, WeightShapes, under

STAGES = (1, 2, 3, 4)
CONVS = (1, 2, 3)
DEPTHS: dict[tuple[tuple[int, ...], bool], int] = {  # by the blocks of each stage, and whether they are bottlenecks
    ((2, 2, 2, 2), False): 18,
    ((3, 4, 6, 3), False): 34,
    ((3, 4, 6, 3), True): 50,
    ((3, 4, 23, 3), True): 101,
    ((3, 8, 36, 3), True): 152,
}
FIRST_BLOCK = 'backbone.layer1.0'


def _official_stage(stage: int) -> Rows:
    rows = (
        *((f'conv{conv}', f'conv{conv}') for conv in CONVS),
        *((f'conv{conv}.norm', f'bn{conv}') for conv in CONVS),
        ('shortcut', 'downsample.0'),
        ('shortcut.norm', 'downsample.1'),
    )
    return under(f'res{stage + 1}.*', f'layer{stage}.*', rows)


def _hugging_face_stage(stage: int) -> Rows:
    rows = (
        *((f'layer.{conv - 1}.convolution', f'conv{conv}') for conv in CONVS),
        *((f'layer.{conv - 1}.normalization', f'bn{conv}') for conv in CONVS),
        ('shortcut.convolution', 'downsample.0'),
        ('shortcut.normalization', 'downsample.1'),
    )
    return under(f'encoder.stages.{stage - 1}.layers.*', f'layer{stage}.*', rows)


def read_arguments(shapes: WeightShapes) -> Config:
    """Read the arguments of ``ResNet``.

    Raises:
        ValueError: If no ResNet has this number of blocks.
    """
    blocks = tuple(shapes.count(f'backbone.layer{stage}') for stage in STAGES)
    depth = DEPTHS.get((blocks, _has_bottlenecks(shapes)))
    if depth is None:
        known = ', '.join(f'ResNet-{depth}' for depth in sorted(set(DEPTHS.values())))
        kind = 'bottleneck' if _has_bottlenecks(shapes) else 'basic'
        raise ValueError(f'a ResNet with {list(blocks)} {kind} blocks is none of {known}')
    return dict(
        type='ResNet',
        depth=depth,
        stem_channels=shapes['backbone.conv1.weight'][0],
        base_channels=shapes[f'{FIRST_BLOCK}.conv1.weight'][0],
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
    )


def check_expansion(shapes: WeightShapes) -> None:
    """Check that blocks widen their channels as those of ``ResNet`` do.

    Raises:
        ValueError: If they do not.
    """
    has_bottlenecks = _has_bottlenecks(shapes)
    width = shapes[f'{FIRST_BLOCK}.conv1.weight'][0]
    output = shapes[f'{FIRST_BLOCK}.conv{3 if has_bottlenecks else 2}.weight'][0]
    expected = _expansion(has_bottlenecks) * width
    if output != expected:
        raise ValueError(
            f'the first block of this ResNet has {output} output channels, where ResNet has {expected}: '
            'name the class of such a ResNet with --cfg-options model.backbone.type=NAME'
        )


def write_hugging_face_config(arguments: Config) -> Config:
    """Make the fields of Hugging Face's ResNetConfig."""
    blocks, has_bottlenecks = next(layout for layout, depth in DEPTHS.items() if depth == arguments['depth'])
    width = arguments['base_channels'] * _expansion(has_bottlenecks)
    return dict(
        model_type='resnet',
        layer_type='bottleneck' if has_bottlenecks else 'basic',
        embedding_size=arguments['stem_channels'],
        hidden_sizes=[width * 2**stage for stage in range(len(STAGES))],
        depths=list(blocks),
    )


def add_batch_counters(weights: StateDict) -> StateDict:
    """Add the counters of batches that torch's batch norm has and detectron2's frozen one does not."""
    counters = {
        key.replace('running_mean', 'num_batches_tracked'): torch.tensor(0)
        for key in weights
        if key.endswith('running_mean')
    }
    return weights | {key: counter for key, counter in counters.items() if key not in weights}


def _has_bottlenecks(shapes: WeightShapes) -> bool:
    return f'{FIRST_BLOCK}.conv3' in shapes


def _expansion(has_bottlenecks: bool) -> int:
    return 4 if has_bottlenecks else 1


RESNET = ConvertibleBackbone(
    start='layer1.',
    read_arguments=read_arguments,
    check=check_expansion,
    released_name=lambda _: 'r50',
    from_authors=add_batch_counters,
    constants=('.num_batches_tracked',),
    official=ForeignKeys(
        start='res2.',
        rows=(('stem.conv1', 'conv1'), ('stem.conv1.norm', 'bn1'), *chain.from_iterable(map(_official_stage, STAGES))),
    ),
    hugging_face=HuggingFaceBackbone(
        start='embedder.',
        rows=(
            ('embedder.embedder.convolution', 'conv1'),
            ('embedder.embedder.normalization', 'bn1'),
            *chain.from_iterable(map(_hugging_face_stage, STAGES)),
        ),
        write_config=write_hugging_face_config,
    ),
)
