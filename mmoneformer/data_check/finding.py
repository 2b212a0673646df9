"""A defect of a data set, as it is reported."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

NUM_EXAMPLES = 5


class Severity(IntEnum):
    """How bad a finding is. The highest of all findings is the exit status of the command line."""

    NOTE = 0  # good to know
    WARNING = 1  # training or evaluation is worse than it could be
    ERROR = 2  # training stops, or learns from wrong annotation


@dataclass(frozen=True)
class Finding:
    """One kind of defect.

    Attributes:
        severity: How bad it is.
        title: What is wrong, and how often.
        examples: The first occurrences.
        remedy: What to do about it.
    """

    severity: Severity
    title: str
    examples: tuple[str, ...]
    remedy: str


def describe(severity: Severity, title: str, offenders: Sequence[str], remedy: str) -> list[Finding]:
    """Return a finding if there are any offenders.

    Args:
        severity: Of the finding.
        title: Of the finding; ``{count}`` is replaced by the number of offenders.
        offenders: What has the defect; the first ones become examples.
        remedy: Of the finding.
    """
    if not offenders:
        return []
    return [Finding(severity, title.format(count=len(offenders)), tuple(offenders[:NUM_EXAMPLES]), remedy)]
