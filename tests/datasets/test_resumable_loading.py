import itertools
import os
import pickle
import random
import signal
import threading
import time

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset, ConcatDataset
from torch.utils.data import DataLoader, Dataset

from mmoneformer.datasets.resumable_loading import Draw, ResumableSampler, ignore_sigterm, set_random_state
from mmoneformer.registry import DATA_SAMPLERS


class Noise(BaseDataset):
    """Samples whose content is random."""

    def __init__(self, size):
        self.size = size
        super().__init__()

    def load_data_list(self):
        return [{} for _ in range(self.size)]

    def prepare_data(self, index):
        return index, np.random.rand(), torch.rand(()).item()


def taken(sampler, count):
    return [(int(draw), draw.entropy) for draw in itertools.islice(sampler, count)]


def of_processes(monkeypatch, count, size, **settings):
    samplers = []
    for rank in range(count):
        monkeypatch.setattr('mmoneformer.datasets.resumable_loading.get_dist_info', lambda rank=rank: (rank, count))
        samplers.append(ResumableSampler(Noise(size), **settings))
    return samplers


def test_each_round_draws_each_image_once_in_its_own_order():
    sampler = ResumableSampler(Noise(7), seed=3)
    indices = [index for index, _ in taken(sampler, 21)]
    epochs = [indices[:7], indices[7:14], indices[14:]]
    assert all(sorted(part) == list(range(7)) for part in epochs)
    assert len({tuple(part) for part in epochs}) == 3
    assert len({entropy for _, entropy in taken(sampler, 21)}) == 21


def test_goes_on_at_any_place():
    expected = taken(ResumableSampler(Noise(5), seed=1), 20)
    for done in (0, 1, 5, 13):
        sampler = ResumableSampler(Noise(5), seed=1)
        sampler.done = done
        assert taken(sampler, 20 - done) == expected[done:]


def test_other_seeds_give_other_orders_and_states():
    one, other = (dict(taken(ResumableSampler(Noise(50), seed=seed), 50)) for seed in (0, 1))
    assert list(one) != list(other)
    assert not set(one.values()) & set(other.values())


def test_processes_share_the_draws_of_one(monkeypatch):
    (alone,) = of_processes(monkeypatch, 1, 5, seed=2)
    together = of_processes(monkeypatch, 3, 5, seed=2)
    parts = [taken(sampler, 4) for sampler in together]
    assert [draw for draws in zip(*parts, strict=True) for draw in draws] == taken(alone, 12)


def test_epochs_of_loops_that_count_epochs(monkeypatch):
    """Padded to the same number of draws in all processes; each image is drawn at least once."""
    samplers = of_processes(monkeypatch, 2, 5, seed=2, endless=False)
    epochs = [[list(sampler) for sampler in samplers] for _ in range(2)]
    for first, second in epochs:
        assert len(first) == len(second) == len(samplers[0]) == 3
        assert {int(draw) for draw in first + second} == set(range(5))
    assert epochs[0] != epochs[1]
    for sampler in samplers:
        sampler.done = 4
    assert [list(sampler) for sampler in samplers] == [part[1:] for part in epochs[1]]


@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize('concatenated', [False, True])
def test_samples_follow_from_the_draw_alone(workers, concatenated):
    """In any process and after any other samples; also with mmengine's wrappers of data sets."""
    dataset = ConcatDataset([Noise(3), Noise(2)]) if concatenated else Noise(5)
    sampler = ResumableSampler(dataset, seed=4)
    expected = list(itertools.islice(DataLoader(dataset, 2, sampler=sampler, collate_fn=list), 4))
    assert len({value for batch in expected for _, value, _ in batch}) == 8
    sampler.done = 4
    loader = DataLoader(dataset, 2, sampler=sampler, collate_fn=list, num_workers=workers)
    np.random.rand(3)
    assert list(itertools.islice(loader, 2)) == expected[2:]


def test_a_draw_is_an_index_that_travels():
    draw = Draw(7)
    draw.entropy = (1, 2, 7)
    copy = pickle.loads(pickle.dumps(draw))
    assert (list(range(10))[copy], copy.entropy) == (7, (1, 2, 7))


def test_is_found_by_its_name():
    assert isinstance(DATA_SAMPLERS.build(dict(type='ResumableSampler', dataset=Noise(2), seed=0)), ResumableSampler)


def draws():
    return random.random(), np.random.rand(), torch.rand(()).item()


def test_the_same_numbers_give_the_same_state():
    set_random_state(0, 5, 7)
    first = draws()
    draws()
    set_random_state(0, 5, 7)
    assert draws() == first


def test_other_numbers_give_another_state():
    seen = []
    for entropy in ((0, 5, 7), (1, 5, 7), (0, 7, 5), (5, 7)):
        set_random_state(*entropy)
        seen.append(draws())
    for values in zip(*seen, strict=True):
        assert len(set(values)) == 4


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


@pytest.mark.parametrize(
    ('endless', 'counts_epochs', 'is_endless'), [(None, True, False), (None, False, True), (False, True, False)]
)
def test_the_loop_decides_whether_epochs_end(endless, counts_epochs, is_endless):
    sampler = ResumableSampler(Noise(3), seed=0, endless=endless)
    assert sampler.is_endless == (endless is None)
    sampler.follow_loop(counts_epochs=counts_epochs)
    assert sampler.is_endless == is_endless
    assert len(taken(sampler, 9)) == (9 if is_endless else 3)


def test_a_loop_that_would_never_end_is_refused():
    with pytest.raises(ValueError, match=r'ResumableSampler\(endless=True\): leave it out'):
        ResumableSampler(Noise(3), seed=0, endless=True).follow_loop(counts_epochs=True)


class Sized(Noise):
    """Portrait and landscape images in turn."""

    def load_data_list(self):
        return [{'width': 1 + index % 2, 'height': 2 - index % 2} for index in range(self.size)]


def test_batches_of_one_aspect_ratio():
    """Of mmdet's batch sampler, each image with the random state of its draw."""
    dataset = Sized(12)
    batches = DATA_SAMPLERS.build(
        dict(
            type='mmdet.AspectRatioBatchSampler',
            sampler=ResumableSampler(dataset, seed=0, endless=False),
            batch_size=3,
        )
    )
    loaded = list(DataLoader(dataset, batch_sampler=batches, collate_fn=list))
    assert all(len({index % 2 for index, *_ in batch}) == 1 for batch in loaded)
    again = ResumableSampler(dataset, seed=0, endless=False)
    expected = sorted(sample for batch in DataLoader(dataset, sampler=again, collate_fn=list) for sample in batch)
    assert sorted(sample for batch in loaded for sample in batch) == expected


def test_workers_start_where_senders_of_signals_are_unknown(monkeypatch):
    """As on macOS and Windows, which lack these functions."""
    monkeypatch.delattr(signal, 'sigwaitinfo', raising=False)
    monkeypatch.delattr(signal, 'pthread_sigmask', raising=False)
    threads = threading.active_count()
    ignore_sigterm(0)
    assert threading.active_count() == threads
