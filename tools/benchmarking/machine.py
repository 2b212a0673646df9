"""What a benchmark ran on."""

import functools
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from benchmarking.measuring import seconds_of

PACKAGES = ('torch', 'mmengine', 'mmcv', 'mmcv-lite', 'mmdet', 'mmsegmentation', 'transformers', 'numpy')
SMALLEST_MATRIX, LARGEST_MATRIX, MATRIX_RUNS = 256, 2048, 5
LONG_PRODUCT = 0.1  # seconds
CPU_INFO = Path('/proc/cpuinfo')


def describe_machine(threads: int) -> dict[str, Any]:
    """Processor, versions, and how fast the machine multiplies matrices right now."""
    torch.set_num_threads(threads)
    return dict(
        processor=processor_name(),
        cores=os.cpu_count(),
        load=os.getloadavg()[0],
        threads=threads,
        python=platform.python_version(),
        versions={name: found for name in PACKAGES if (found := find_version(name))},
        matrix_gflops={str(dtype)[6:]: matrix_gflops(dtype) for dtype in (torch.float32, torch.bfloat16)},
    )


def processor_name() -> str:
    """Model of the processor, as well as the system knows it."""
    if CPU_INFO.exists():
        names = [line.partition(':')[2].strip() for line in CPU_INFO.read_text().splitlines() if 'model name' in line]
        if names:
            return names[0]
    return platform.processor() or platform.machine()


def find_version(package: str) -> str | None:
    """Version of an installed package; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def matrix_gflops(dtype: torch.dtype) -> float:
    """Return the best rate of some products of square matrices, which no network exceeds.

    The matrices grow until a product takes a while: some processors compute bfloat16 a hundred times slower.
    """
    size = SMALLEST_MATRIX
    while True:
        matrix = torch.randn(size, size).to(dtype)
        product = functools.partial(torch.matmul, matrix, matrix)
        seconds = min(seconds_of(product) for _ in range(MATRIX_RUNS))
        if size >= LARGEST_MATRIX or seconds > LONG_PRODUCT:
            return round(2 * size**3 / seconds / 1e9, 1)
        size *= 2
