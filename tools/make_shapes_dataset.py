"""Make a shapes data set: synthetic images, with panoptic, instance and semantic annotation, for a small model."""

import sys
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from mmoneformer.datasets.shapes.classes import CLASSES
from mmoneformer.datasets.shapes.folder import write_shapes


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = ArgumentParser(description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter)
    parser.add_argument('out', type=Path, help='folder to make')
    parser.add_argument('--num-train', type=int, default=1000, help='images to train on')
    parser.add_argument('--num-val', type=int, default=100, help='images to evaluate on')
    parser.add_argument('--size', type=int, default=128, help='shorter side in pixels; the longer is 5/4 of it')
    parser.add_argument('--seed', type=int, default=0, help='another seed gives other images')
    parser.add_argument('--classes', choices=CLASSES, default='shapes', help='what is drawn')
    options = vars(parser.parse_args(arguments))
    out = options.pop('out')
    try:
        written = write_shapes(out, **options)
    except (FileExistsError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'{out}: written' if written else f'{out}: already there')


if __name__ == '__main__':
    main()
