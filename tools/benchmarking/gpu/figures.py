"""What the processes of a benchmark on a GPU tell: figures, and why there are none."""

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

OURS = 'mmoneformer'


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is measured of one or more implementations.

    Attributes:
        network: Name of the network and size of its images.
        what: Such as 'forward, one task'.
        precision: As in ``Case``.
        batch: Images of a run.
    """

    network: str
    what: str
    precision: str
    batch: int

    def __str__(self) -> str:
        return f'{self.network}: {self.what}, {self.precision}, batch {self.batch}'


@dataclass(frozen=True, kw_only=True)
class Figure:
    """The figures of one implementation.

    Attributes:
        work: What was measured.
        implementation: Of what.
        runs: Seconds of each run; run n of each implementation followed that of the one before.
        gigabytes: Peak memory of model, inputs and run; None on a CPU.
        matrix_share: Operations of a second, as a share of those of a large matrix product in the same precision.
        syncs_per_image: How often a run waits for the GPU, by its number of images; None on a CPU.
        compile_seconds: Until the first run of a compiled network was over.
    """

    work: Work
    implementation: str
    runs: list[float] = field(repr=False)
    gigabytes: float | None = None
    matrix_share: float | None = None
    syncs_per_image: float | None = None
    compile_seconds: float | None = None

    @property
    def seconds(self) -> float:
        """Median of the runs."""
        return median(self.runs)

    def as_json(self) -> dict[str, Any]:
        """All of it, and the median."""
        return asdict(self) | {'seconds': self.seconds}


@dataclass(frozen=True)
class Failure:
    """What could not be measured, and why."""

    what: str
    reason: str

    @classmethod
    def of(cls, what: str, error: BaseException) -> 'Failure':
        """From an exception: its type, and the first line that says something."""
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return cls(what, f'{type(error).__name__}: {lines[0][:300]}' if lines else type(error).__name__)


@dataclass(frozen=True)
class Machine:
    """What the process of a part runs on: names and versions, and FLOP/s of large matrix products by precision."""

    facts: dict[str, Any]
    matrix_rates: dict[str, float]


Message = Figure | Failure | Machine
