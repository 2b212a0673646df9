"""How often a piece of work waits for the GPU."""

import warnings
from collections.abc import Callable
from typing import Any

import torch

MESSAGE = 'called a synchronizing CUDA operation'


def count_syncs(work: Callable[[], Any], device: str) -> int | None:
    """Run the work, and count the operations that torch's debug mode warns of; None on a CPU, where nothing waits."""
    if not device.startswith('cuda'):
        work()
        return None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        torch.cuda.set_sync_debug_mode('warn')
        try:
            work()
        finally:
            torch.cuda.set_sync_debug_mode('default')
    return count_messages(caught)


def count_messages(caught: list[warnings.WarningMessage]) -> int:
    """How many of the warnings are of an operation that waits."""
    return sum(MESSAGE in str(warning.message) for warning in caught)
