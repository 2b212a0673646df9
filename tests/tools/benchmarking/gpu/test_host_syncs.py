import warnings

import torch
from benchmarking.gpu.host_syncs import MESSAGE, count_messages, count_syncs


def test_operations_that_wait_are_counted():
    """Modes of CUDA can be set without a GPU; what they warn of is given here."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        for _ in range(3):
            warnings.warn(f'{MESSAGE} (Triggered internally at x.cpp:1.)', stacklevel=1)
        warnings.warn('something else', stacklevel=1)
    assert count_messages(caught) == 3


def test_the_debug_mode_is_on_during_the_work(monkeypatch):
    modes = []
    monkeypatch.setattr(torch.cuda, 'set_sync_debug_mode', modes.append)

    def work():
        assert modes == ['warn']
        warnings.warn(MESSAGE, stacklevel=1)

    assert count_syncs(work, 'cuda') == 1
    assert modes == ['warn', 'default']


def test_a_cpu_is_not_waited_for():
    runs = []
    assert count_syncs(lambda: runs.append(1), 'cpu') is None
    assert runs == [1]
