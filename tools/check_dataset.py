"""Check the data of a config: python tools/check_dataset.py CONFIG."""

import sys
from collections.abc import Sequence

from mmoneformer_cli import check_dataset
from mmoneformer_cli.running import run_tool


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    return run_tool(check_dataset, arguments, one_line=())


if __name__ == '__main__':
    sys.exit(main())
