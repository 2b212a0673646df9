import os

import pytest

from mmoneformer.datasets import annotation_cache
from mmoneformer.datasets.annotation_cache import cached

RESULT = {'name': 'Zürich', 'ids': [1, 2], 'color': (1, 2.5), 'nothing': None}


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    monkeypatch.setattr(annotation_cache, 'MIN_SIZE', 3)
    (tmp_path / 'ann.json').write_text('some')
    return tmp_path / 'ann.json'


@pytest.fixture
def ask(source):
    """Get the result, and return whether the file was read."""

    def ask(settings='same', source=source):
        calls = []
        assert cached(lambda: calls.append(1) or RESULT, source=str(source), settings=settings) == RESULT
        return bool(calls)

    return ask


def test_second_time_is_not_read(ask):
    assert [ask(), ask(), ask()] == [True, False, False]


def test_changed_file_is_read_again(ask, source):
    ask()
    source.write_text('other')
    assert [ask(), ask()] == [True, False]
    os.utime(source, ns=(0, 10**9))
    assert [ask(), ask()] == [True, False]


def test_other_settings_are_kept_beside(ask):
    assert [ask('a'), ask('b'), ask('a'), ask('b')] == [True, True, False, False]


def test_other_version_reads_again(ask, monkeypatch):
    ask()
    monkeypatch.setattr(annotation_cache, '__version__', 'next')
    assert ask()


def test_small_and_remote_files_are_always_read(ask, source, tmp_path):
    source.write_text('s')
    assert [ask(), ask()] == [True, True]
    assert [ask(source='s3://bucket/ann.json')] * 2 == [True, True]
    assert not (tmp_path / 'cache').exists()


@pytest.mark.parametrize('damage', [b'', b'\xff', b'(\x02', b'i\x05\0\0\0', b'N'])
def test_damaged_cache_is_replaced(ask, tmp_path, damage):
    ask()
    (kept,) = (tmp_path / 'cache' / 'mmoneformer').iterdir()
    kept.write_bytes(damage)
    assert [ask(), ask()] == [True, False]


def test_no_place_for_a_cache_is_no_fault(ask, tmp_path):
    (tmp_path / 'cache').write_text('a file where the folder should be')
    assert [ask(), ask()] == [True, True]


def test_disk_that_is_full_keeps_nothing(ask, tmp_path, monkeypatch):
    def fail(path, content):
        path.touch()
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(annotation_cache.Path, 'write_bytes', fail)
    assert [ask(), ask()] == [True, True]
    assert list((tmp_path / 'cache' / 'mmoneformer').iterdir()) == []


def test_faults_are_not_kept(source):
    def fail():
        raise ValueError('fault')

    for _ in range(2):
        with pytest.raises(ValueError, match='fault'):
            cached(fail, source=str(source), settings=())
