import os
from math import factorial
from pathlib import Path

import pytest

import mmoneformer  # noqa: F401  (before mmdet)
from mmoneformer.datasets.converters import ade20k, cityscapes, coco, mapillary
from mmoneformer.datasets.converters.conversion import Split, parallel_map, run

SPLITS = (Split('train', 'training', 3), Split('val', 'validation', 2))


def test_converts_the_splits_asked_for_and_says_what_is_incomplete(capsys):
    calls = []

    def convert(root, split, workers, overwrite):
        calls.append((root, split, workers, overwrite))
        return 2

    run(convert, SPLITS, description='', arguments=['data/x', '--workers', '5'])
    assert calls == [(Path('data/x'), split, 5, False) for split in SPLITS]
    assert capsys.readouterr().out == 'train: 2 images; the complete split has 3\nval: 2 images\n'

    run(convert, SPLITS, description='', arguments=['data/x', '--splits', 'val', '--overwrite'])
    assert [(split.name, overwrite) for _, split, _, overwrite in calls[2:]] == [('val', True)]


@pytest.mark.parametrize('error', [ValueError('no images in x'), FileNotFoundError('no images in x')])
def test_faults_of_the_data_end_without_a_traceback(error):
    def convert(root, split, workers, overwrite):
        raise error

    with pytest.raises(SystemExit) as stop:
        run(convert, SPLITS, description='', arguments=['data/x'])
    assert stop.value.code == 'train: no images in x'


@pytest.mark.parametrize(
    ('converter', 'train', 'val'),
    [(ade20k, 20210, 2000), (cityscapes, 2975, 500), (coco, 118287, 5000), (mapillary, 18000, 2000)],
)
def test_published_sizes(converter, train, val):
    assert {split.name: split.images for split in converter.SPLITS} == {'train': train, 'val': val}


@pytest.mark.parametrize('workers', [1, 2])
def test_results_are_in_the_order_of_the_jobs(workers, capsys):
    results = parallel_map(factorial, [3, 0, 5], description='factorials', workers=workers)
    assert results == [6, 1, 120]
    printed = capsys.readouterr()
    assert printed.out == ''
    assert 'factorials' in printed.err
    assert '3/3' in printed.err


def test_several_workers_are_other_processes():
    assert os.getpid() not in parallel_map(_process_id, [0, 1], description='', workers=2)


def _process_id(_: int) -> int:
    return os.getpid()


@pytest.mark.parametrize('workers', [1, 2])
def test_an_error_ends_the_run(workers):
    with pytest.raises(ValueError, match='negative'):
        parallel_map(factorial, [1, -1], description='', workers=workers)


def test_no_jobs():
    assert parallel_map(factorial, [], description='', workers=2) == []
