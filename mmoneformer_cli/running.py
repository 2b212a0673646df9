"""Runs a command and reports errors in one line."""

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Any, Protocol

Errors = tuple[type[Exception], ...]
EXPECTED: Errors = (ImportError, OSError, RuntimeError, ValueError)  # their messages need no type
WRONG_ARGUMENTS, INTERRUPTED = 2, 130  # exit statuses of argparse, and of shells for Ctrl-C


class UsageError(Exception):
    """The arguments do not fit each other or the files that they name; exit status 2."""


class Command(Protocol):
    """The interface of a command's module."""

    __doc__: str | None
    EXAMPLES: str

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the arguments of the command."""

    def run(self, options: Namespace) -> int:
        """Run the command; return the exit status."""


def parser_settings(command: Command) -> dict[str, Any]:
    """Return the settings of the command's parser."""
    return {
        'description': command.__doc__,
        'epilog': f'examples:\n{command.EXAMPLES}',
        'formatter_class': RawDescriptionHelpFormatter,
    }


def run_tool(command: Command, arguments: Sequence[str] | None = None, *, one_line: Errors = EXPECTED) -> int:
    """Run a command as a script of its own; see ``run_command``."""
    parser = ArgumentParser(description=command.__doc__, formatter_class=RawDescriptionHelpFormatter)
    command.add_arguments(parser)
    return run_command(command, parser.parse_args(arguments), one_line=one_line)


def run_command(command: Command, options: Namespace, *, one_line: Errors) -> int:
    """Run a command.

    Args:
        command: The module of the command.
        options: Parsed arguments.
        one_line: Types of errors that are reported in one line; others show their traceback.

    Returns:
        The exit status.

    Raises:
        SystemExit: If the command fails with such an error, has wrong arguments, or is interrupted.
    """
    print_any_text()
    try:
        return command.run(options)
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    except UsageError as error:
        print(f'error: {error}', file=sys.stderr)
        raise SystemExit(WRONG_ARGUMENTS) from error
    except one_line as error:
        raise SystemExit(f'error: {_one_line(error)}') from error


def print_any_text() -> None:
    """Let characters that the encoding of the console lacks be printed as escapes, instead of raising an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors='backslashreplace')


def _one_line(error: Exception) -> str:
    text = ' '.join(str(error).split())
    if isinstance(error, EXPECTED) and text:
        return text
    return f'{type(error).__name__}: {text}  (--debug shows the traceback)'
