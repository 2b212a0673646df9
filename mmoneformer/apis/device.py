"""Which device a model runs on, and in which precision."""

import logging
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import mmengine.device
import torch
from mmengine.logging import print_log

from mmoneformer.apis.memory import available_memory

ACCELERATORS = ('cuda', 'xpu', 'mps', 'npu')  # in the order in which 'auto' tries them
DTYPES = {'float32': torch.float32, 'bfloat16': torch.bfloat16, 'float16': torch.float16}
CPU_INSTRUCTIONS = {  # of x86 and ARM, as in torch.cpu.get_capabilities(); any of them makes a precision fast
    'bfloat16': ('avx512_bf16', 'amx_bf16', 'avx_ne_convert', 'bf16', 'sve_bf16'),
    'float16': ('avx512_fp16', 'amx_fp16', 'fp16_arith'),
}
MEMORY_OF_PROCESS = 2 * 2**30  # bytes that an image takes at most, with usual models and sizes


def resolve_device(device: str | torch.device = 'auto') -> torch.device:
    """Choose a device, or check one.

    Args:
        device: 'auto' for the first available of CUDA, XPU (Intel), MPS (Apple) and NPU (Ascend), else the CPU; or a
            device of torch, such as 'cpu' or 'cuda:1'.

    Raises:
        ValueError: If torch does not know the device, or there is none of that type or number.
    """
    if device == 'auto':
        return torch.device(next(filter(_count_devices, ACCELERATORS), 'cpu'))
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"unknown device {device!r}: use 'auto', 'cpu' or for example 'cuda:0'") from error
    if resolved.type in ACCELERATORS:
        count = _count_devices(resolved.type)
        if count <= (resolved.index or 0):
            found = f'{count or "no"} {resolved.type.upper()} device{"s" if count > 1 else ""}'
            raise ValueError(
                f"device is {str(device)!r}, but torch {torch.__version__} finds {found}: use 'auto' or 'cpu'"
            )
    return resolved


def _count_devices(device_type: str) -> int:
    if device_type == 'mps':
        return int(torch.backends.mps.is_available())
    backend = getattr(torch, device_type, None)  # torch.npu exists where torch_npu is installed
    return backend.device_count() if backend is not None and backend.is_available() else 0


def trains_on_accelerator() -> bool:
    """Whether mmengine trains on a device for which it has mixed precision in float16 and a distributed backend.

    These are CUDA, NPU, MLU and MUSA; for MPS it has neither, and it does not train on XPU.
    """
    return mmengine.device.get_device() not in ('cpu', 'mps')


def check_precision(precision: str) -> str:
    """Return the name of a precision.

    Raises:
        ValueError: If it is none of ``DTYPES``.
    """
    if precision not in DTYPES:
        raise ValueError(f'unknown precision {precision!r}: choose one of {list(DTYPES)}')
    return precision


def warn_if_slow(precision: str, device: torch.device) -> None:
    """Warn if the device is a CPU without instructions for a precision, which is then slower than float32.

    Results are computed as asked: they take less memory. Versions of torch that do not list instructions, and CPUs of
    other kinds, give no warning.
    """
    listed: dict[str, Any] = getattr(torch.cpu, 'get_capabilities', dict)() if device.type == 'cpu' else {}
    known = [listed[name] for name in CPU_INSTRUCTIONS.get(precision, ()) if name in listed]
    if known and not any(known):
        print_log(
            f'this CPU has no instructions for {precision}, which takes less memory but more time than float32 on it',
            logger='current',
            level=logging.WARNING,
        )


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Context in which a model runs in a precision, by torch's autocast; float32 changes nothing."""
    return nullcontext() if precision == 'float32' else torch.autocast(device.type, DTYPES[precision])


def predicts_in_processes(device: torch.device, count: int) -> bool:
    """Whether several processes predict, each an image with one thread, rather than one with all threads.

    On a CPU, threads that share each operator wait for each other, and threads with an image each for Python. The
    processes are copies of this one, and share its weights: Linux can copy a process. There has to be one for each of
    torch's threads, and memory for all.

    Args:
        device: Of the model.
        count: Number of processes that draw and write.
    """
    if device.type != 'cpu' or sys.platform != 'linux' or not 1 < torch.get_num_threads() <= count:
        return False
    return available_memory() >= count * MEMORY_OF_PROCESS
