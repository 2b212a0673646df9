"""A line of the report."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure, and what it should be.

    Attributes:
        name: Of the comparison.
        what: In words.
        unit: 's' or 'GB' of ``ours`` and ``peer``; '' for a share of 1.
        ours: Our figure.
        peer: The peer's, where there is one.
        value: What the target bounds: a ratio, or our figure where there is no peer.
        spread: Least and greatest value of a pair of runs, where there are several.
        target: The bound.
        at_least: Whether the target bounds the value from below.
        raw: All runs, in the unit.
    """

    name: str
    what: str
    unit: str
    ours: float
    peer: float | None = None
    value: float
    spread: tuple[float, float] | None = None
    target: float | None = None
    at_least: bool = False
    raw: dict[str, list[float]] | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target
