import json
import os
import runpy
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from mmoneformer import dependencies

ROOT = Path(__file__).parents[2]
TOOL = runpy.run_path(str(ROOT / 'tools/try_versions.py'))
SETS, TRIED, find_python, main, oldest, try_set = (
    TOOL[name] for name in ('SETS', 'TRIED', 'find_python', 'main', 'oldest', 'try_set')
)
HERE = f'{sys.version_info.major}.{sys.version_info.minor}'


def test_oldest_versions_are_the_lower_bounds():
    assert oldest() == ['torch==2.4', 'mmengine==0.10.0', 'mmcv-lite==2.0.1', 'mmdet==3.2', 'mmsegmentation==1.2.1']
    for line, (_, package, versions) in zip(oldest(), (dependencies.TORCH, *dependencies.OFFICIAL), strict=True):
        (pin,) = Requirement(line).specifier
        assert Requirement(package + versions).specifier.contains(pin.version)


def test_every_set_is_tried_and_the_oldest_python_with_the_oldest_packages():
    assert {name for _, name in TRIED} == set(SETS)
    assert ('3.10', 'oldest') in TRIED
    assert [python for python, name in TRIED if name == 'newest'] == ['3.10', '3.12', '3.13']


def test_interpreters_are_asked_for_their_version(tmp_path, monkeypatch):
    """A stand-in of pyenv for a version that is not installed is on the path, but does not start."""
    stand_in = tmp_path / f'python{HERE}'
    stand_in.write_text('#!/bin/sh\nexit 127\n')
    stand_in.chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setenv('PYENV_ROOT', str(tmp_path / 'pyenv'))
    assert find_python(HERE) is None
    inside = tmp_path / f'pyenv/versions/{HERE}.9/bin'
    inside.mkdir(parents=True)
    (inside / 'python').symlink_to(os.path.realpath(sys.executable))
    assert find_python(HERE) == str(inside / 'python')


def test_what_is_missing_is_skipped_by_name(tmp_path):
    outcome = try_set(None, SETS['newest'], tmp_path / 'x.whl', tmp_path)['outcome']
    assert outcome == 'skipped: this machine has no interpreter of that version'


@pytest.mark.slow
def test_failures_have_their_reason(tmp_path):
    broken = SETS['without torch']._replace(requirements=['no package'])
    outcome = try_set(sys.executable, broken, tmp_path / 'x.whl', tmp_path / 'tried')['outcome']
    assert outcome.startswith('failed: -m pip install: ')
    assert 'no package' in outcome


@pytest.mark.slow
def test_the_distributions_without_torch(tmp_path, capsys):
    assert main(['--out', str(tmp_path), '--sets', 'without torch', '--python', '3.12']) == 0
    (entry,) = json.loads((tmp_path / 'report.json').read_text())
    assert (entry['python'], entry['set']) == ('3.12', 'without torch')
    assert entry['outcome'].startswith(('works with Python 3.12.', 'skipped: this machine has no interpreter'))
    assert capsys.readouterr().out == f'Python 3.12, without torch: {entry["outcome"]}\n'
    assert len(list((tmp_path / 'dist').iterdir())) == 2
