"""Export a model: python tools/export_model.py CKPT OUT."""

import sys
from collections.abc import Sequence

from mmoneformer_cli import export
from mmoneformer_cli.running import run_tool


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    return run_tool(export, arguments)


if __name__ == '__main__':
    sys.exit(main())
