import errno
from pathlib import Path

import numpy as np
import pytest

from mmoneformer_deploy.failures import Failure, list_failures, skipping


@pytest.mark.parametrize(('reason', 'told'), [('x', ['stopped at a.jpg']), ('a.jpg is empty', [])])
def test_stops_at_the_first_and_tells_which_it_is(reason, told, caplog):
    failures = list_failures('stop')
    with pytest.raises(KeyError), skipping(failures, 0, Path('a.jpg')):
        raise KeyError(reason)
    assert [record.getMessage() for record in caplog.records] == told


def test_lists_and_tells_what_failed(caplog):
    failures = list_failures('skip')
    with skipping(failures, 3, Path('a.jpg')):
        raise ValueError('a.jpg is empty')
    with skipping(failures, 4, np.zeros((2, 3, 3), np.uint8)):
        raise RuntimeError
    assert failures == [Failure(3, 'a.jpg', 'a.jpg is empty'), Failure(4, 'array 4', 'RuntimeError')]
    assert [record.getMessage() for record in caplog.records] == [
        'skipped: a.jpg is empty',
        'skipped: array 4: RuntimeError',
    ]


def test_a_full_disk_always_stops():
    with pytest.raises(OSError, match='full'), skipping(list_failures('skip'), 0, Path('a.jpg')):
        raise OSError(errno.ENOSPC, 'full')


def test_another_word():
    with pytest.raises(ValueError, match="on_error must be 'stop' or 'skip', got 'ignore'"):
        list_failures('ignore')
