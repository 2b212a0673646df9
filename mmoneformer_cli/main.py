"""The console command ``mmoneformer``."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence

from mmoneformer_cli import (
    check_dataset,
    config,
    convert,
    demo,
    export,
    predict,
    serve,
    test,
    train,
    verify,
    verify_export,
    video,
)
from mmoneformer_cli.running import Command, parser_settings, run_command

COMMANDS: dict[str, Command] = {
    'predict': predict,
    'video': video,
    'config': config,
    'train': train,
    'test': test,
    'convert': convert,
    'verify': verify,
    'export': export,
    'verify-export': verify_export,
    'check-dataset': check_dataset,
    'demo': demo,
    'serve': serve,
}
DESCRIPTION = 'OneFormer for OpenMMLab: one model for panoptic, instance and semantic segmentation.'
EPILOG = """\
exit status: 0 done, 1 error, 2 wrong arguments, 130 interrupted
mmoneformer COMMAND --help describes a command"""


def build_parser() -> ArgumentParser:
    """Build the parser of all commands."""
    parser = ArgumentParser(
        'mmoneformer', description=DESCRIPTION, epilog=EPILOG, formatter_class=RawDescriptionHelpFormatter
    )
    parsers = parser.add_subparsers(dest='command', metavar='COMMAND', required=True, title='commands')
    for name, command in COMMANDS.items():
        summary = (command.__doc__ or '').partition('\n')[0]
        subparser = parsers.add_parser(name, help=summary, **parser_settings(command))
        command.add_arguments(subparser)
        subparser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = build_parser().parse_args(arguments)
    return run_command(COMMANDS[options.command], options, one_line=() if options.debug else (Exception,))


if __name__ == '__main__':
    sys.exit(main())
