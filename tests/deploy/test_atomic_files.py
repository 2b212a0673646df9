import json
import os
from contextlib import suppress

import pytest

from mmoneformer_deploy.atomic_files import commit, naming, partial_path, replacing, write_bytes, write_json


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_temporary_names(tmp_path):
    assert partial_path(tmp_path / 'a.b.png') == tmp_path / '.a.b.part.png'
    assert partial_path(str(tmp_path / 'folder')) == tmp_path / '.folder.part'
    first, second = (partial_path(tmp_path / 'a.png', unique=True) for _ in range(2))
    assert first != second
    assert {first.suffix, first.name[:3], first.parent} == {'.png', '.a.', tmp_path}


def test_a_file_is_replaced_when_it_is_complete(tmp_path):
    path = tmp_path / 'new' / 'a.txt'
    write_bytes(path, b'old')
    with replacing(path) as part:
        part.write_bytes(b'new')
        assert path.read_bytes() == b'old'
    assert path.read_bytes() == b'new'
    assert names(path.parent) == ['a.txt']


@pytest.mark.parametrize('unique', [False, True])
def test_after_an_exception_the_old_file_remains(tmp_path, unique):
    path = tmp_path / 'a.txt'
    path.write_bytes(b'old')
    with suppress(KeyboardInterrupt), replacing(path, unique=unique) as part:
        part.write_bytes(b'new')
        raise KeyboardInterrupt
    assert path.read_bytes() == b'old'
    assert names(tmp_path) == ['a.txt']


@pytest.mark.parametrize('call', ['fsync', 'replace'])
def test_a_disk_that_fails(tmp_path, monkeypatch, call):
    path = tmp_path / 'a.txt'
    path.write_bytes(b'old')

    def fail(*_):
        raise OSError('disk full')

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match='disk full'):
        write_bytes(path, b'new', sync=True)
    assert path.read_bytes() == b'old'
    assert names(tmp_path) == ['a.txt']


def test_errors_name_the_file(tmp_path):
    with pytest.raises(OSError, match=r"No space left on device: '.*a\.txt'"), naming(tmp_path / 'a.txt'):
        os.write(os.open('/dev/full', os.O_WRONLY), b'a')
    with pytest.raises(OSError, match=r"No such file or directory: 'b'"), naming(tmp_path / 'a.txt'):
        os.open('b', os.O_RDONLY)


def test_folders(tmp_path):
    with replacing(tmp_path / 'folder', unique=True) as part:
        part.mkdir()
        (part / 'a.txt').write_text('a')
        assert not (tmp_path / 'folder').exists()
    assert names(tmp_path) == ['folder']
    assert names(tmp_path / 'folder') == ['a.txt']
    with suppress(ValueError), replacing(tmp_path / 'other') as part:
        (part / 'sub').mkdir(parents=True)
        raise ValueError
    assert names(tmp_path) == ['folder']


def test_what_a_killed_process_left_is_written_over(tmp_path):
    partial_path(tmp_path / 'a.txt').write_text('a longer text, cut o')
    write_bytes(tmp_path / 'a.txt', b'short')
    assert (tmp_path / 'a.txt').read_bytes() == b'short'
    assert names(tmp_path) == ['a.txt']


def test_synchronized_before_the_rename(tmp_path, monkeypatch):
    calls = []
    for call in ('fsync', 'replace'):
        original = getattr(os, call)
        monkeypatch.setattr(os, call, lambda *args, call=call, do=original: (calls.append(call), do(*args)))
    write_bytes(tmp_path / 'a.txt', b'a', sync=True)
    write_bytes(tmp_path / 'a.txt', b'a')
    assert calls == ['fsync', 'replace', 'replace']


def test_written_in_pieces(tmp_path):
    path = tmp_path / 'a.txt'
    part = partial_path(path)
    part.write_text('one')
    commit(part, path)
    assert (path.read_text(), names(tmp_path)) == ('one', ['a.txt'])


def test_json(tmp_path):
    write_json(tmp_path / 'a.json', {'ä': [1]})
    assert (tmp_path / 'a.json').read_text() == json.dumps({'ä': [1]})
    write_json(tmp_path / 'a.json', {'a': 1}, indent=2)
    assert (tmp_path / 'a.json').read_text() == '{\n  "a": 1\n}\n'
