"""Convert a checkpoint: the authors' .pth or .pkl or a folder of Hugging Face to ours, or ours to such a folder."""

import logging
import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from mmengine.config import DictAction

import mmoneformer  # noqa: F401  # before anything imports mmdet
from mmoneformer.checkpoints.conversion import convert
from mmoneformer.metainfo import KNOWN


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument('source', metavar='SRC', help='checkpoint, folder of Hugging Face, or hf://<owner>/<name>')
    parser.add_argument('target', metavar='DST', help='checkpoint of ours; without a suffix, folder of Hugging Face')
    parser.add_argument('--dataset', choices=KNOWN, help='classes, if their number does not tell the data set')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='K=V', help='settings to change')
    parser.add_argument(
        '--publish', action='store_true', help='half precision, and the start of the SHA-256 in the file name'
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    try:
        written = convert(
            options.source,
            options.target,
            dataset=options.dataset,
            cfg_options=options.cfg_options,
            publish=options.publish,
        )
    except (ImportError, OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(written)


if __name__ == '__main__':
    main()
