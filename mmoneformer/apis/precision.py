"""In which precision a model computes."""

from contextlib import AbstractContextManager, nullcontext

import torch

DTYPES = {'float32': torch.float32, 'bfloat16': torch.bfloat16, 'float16': torch.float16}


def check_precision(precision: str) -> str:
    """Return the name of a precision.

    Raises:
        ValueError: If there is none of that name.
    """
    if precision not in DTYPES:
        raise ValueError(f'unknown precision {precision!r}: choose one of {list(DTYPES)}')
    return precision


def computing_in(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Inside, torch computes in this precision where that is safe (autocast); float32 changes nothing."""
    if precision == 'float32':
        return nullcontext()
    return torch.autocast(device.type, DTYPES[precision])
