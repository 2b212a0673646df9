"""The command line that the converters share."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mmoneformer.datasets.converters.split import Split


def run(
    convert: Callable[[Path, Split, int], int],
    splits: Sequence[Split],
    *,
    description: str,
    arguments: Sequence[str] | None = None,
) -> None:
    """Convert the splits that the command line names, and say what there is now.

    Args:
        convert: A converter's ``convert``.
        splits: A converter's ``SPLITS``.
        description: What the command does.
        arguments: In place of those of the process.
    """
    by_name = {split.name: split for split in splits}
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=Path, help='folder of the unpacked download')
    parser.add_argument('--splits', nargs='+', choices=list(by_name), default=list(by_name))
    parser.add_argument('--workers', type=int, default=os.cpu_count(), help='processes (default: one per core)')
    options = parser.parse_args(arguments)
    for name in options.splits:
        try:
            count = convert(options.root, by_name[name], options.workers)
        except (OSError, ValueError) as error:
            sys.exit(f'{name}: {error}')
        expected = by_name[name].images
        remark = '' if count == expected else f'; the complete split has {expected}'
        print(f'{name}: {count} images{remark}')
