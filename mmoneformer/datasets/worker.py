"""Processes of a data loader."""

import os
import signal
import threading

import torch
from mmengine.dist import get_rank
from mmengine.registry import FUNCTIONS

from mmoneformer.datasets.random_state import set_random_state


@FUNCTIONS.register_module()
def ignore_sigterm(worker_id: int) -> None:
    """Start a worker that ends on SIGTERM of the process it works for alone.

    Schedulers send the signal to all processes of a job. The main process needs its workers until it has saved.

    Args:
        worker_id: Number of the worker in its data loader.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    set_random_state(torch.initial_seed(), get_rank())  # torch gives the workers of a process seeds of their own


def _end_with_parent() -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
        pass
    os._exit(os.EX_OK)
