import subprocess
import sys
import time

import pytest
from benchmarking import measuring
from benchmarking.measuring import Timing, alternate, seconds_of


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


MEGABYTE = 2**20
MEASURE = """
import runpy
import sys
import numpy as np

def make():
    held = np.ones(40 * 2**20 // 8)
    return lambda: np.ones(200 * 2**20 // 8).sum() + held.sum()

memory = runpy.run_path(sys.argv[1])['memory_of'](make)
print(memory.held, memory.extra, memory.peak)
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='resident memory is read from /proc')
def test_memory_of_what_is_held_and_what_is_used_for_a_moment():
    """In a process of its own: one that has freed memory before takes it from there."""
    said = subprocess.check_output([sys.executable, '-c', MEASURE, measuring.__file__])
    held, extra, peak = map(int, said.split())
    assert held == pytest.approx(40 * MEGABYTE, abs=8 * MEGABYTE)
    assert extra == pytest.approx(200 * MEGABYTE, abs=8 * MEGABYTE)
    assert peak == held + extra
