"""Shared by all tests."""

import gc
import multiprocessing
import os
import runpy
import shutil
import sys
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import torch

if not torch.cuda.is_available():
    os.environ['TRITON_INTERPRET'] = '1'  # before triton is imported: its kernels run on the CPU, in numpy

from mmengine.registry import DefaultScope

import mmoneformer  # noqa: F401  # before any test module imports mmdet

CHROMIUM = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome')


def pytest_sessionstart(session: pytest.Session) -> None:
    """Leave out the tests of CUDA in one line where there is none."""
    if session.config.option.markexpr.startswith('gpu') and not torch.cuda.is_available():
        pytest.exit('skipped: torch finds no CUDA device', returncode=0)


def pytest_collection_finish() -> None:
    """Keep what is imported out of garbage collections, which mmengine starts for each data set."""
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Also skip them when they are run by name."""
    if item.get_closest_marker('gpu') and not torch.cuda.is_available():
        pytest.skip('torch finds no CUDA device')


@pytest.fixture(autouse=True, scope='module')
def imported_since() -> Iterator[None]:
    """Do so with what a module of tests has left, too."""
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def own_scope() -> Iterator[None]:
    """Let no test leave its default scope to the others: a Runner sets one."""
    with DefaultScope.overwrite_default_scope('mmoneformer'):
        yield


@pytest.fixture(autouse=True, scope='session')
def unformatted_configs() -> Iterator[None]:
    """Write configs as they are: to format them, mmengine takes seconds, several times in each run of a runner."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (
            'mmengine.config.config.FormatCode',
            'yapf.yapflib.yapf_api.FormatCode',
        ):  # mmengine's, its fork's
            patch.setattr(name, lambda text, **_: (text, True), raising=False)
        yield


@pytest.fixture(scope='session')
def start_script() -> Callable[..., BaseProcess]:
    """Starts a script with its arguments, and returns its process: forked off one that has imported everything.

    CUDA does not work in such a process, as mmengine asks for it when it is imported.
    """
    context = multiprocessing.get_context('spawn' if torch.cuda.is_available() else 'forkserver')
    context.set_forkserver_preload(
        ['mmoneformer.apis.train_and_test', 'mmoneformer.models', 'mmoneformer.engine.hooks', 'mmoneformer.evaluation']
    )

    def start(script: str | Path, *arguments: Any, cwd: str | Path) -> BaseProcess:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(cwd)
            patch.setenv('OMP_NUM_THREADS', '1')
            patch.setattr(sys, 'argv', [str(script), *map(str, arguments)])
            process = context.Process(target=runpy.run_path, args=(str(script),), kwargs=dict(run_name='__main__'))
            process.start()
        return process

    return start


@pytest.fixture(scope='module')
def browser() -> Iterator[Any]:
    """A Chromium, driven by playwright: the environment's, the machine's, or playwright's own."""
    playwright = pytest.importorskip('playwright.sync_api', reason='needs playwright: pip install playwright')
    with playwright.sync_playwright() as driver:
        found = [os.environ.get('CHROMIUM'), *map(shutil.which, CHROMIUM), driver.chromium.executable_path]
        existing = [path for path in found if path and Path(path).exists()]
        if not existing:
            pytest.skip(
                'no Chromium: install one (Debian: apt-get install chromium; without root: playwright install '
                'chromium), or name it in CHROMIUM'
            )
        browser = driver.chromium.launch(executable_path=existing[0], args=['--no-sandbox'])  # as root, there is none
        yield browser
        browser.close()
