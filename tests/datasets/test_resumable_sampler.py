import itertools
import pickle

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset, ConcatDataset
from torch.utils.data import DataLoader

from mmoneformer.datasets.resumable_sampler import Draw, ResumableSampler
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
        monkeypatch.setattr('mmoneformer.datasets.resumable_sampler.get_dist_info', lambda rank=rank: (rank, count))
        samplers.append(ResumableSampler(Noise(size), **settings))
    return samplers


def test_each_round_draws_each_image_once_in_its_own_order():
    sampler = ResumableSampler(Noise(7), seed=3)
    indices = [index for index, _ in taken(sampler, 21)]
    rounds = [indices[:7], indices[7:14], indices[14:]]
    assert all(sorted(part) == list(range(7)) for part in rounds)
    assert len({tuple(part) for part in rounds}) == 3
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


def test_rounds_of_loops_that_count_epochs(monkeypatch):
    """Filled up, so that all processes draw alike; each image at least once; the next one follows by itself."""
    samplers = of_processes(monkeypatch, 2, 5, seed=2, endless=False)
    rounds = [[list(sampler) for sampler in samplers] for _ in range(2)]
    for first, second in rounds:
        assert len(first) == len(second) == len(samplers[0]) == 3
        assert {int(draw) for draw in first + second} == set(range(5))
    assert rounds[0] != rounds[1]
    for sampler in samplers:
        sampler.done = 4
    assert [list(sampler) for sampler in samplers] == [part[1:] for part in rounds[1]]


@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize('united', [False, True])
def test_samples_follow_from_the_draw_alone(workers, united):
    """Whatever process reads them, and whatever was read before; also behind mmengine's wrappers of data sets."""
    dataset = ConcatDataset([Noise(3), Noise(2)]) if united else Noise(5)
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
