"""The parts of the benchmark: what runs in a process of its own, and which of them prepare together."""

from dataclasses import dataclass

from benchmarking.gpu.figures import OURS
from benchmarking.gpu.implementations import NETWORKS, TRANSFORMERS


@dataclass(frozen=True)
class Part:
    """What a process does.

    Attributes:
        name: For messages.
        maker: 'module:function' of this package; it prepares, and gives what yields messages.
        arguments: Of the function, before the settings.
    """

    name: str
    maker: str
    arguments: tuple[str, ...] = ()


STAGES: dict[str, tuple[Part, ...]] = {
    **{name: (Part(name, 'inference:prepare', (name,)),) for name in NETWORKS},
    **{f'{name}-training': (Part(f'{name}-training', 'training:prepare', (name,)),) for name in NETWORKS},
    'sampling': (Part('sampling', 'sampling:prepare'),),
    'compiled': tuple(
        Part(f'{name}, compiled, {implementation}', 'compiled:prepare', (name, implementation))
        for name in NETWORKS
        for implementation in (OURS, TRANSFORMERS)
    ),
}
