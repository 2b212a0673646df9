"""Peak memory of a training step with each option that reduces it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarking.case import Case
from benchmarking.comparison import Side
from benchmarking.comparisons import SWIN_L, SWIN_T
from benchmarking.measures import GIGABYTE, measured_memory
from benchmarking.row import Row
from benchmarking.settings import Settings

BATCH = 2
STEPS = {
    'training-memory-swin-t': ('Swin-T, 512 x 512', replace(SWIN_T, batch=BATCH)),
    'training-memory-swin-l': ('Swin-L, 640 x 640', replace(SWIN_L, batch=BATCH)),
}


@dataclass(frozen=True)
class Saving:
    """An option that reduces memory.

    Attributes:
        what: Description for the report.
        options: Config values to change.
        fields: Fields of the case to change.
    """

    what: str
    options: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, case: Case) -> Case:
        """The case with the option."""
        return replace(case, options={**case.options, **self.options}, **self.fields)


RECOMPUTE_BACKBONE = {'model.backbone.with_cp': True}
RECOMPUTE_PIXEL_DECODER = {'model.panoptic_head.pixel_decoder.with_cp': True}
RECOMPUTE_BOTH = RECOMPUTE_BACKBONE | RECOMPUTE_PIXEL_DECODER
SAVINGS = (
    Saving('defaults'),
    Saving('bfloat16 autocast', fields=dict(precision='bfloat16')),
    Saving('backbone recomputed', RECOMPUTE_BACKBONE),
    Saving('pixel decoder recomputed', RECOMPUTE_PIXEL_DECODER),
    Saving('both recomputed', RECOMPUTE_BOTH),
    Saving('frozen backbone', {'model.backbone.frozen_stages': 4}),
    Saving('batch size 1, accumulated', fields=dict(batch=1)),
    Saving('batch size 1, both recomputed, bfloat16', RECOMPUTE_BOTH, dict(precision='bfloat16', batch=1)),
)


def training_memory_rows(name: str, settings: Settings) -> list[Row]:
    """Measure a step of ``STEPS`` with every option, relative to the defaults."""
    what, case = STEPS[name]
    base = case.under(settings)
    peaks = [_peak(saving.apply(base), settings) for saving in SAVINGS]
    return [
        Row(
            name=name,
            what=f'training step, {what}, batch {BATCH}, {saving.what}: peak memory',
            unit='GB',
            ours=peak,
            peer=peaks[0],
            value=peak / peaks[0],
        )
        for saving, peak in zip(SAVINGS, peaks, strict=True)
    ]


def _peak(case: Case, settings: Settings) -> float:
    return measured_memory(Side('our_model:training_step', case), settings).peak / GIGABYTE
