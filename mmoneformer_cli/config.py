"""Print a config as one file without bases, ready to edit and to train; without a name, list the names."""

import sys
from argparse import ArgumentParser, Namespace

EXAMPLES = """\
  mmoneformer config
  mmoneformer config oneformer_swin-t_custom > mine.py"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('config', nargs='?', metavar='NAME', help='name of a config, or a config file')


def run(options: Namespace) -> int:
    """Run the command; return the exit status."""
    from mmoneformer.apis.flat_config import flat_config
    from mmoneformer.config_files import config_names, find_config

    if options.config is None:
        print('\n'.join(config_names()))
    else:
        sys.stdout.write(flat_config(find_config(options.config)))
    return 0
