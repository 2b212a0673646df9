import sys
import time

import pytest
import torch
from benchmarking.measuring import Timing, alternate, memory_of, seconds_of


def test_the_ratio_is_that_of_the_medians_and_the_spread_that_of_pairs():
    timing = Timing(ours=[1.0, 9.0, 2.0], peer=[4.0, 3.0, 8.0])
    assert timing.ratio == 2.0 / 4.0
    assert timing.spread == (0.25, 3.0)


def test_both_run_in_turn_after_a_warm_up():
    order = []
    timing = alternate(lambda: order.append('ours'), lambda: order.append('peer'), rounds=2)
    assert order == ['ours', 'peer'] * 3
    assert len(timing.ours) == len(timing.peer) == 2


def test_seconds():
    assert 0.05 <= seconds_of(lambda: time.sleep(0.05)) < 0.5


@pytest.mark.skipif(sys.platform != 'linux', reason='resident memory is read from /proc')
def test_memory_of_what_is_held_and_what_is_used_for_a_moment():
    megabyte = 2**20

    def make():
        held = torch.ones(40 * megabyte // 4)
        return lambda: (torch.ones(100 * megabyte // 4) * 2).sum() + held.sum()

    memory = memory_of(make)
    assert memory.held == pytest.approx(40 * megabyte, abs=8 * megabyte)
    assert memory.extra == pytest.approx(200 * megabyte, abs=8 * megabyte)
    assert memory.peak == memory.held + memory.extra
