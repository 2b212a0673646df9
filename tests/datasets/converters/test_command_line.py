from pathlib import Path

import pytest

import mmoneformer  # noqa: F401  (before mmdet)
from mmoneformer.datasets.converters.command_line import run
from mmoneformer.datasets.converters.split import Split

SPLITS = (Split('train', 'training', 3), Split('val', 'validation', 2))


def test_converts_the_splits_asked_for_and_says_what_is_incomplete(capsys):
    calls = []

    def convert(root, split, workers):
        calls.append((root, split, workers))
        return 2

    run(convert, SPLITS, description='', arguments=['data/x', '--workers', '5'])
    assert calls == [(Path('data/x'), split, 5) for split in SPLITS]
    assert capsys.readouterr().out == 'train: 2 images; the complete split has 3\nval: 2 images\n'

    run(convert, SPLITS, description='', arguments=['data/x', '--splits', 'val'])
    assert [split.name for _, split, _ in calls] == ['train', 'val', 'val']


@pytest.mark.parametrize('error', [ValueError('no images in x'), FileNotFoundError('no images in x')])
def test_faults_of_the_data_end_without_a_traceback(error):
    def convert(root, split, workers):
        raise error

    with pytest.raises(SystemExit) as stop:
        run(convert, SPLITS, description='', arguments=['data/x'])
    assert stop.value.code == 'train: no images in x'
