"""The option ``--cfg-options``."""

from argparse import Action, ArgumentParser, Namespace, _ArgumentGroup
from typing import Any


class LazyDictAction(Action):
    """mmengine's DictAction, which is imported when there is something to read."""

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Any, option_string: str | None = None
    ) -> None:
        """Read ``key=value`` pairs into a dict."""
        from mmengine.config import DictAction

        action = DictAction(self.option_strings, self.dest, nargs=self.nargs)
        action(parser, namespace, values, option_string)


def add_config_options(parser: ArgumentParser | _ArgumentGroup) -> None:
    """Add the option to a parser."""
    parser.add_argument('--cfg-options', nargs='+', action=LazyDictAction, metavar='K=V', help='settings to change')
