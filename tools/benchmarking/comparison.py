"""A comparison: two pieces of work, and what is measured of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pkgutil import resolve_name
from typing import Any, Protocol

from benchmarking.case import Case
from benchmarking.row import Row
from benchmarking.settings import Settings

Work = Callable[[], Any]


@dataclass(frozen=True)
class Side:
    """One of the two pieces of work.

    Attributes:
        maker: 'module:function' of this package; the function takes the case and gives the work. Named and not
            referred to, so that each process imports only what it measures.
        case: The size of the work.
    """

    maker: str
    case: Case

    def under(self, settings: Settings) -> 'Side':
        """The same, as a run's settings want it."""
        return replace(self, case=self.case.under(settings))

    def load(self) -> Callable[[Case], Work]:
        """Import the maker.

        Raises:
            ImportError: If the peer is not installed.
        """
        return resolve_name(f'benchmarking.{self.maker}')

    def make(self) -> Work:
        """Make the work: models, inputs."""
        return self.load()(self.case)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two pieces of work side by side.

    Attributes:
        name: How the command line calls it.
        what: In words, for the report.
        ours: Our side.
        peer: The other side.
        measures: What is measured, each with its target.
    """

    name: str
    what: str
    ours: Side
    peer: Side
    measures: tuple['Measure', ...]

    def rows(self, settings: Settings) -> list[Row]:
        """Measure all."""
        comparison = replace(self, ours=self.ours.under(settings), peer=self.peer.under(settings))
        return [measure.row(comparison, settings) for measure in self.measures]


class Measure(Protocol):
    """Something that is measured of two pieces of work."""

    def row(self, comparison: Comparison, settings: Settings) -> Row:
        """Measure it, in processes of its own."""
        ...
