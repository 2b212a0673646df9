import sys

import pytest

from mmoneformer.apis.memory import available_memory

GIGABYTE = 2**30
MEMINFO = 'MemTotal:       33554432 kB\nMemAvailable:   16777216 kB\nHugePages_Total:       0\n'


def linux(root, **files):
    for name, text in {'proc/meminfo': MEMINFO, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.skipif(sys.platform != 'linux', reason='Linux tells it in files')
def test_this_machine():
    assert 2**26 < available_memory() < 2**50


def test_a_machine(tmp_path):
    assert available_memory(linux(tmp_path)) == 16 * GIGABYTE


LIMITS = [('max', 16), (8 * GIGABYTE, 6), (2 * GIGABYTE, 0), (64 * GIGABYTE, 16)]


@pytest.mark.parametrize(('limit', 'available'), LIMITS)
def test_a_container_with_a_limit(limit, available, tmp_path):
    root = linux(
        tmp_path,
        **{
            'sys/fs/cgroup/memory.max': f'{limit}\n',
            'sys/fs/cgroup/memory.current': f'{3 * GIGABYTE}\n',
            'sys/fs/cgroup/memory.stat': f'anon 5\nfile 7\ninactive_file {GIGABYTE}\n',
        },
    )
    assert available_memory(root) == available * GIGABYTE


def test_a_container_of_the_first_version(tmp_path):
    root = linux(
        tmp_path,
        **{
            'sys/fs/cgroup/memory/memory.limit_in_bytes': f'{8 * GIGABYTE}\n',
            'sys/fs/cgroup/memory/memory.usage_in_bytes': f'{3 * GIGABYTE}\n',
            'sys/fs/cgroup/memory/memory.stat': f'cache 1\ninactive_file 1\ntotal_inactive_file {2 * GIGABYTE}\n',
        },
    )
    assert available_memory(root) == 7 * GIGABYTE
