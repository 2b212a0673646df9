"""Runs each measurement in a process of its own: none finds another's memory, caches or settings."""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

Result = TypeVar('Result')


def in_fresh_process(function: Callable[..., Result], *arguments: Any, threads: int) -> Result:
    """Call a function of a module in a new interpreter.

    Args:
        function: What is called.
        *arguments: What it is given.
        threads: Of the CPU; torch reads their number when it is imported.

    Returns:
        What it gives. Its errors are raised here.
    """
    os.environ['OMP_NUM_THREADS'] = str(threads)
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()
