"""Convert a checkpoint: python tools/convert_checkpoint.py SRC DST."""

import sys
from collections.abc import Sequence

from mmoneformer_cli import convert
from mmoneformer_cli.running import run_tool


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    return run_tool(convert, arguments)


if __name__ == '__main__':
    sys.exit(main())
