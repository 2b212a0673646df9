"""Evaluate a checkpoint: python tools/test.py [CONFIG] CKPT."""

import sys
from collections.abc import Sequence

from mmoneformer_cli import test
from mmoneformer_cli.running import run_tool


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    return run_tool(test, arguments, one_line=())


if __name__ == '__main__':
    sys.exit(main())
