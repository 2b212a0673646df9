"""Generate a data set of shapes: synthetic images, or films, with exact annotation."""

import sys
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from mmoneformer.datasets.shapes.classes import CLASSES
from mmoneformer.datasets.shapes.film_folder import write_films
from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer_cli.running import print_any_text


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    print_any_text()
    parser = ArgumentParser(description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter)
    parser.add_argument('out', type=Path, help='output folder')
    parser.add_argument('--num-train', type=int, default=1000, help='training images')
    parser.add_argument('--num-val', type=int, default=100, help='validation images')
    parser.add_argument(
        '--films', type=int, metavar='N', help='write N films with ids that stay, instead of training and validation'
    )
    parser.add_argument('--size', type=int, default=128, help='shorter image side in pixels; the longer one is 5/4')
    parser.add_argument('--seed', type=int, default=0, help='random seed')
    parser.add_argument('--classes', choices=CLASSES, default='shapes', help='classes to draw')
    options = vars(parser.parse_args(arguments))
    out, num_films, num_train, num_val = (options.pop(name) for name in ('out', 'films', 'num_train', 'num_val'))
    try:
        if num_films is None:
            written = write_shapes(out, num_train=num_train, num_val=num_val, **options)
        else:
            written = write_films(out, num_films=num_films, **options)
    except (FileExistsError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'{out}: written' if written else f'{out}: already there')


if __name__ == '__main__':
    main()
