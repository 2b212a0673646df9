"""What a part runs on, measured in its own process."""

import functools
import os
import platform
import time
from dataclasses import replace
from typing import Any

import torch

from benchmarking.case import Case
from benchmarking.gpu.figures import Machine
from benchmarking.machine import PACKAGES, find_version, processor_name
from benchmarking.precision import PRECISIONS, precise

MATRIX_SIDE, QUICK_MATRIX_SIDE = 8192, 256
WARM_UP, RUNS, PRODUCTS = 3, 5, 5
MORE_PACKAGES = ('triton', 'timm', 'torchvision')


def describe(device: str, *, quick: bool) -> Machine:
    """Names and versions, and the best rates of matrix products."""
    on_gpu = device.startswith('cuda')
    facts: dict[str, Any] = dict(
        gpu=torch.cuda.get_device_name() if on_gpu else None,
        gigabytes=torch.cuda.get_device_properties(0).total_memory / 1e9 if on_gpu else None,
        cuda=torch.version.cuda,
        processor=processor_name(),
        cores=os.cpu_count(),
        python=platform.python_version(),
        versions={name: found for name in (*PACKAGES, *MORE_PACKAGES) if (found := find_version(name))},
    )
    side = MATRIX_SIDE if on_gpu and not quick else QUICK_MATRIX_SIDE
    return Machine(facts, {precision: matrix_rate(precision, device, side) for precision in PRECISIONS})


def matrix_rate(precision: str, device: str, side: int) -> float:
    """Operations of a second in products of two square matrices: the best of some runs of several products."""
    dtype = torch.bfloat16 if precision == 'bfloat16' else torch.float32
    matrix = torch.randn(side, side, device=device).to(dtype)
    product = functools.partial(torch.matmul, matrix, matrix)
    with precise(replace(Case(), precision=precision, device=device)):
        for _ in range(WARM_UP):
            product()
        best = min(_seconds(product, device) for _ in range(RUNS))
    return 2 * side**3 * PRODUCTS / best


def _seconds(product: functools.partial[torch.Tensor], device: str) -> float:
    wait(device)
    start = time.perf_counter()
    for _ in range(PRODUCTS):
        product()
    wait(device)
    return time.perf_counter() - start


def wait(device: str) -> None:
    """Wait for the GPU, if it is one."""
    if device.startswith('cuda'):
        torch.cuda.synchronize()
