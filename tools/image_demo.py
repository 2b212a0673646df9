"""Predict images: python tools/image_demo.py INPUTS... --weights CKPT."""

import sys
from collections.abc import Sequence

from mmoneformer_cli import predict
from mmoneformer_cli.running import run_tool


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    return run_tool(predict, arguments)


if __name__ == '__main__':
    sys.exit(main())
