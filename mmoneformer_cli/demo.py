"""Draw a small data set, train a model on it, evaluate its three tasks and draw its results.

Writes to data/shapes and work_dirs/demo in the current folder. Takes about five minutes on two idle CPU cores.
"""

from argparse import ArgumentParser, Namespace

EXAMPLES = """\
  mmoneformer demo"""


def add_arguments(parser: ArgumentParser) -> None:
    """The command has no arguments."""


def run(options: Namespace) -> int:
    """Run the command; return the exit status."""
    from mmoneformer.apis.demo import run_demo

    run_demo()
    return 0
