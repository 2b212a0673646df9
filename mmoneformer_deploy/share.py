"""The share of a process in the images of a run, of which other processes, also on other machines, have the rest."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from mmoneformer_deploy.failures import Failure

Item = TypeVar('Item')


@dataclass(frozen=True)
class Share:
    """What a process knows of the others, all of which have the same list of images and the same folder.

    Attributes:
        rank: Number of the process, from 0.
        count: Number of processes.
        gather: Returns what each process gave, in the order of their numbers, when all have given something.
    """

    rank: int
    count: int
    gather: Callable[[Any], list[Any]]

    def part(self, items: Iterable[Item]) -> list[Item]:
        """The items of this process, evenly spread over the list."""
        return list(items)[self.rank :: self.count]

    def total(self, count: int, failures: list[Failure]) -> tuple[int, list[Failure]]:
        """Add up what was written and what failed in all processes."""
        counts, lists = zip(*self.gather((count, failures)), strict=True)
        return sum(counts), sorted(failure for failures in lists for failure in failures)
