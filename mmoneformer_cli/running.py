"""Runs a command, and tells in one line what went wrong."""

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import Any, Protocol

Errors = tuple[type[Exception], ...]
EXPECTED: Errors = (ImportError, OSError, RuntimeError, ValueError)  # their messages say it all
WRONG_ARGUMENTS, INTERRUPTED = 2, 130  # argparse's exit status, and what shells make of Ctrl-C


class UsageError(Exception):
    """The arguments do not fit each other, or the files that they name; exit status 2."""


class Command(Protocol):
    """A module of a command."""

    __doc__: str | None
    EXAMPLES: str

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what the command takes."""

    def run(self, options: Namespace) -> int:
        """Run the command; returns the exit status."""


def parser_settings(command: Command) -> dict[str, Any]:
    """What a parser of the command is made with."""
    return {
        'description': command.__doc__,
        'epilog': f'examples:\n{command.EXAMPLES}',
        'formatter_class': RawDescriptionHelpFormatter,
    }


def run_tool(command: Command, arguments: Sequence[str] | None = None, *, one_line: Errors = EXPECTED) -> int:
    """Run a command as a program of its own; arguments and errors as in ``run_command``."""
    parser = ArgumentParser(description=command.__doc__, formatter_class=RawDescriptionHelpFormatter)
    command.add_arguments(parser)
    return run_command(command, parser.parse_args(arguments), one_line=one_line)


def run_command(command: Command, options: Namespace, *, one_line: Errors) -> int:
    """Run a command.

    Args:
        command: Its module.
        options: As its parser reads them.
        one_line: Errors that are told in a line; others show where they came from.

    Returns:
        The exit status.

    Raises:
        SystemExit: If it fails with such an error, has wrong arguments, or is interrupted.
    """
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


def _one_line(error: Exception) -> str:
    text = ' '.join(str(error).split())
    return text if isinstance(error, EXPECTED) and text else f'{type(error).__name__}: {text}  (--debug shows where)'
