"""The command line and its exit status."""

import runpy
from pathlib import Path

import pytest

from mmoneformer.datasets.shapes.folder import write_shapes

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data') / 'shapes'
    write_shapes(folder, num_train=12, num_val=5, size=64, seed=0)
    return folder


@pytest.fixture
def main():
    return runpy.run_path(str(ROOT / 'tools/check_dataset.py'))['main']


def arguments(folder, *options):
    settings = [f'{split}_dataloader.dataset.data_root={folder}/' for split in ('train', 'val')]
    config = str(ROOT / 'configs/oneformer_tiny_shapes.py')
    folders = ['--out-dir', str(folder / 'check'), '--workers', '0', '--samples', '1']
    return [config, *folders, *options, '--cfg-options', *settings]


def test_clean_then_with_a_copy_then_with_a_missing_file(main, folder, capsys):
    assert main(arguments(folder)) == 0
    assert f'report: {folder}/check/index.html' in capsys.readouterr().out

    (folder / 'val/000001.jpg').write_bytes((folder / 'train/000001.jpg').read_bytes())
    assert main(arguments(folder)) == 1
    assert main(arguments(folder, '--split', 'train')) == 0

    (folder / 'train/000001.jpg').unlink()
    assert main(arguments(folder, '--split', 'train')) == 2
    assert '000001.jpg: image file: FileNotFoundError' in capsys.readouterr().out


def test_a_split_that_is_not_there_is_an_error(main, folder, capsys):
    with pytest.raises(SystemExit, match='2'):
        main([*arguments(folder, '--split', 'val'), 'val_dataloader=None'])
    assert 'the config has no dataloader' in capsys.readouterr().err
