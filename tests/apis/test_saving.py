import os
import sys
from concurrent.futures import BrokenExecutor

import pytest

from mmoneformer.apis import inferencer as module
from mmoneformer.apis.saving import is_portable
from mmoneformer_deploy.failures import LOGGER

pytestmark = pytest.mark.skipif(sys.platform != 'linux', reason='other systems cannot copy a process safely')


@pytest.fixture
def in_processes(inferencer, monkeypatch):
    """The inferencer on a machine where processes predict."""
    monkeypatch.setattr(module, 'predicts_in_processes', lambda device, count: count > 1)
    return inferencer


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob('*.*')}


def fail_for(monkeypatch, inferencer, height, error):
    """Let reading fail for images of a height."""
    pipeline = inferencer.reader.pipeline

    def failing(loaded):
        if loaded['img'].shape[0] == height:
            error()
        return pipeline(loaded)

    monkeypatch.setattr(inferencer.reader, 'pipeline', failing)


def test_processes_that_predict_change_nothing(in_processes, images, tmp_path, monkeypatch):
    own = os.getpid()
    predict = module.BatchPredictor.predict_at_once
    pids = []
    monkeypatch.setattr(
        module.BatchPredictor, 'predict_at_once', lambda *a, **k: pids.append(os.getpid()) or predict(*a, **k)
    )
    for out, num_workers in (('one', 0), ('two', 2)):
        assert in_processes.save([images / 'a', images / 'b'], tmp_path / out, num_workers=num_workers) == (3, [])
    assert contents(tmp_path / 'one') == contents(tmp_path / 'two')
    assert pids == [own] * 3  # of the first run: lists of other processes are theirs


def test_one_that_fails_in_a_process_is_skipped(in_processes, images, tmp_path, monkeypatch):
    class Local(Exception):
        """Cannot be sent to another process."""

    def fail():
        raise Local('of a library')

    fail_for(monkeypatch, in_processes, 64, fail)
    monkeypatch.setattr(LOGGER, 'error', lambda *message: (tmp_path / 'stopped').touch())  # also in the processes
    count, failures = in_processes.save(
        [images / 'a', images / 'b'], tmp_path / 'out', tasks=['semantic'], on_error='skip', num_workers=2
    )
    assert (count, [failure.reason for failure in failures]) == (2, ['of a library'])
    assert {path.name for path in (tmp_path / 'out').glob('*.json')} == {'one.json', 'one_2.json'}
    assert not (tmp_path / 'stopped').exists()
    with pytest.raises(RuntimeError, match='of a library'):
        in_processes.save([images / 'a', images / 'b'], tmp_path / 'again', tasks=['semantic'], num_workers=2)
    assert (tmp_path / 'again/one.json').exists()
    assert (tmp_path / 'stopped').exists()


def test_the_loss_of_a_process_is_explained(in_processes, images, tmp_path, monkeypatch):
    fail_for(monkeypatch, in_processes, 64, os.abort)
    with pytest.raises(BrokenExecutor, match='was killed, perhaps for lack of memory: use fewer workers'):
        in_processes.save(images / 'a', tmp_path / 'out', tasks=['semantic'], on_error='skip', num_workers=2)


def test_a_wrong_order_of_channels_is_refused_at_first(in_processes, images, tmp_path):
    with pytest.raises(ValueError, match="channels must be 'bgr' or 'rgb'"):
        in_processes.save(images / 'a', tmp_path / 'out', channels='xyz', on_error='skip', num_workers=2)
    assert not (tmp_path / 'out').exists()


def test_a_wrong_batch_size_is_refused(in_processes, images, tmp_path):
    with pytest.raises(ValueError, match='batch_size must be at least 1, got 0'):
        in_processes.save(images / 'a', tmp_path / 'out', batch_size=0, num_workers=2)


def test_errors_that_can_be_sent():
    class Strict(Exception):
        def __init__(self, *, reason):
            super().__init__(reason)

    assert is_portable(ValueError('text'))
    assert is_portable(FileNotFoundError(2, 'no such file', 'name'))
    assert not is_portable(Strict(reason='text'))
