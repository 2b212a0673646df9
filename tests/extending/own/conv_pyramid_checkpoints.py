"""What the conversion of checkpoints must know of a backbone of one's own."""

from typing import Any

from mmoneformer.checkpoints.backbones import BACKBONES, ConvertibleBackbone, ForeignKeys
from mmoneformer.checkpoints.state_dict import WeightShapes


def read_arguments(shapes: WeightShapes) -> dict[str, Any]:
    """Read the arguments of ``ConvPyramid`` from the shapes of its weights."""
    stages = range(shapes.count('backbone.stages'))
    convolutions = ['backbone.stem', *(f'backbone.stages.{stage}' for stage in stages)]
    return dict(type='ConvPyramid', channels=[shapes[f'{name}.weight'][0] for name in convolutions])


BACKBONES['ConvPyramid'] = ConvertibleBackbone(
    start='stem.',
    read_arguments=read_arguments,
    released_name=lambda arguments: 'conv-pyramid',
    official=ForeignKeys(start='patchify.', rows=(('patchify', 'stem'), ('blocks', 'stages'))),
)
