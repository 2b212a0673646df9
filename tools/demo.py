"""Train, evaluate and draw a small model on a drawn data set: python tools/demo.py."""

import sys
from collections.abc import Sequence

from mmoneformer_cli import demo
from mmoneformer_cli.running import run_tool


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    return run_tool(demo, arguments, one_line=())


if __name__ == '__main__':
    sys.exit(main())
