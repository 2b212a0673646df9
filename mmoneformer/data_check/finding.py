"""What is wrong with a data set."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

NUM_EXAMPLES = 5


class Severity(IntEnum):
    """How bad it is; the worst of all findings is the exit status of the command line."""

    NOTE = 0  # good to know
    WARNING = 1  # it trains or is measured worse than it could
    ERROR = 2  # it stops, or teaches what is not true


@dataclass(frozen=True)
class Finding:
    """One kind of defect.

    Attributes:
        severity: How bad it is.
        title: What is wrong, and how often.
        examples: The first offenders.
        remedy: What to do.
    """

    severity: Severity
    title: str
    examples: tuple[str, ...]
    remedy: str


def describe(severity: Severity, title: str, offenders: Sequence[str], remedy: str) -> list[Finding]:
    """A finding if there are offenders, none else; the title may hold ``{count}``, how many there are."""
    if not offenders:
        return []
    return [Finding(severity, title.format(count=len(offenders)), tuple(offenders[:NUM_EXAMPLES]), remedy)]
