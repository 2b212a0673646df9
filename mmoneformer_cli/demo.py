"""The whole way on real files: draw a data set, train a small model, evaluate its three tasks, draw what it sees.

It takes about ten minutes on two CPU cores. It needs a clone of the repository, whose configs the installed package
does not hold.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

EXAMPLES = """\
  mmoneformer demo
  mmoneformer demo --root ~/mmoneformer"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument('--root', type=Path, default=Path(), help='the clone; by default the current folder')


def run(options: Namespace) -> int:
    """Run the command."""
    from mmoneformer.apis.demo import run_demo

    run_demo(options.root)
    return 0
