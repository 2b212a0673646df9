import os

import pytest
import torch
from mmengine.fileio import get_file_backend
from mmengine.runner import save_checkpoint

from mmoneformer.checkpoints.intact_checkpoint import is_intact, last_intact_checkpoint

BACKEND = dict(backend='AtomicFileBackend')


def save(folder, name, seconds, point_to_it=True):
    path = folder / name
    torch.save({'weights': torch.rand(1000), 'meta': {'iter': seconds}}, path)
    os.utime(path, (seconds, seconds))
    if point_to_it:
        (folder / 'last_checkpoint').write_text(str(path))
    return path


def test_a_file_is_replaced_atomically(tmp_path, monkeypatch):
    path = tmp_path / 'folder' / 'iter_1.pth'
    save_checkpoint({'value': 1}, str(path), backend_args=BACKEND)
    assert torch.load(path) == {'value': 1}
    assert [entry.name for entry in path.parent.iterdir()] == ['iter_1.pth']

    def full(descriptor):
        raise OSError('no space left')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match='no space left'):
        save_checkpoint({'value': 2}, str(path), backend_args=BACKEND)
    assert torch.load(path) == {'value': 1}
    monkeypatch.undo()
    get_file_backend(backend_args=BACKEND).put(b'3', path)
    assert path.read_bytes() == b'3'
    assert [entry.name for entry in path.parent.iterdir()] == ['iter_1.pth']


@pytest.mark.parametrize('damage', ['cut off', 'changed', 'emptied'])
def test_damage(tmp_path, damage):
    path = save(tmp_path, 'iter_1.pth', 1)
    assert is_intact(path)
    content = bytearray(path.read_bytes())
    if damage == 'changed':
        content[len(content) // 2] ^= 1
    path.write_bytes({'cut off': content[:-10], 'changed': content, 'emptied': b''}[damage])
    assert not is_intact(path)


def test_a_folder_is_not_checked(tmp_path):
    assert is_intact(tmp_path)


def test_the_last_that_was_saved(tmp_path):
    """Not one of a longer run before it."""
    save(tmp_path, 'iter_900.pth', 1)
    save(tmp_path, 'best_PQ_iter_5.pth', 8, point_to_it=False)
    save(tmp_path, 'iter_5.pth', 7)
    last = save(tmp_path, 'iter_10.pth', 5)
    assert last_intact_checkpoint(tmp_path) == str(last)


def test_a_damaged_one_is_ignored_and_named(tmp_path, monkeypatch):
    messages = []
    monkeypatch.setattr(
        'mmoneformer.checkpoints.intact_checkpoint.print_log', lambda message, **_: messages.append(message)
    )
    save(tmp_path, 'iter_5.pth', 1)
    before = save(tmp_path, 'iter_10.pth', 2)
    damaged = save(tmp_path, 'iter_15.pth', 3)
    damaged.write_bytes(damaged.read_bytes()[:500])
    assert last_intact_checkpoint(tmp_path) == str(before)
    assert messages == [f'{damaged} is damaged and ignored']


def test_none_yet(tmp_path):
    assert last_intact_checkpoint(tmp_path) is None
    assert last_intact_checkpoint(tmp_path / 'not there') is None


@pytest.mark.parametrize('content', ['', 'work_dirs/half_a_na', None])
def test_a_pointer_that_is_lost(tmp_path, content, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(tmp_path, 'iter_5.pth', 1)
    last = save(tmp_path, 'iter_10.pth', 2)
    pointer = tmp_path / 'last_checkpoint'
    pointer.unlink() if content is None else pointer.write_text(content)
    assert last_intact_checkpoint(tmp_path) == str(last)


def test_all_damaged(tmp_path):
    save(tmp_path, 'iter_5.pth', 1).write_bytes(b'')
    with pytest.raises(ValueError, match=r'iter_5\.pth.*remove them'):
        last_intact_checkpoint(tmp_path)


def test_other_folders_and_storages(tmp_path):
    elsewhere = tmp_path / 'elsewhere'
    elsewhere.mkdir()
    last = save(elsewhere, 'epoch_2.pth', 1)
    (tmp_path / 'last_checkpoint').write_text(str(last))
    assert last_intact_checkpoint(tmp_path) == str(last)
    (tmp_path / 'last_checkpoint').write_text('s3://bucket/iter_5.pth')
    assert last_intact_checkpoint(tmp_path) == 's3://bucket/iter_5.pth'
