import os
import signal
import time

import numpy as np
import pytest
from torch.utils.data import DataLoader, Dataset

from mmoneformer.datasets.worker import ignore_sigterm


class Facts(Dataset):
    """Process of the worker, and a random number."""

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return os.getpid(), np.random.rand()


@pytest.fixture
def loader():
    return DataLoader(
        Facts(),
        num_workers=2,
        persistent_workers=True,
        collate_fn=list,
        worker_init_fn=ignore_sigterm,
        prefetch_factor=1,
    )


def is_alive(process):
    with open(f'/proc/{process}/stat') as file:
        return file.read().split()[2] != 'Z'


@pytest.mark.skipif(not os.path.isdir('/proc'), reason='looks at processes as Linux shows them')
def test_only_the_process_it_works_for_ends_it(loader):
    batches = iter(loader)
    pids = {next(batches)[0][0] for _ in range(2)}
    for pid in pids:
        if os.fork() == 0:  # somebody else sends it
            os.kill(pid, signal.SIGTERM)
            os._exit(0)
        os.wait()
    time.sleep(0.1)
    assert len([next(batches) for _ in range(6)]) == 6
    for worker in batches._workers:
        worker.terminate()
        worker.join(timeout=10)
        assert worker.exitcode == 0


def test_workers_have_random_states_of_their_own(loader):
    numbers = [batch[0][1] for batch in loader]
    assert len(set(numbers)) == 8
