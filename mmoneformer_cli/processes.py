"""The options of commands that several processes may run together."""

import argparse
import os


def add_process_options(parser: argparse.ArgumentParser) -> None:
    """Add them to a parser."""
    group = parser.add_argument_group('several processes')
    group.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='what starts them'
    )
    group.add_argument('--local-rank', '--local_rank', default='0', help=argparse.SUPPRESS)  # torch's launcher


def pass_on_rank(options: argparse.Namespace) -> None:
    """Tell mmengine which process this is, where the launcher says so by an argument alone."""
    os.environ.setdefault('LOCAL_RANK', options.local_rank)
