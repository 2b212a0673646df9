"""How a benchmark is run."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What holds for all measurements of a run.

    Attributes:
        rounds: Timed runs of each side.
        threads: Of the CPU.
        device: Where all runs, 'cpu' or 'cuda'.
        quick: Whether all work is made tiny.
    """

    rounds: int = 5
    threads: int = 2
    device: str = 'cpu'
    quick: bool = False
