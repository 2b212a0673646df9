import runpy
from pathlib import Path

import pytest

SMALL = runpy.run_path(str(Path(__file__).parents[1] / 'data/small_network.py'))


@pytest.fixture(scope='session')
def onnx_file(tmp_path_factory):
    return SMALL['write_small_network'](tmp_path_factory.mktemp('exported') / 'small.onnx')


@pytest.fixture(scope='session')
def description():
    return SMALL['DESCRIPTION']
