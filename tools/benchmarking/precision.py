"""How precisely a case computes."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from benchmarking.case import Case

PRECISIONS = ('float32', 'tf32', 'bfloat16')


@contextmanager
def precise(case: Case) -> Iterator[None]:
    """Compute as precisely as the case says."""
    if case.precision not in PRECISIONS:
        raise ValueError(f'unknown precision {case.precision!r}: choose one of {PRECISIONS}')
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision('high' if case.precision == 'tf32' else 'highest')
    torch.backends.cudnn.allow_tf32 = case.precision == 'tf32'  # otherwise on, whatever the precision of products
    try:
        with torch.autocast(case.device, torch.bfloat16, enabled=case.precision == 'bfloat16'):
            yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


@contextmanager
def inference(case: Case) -> Iterator[None]:
    """Compute as precisely as the case says, without anything that gradients need."""
    with torch.no_grad(), precise(case):
        yield
