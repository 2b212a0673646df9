import subprocess
import sys
from pathlib import Path

import pytest

from mmoneformer import dependencies

OFFICIAL = {'torch': '2.13.0+cpu', 'mmengine': '0.10.7', 'mmcv': '2.1.0', 'mmdet': '3.3.0', 'mmseg': '1.2.2'}
FORKS = {'torch': '2.13.0', 'mmengine': '0.10.12', 'mmcv': '2.3.6', 'mmdet': '3.5.1', 'mmseg': '1.4.2'}


@pytest.fixture
def installed(monkeypatch):
    """Pretend that packages are installed: ``installed(versions, owners of the modules)``."""

    def pretend(versions, owners):
        packages = {owner for names in owners.values() for owner in names}
        monkeypatch.setattr(dependencies, 'installed_version', versions.get)
        monkeypatch.setattr(dependencies, '_is_installed', packages.__contains__)
        monkeypatch.setattr(dependencies, 'packages_distributions', lambda: owners)

    return pretend


def problems():
    with pytest.raises(ImportError, match='does not run with the installed packages') as error:
        dependencies.check_dependencies()
    return [line.strip() for line in str(error.value).splitlines()[1:]]


@pytest.mark.parametrize(
    ('versions', 'owners'),
    [
        (OFFICIAL, {'mmcv': ['mmcv-lite']}),
        (OFFICIAL | {'torch': '2.4.0a0+07cecf4168.nv24.05'}, {'mmcv': ['mmcv']}),
        (FORKS, {'mmdet': ['onedl-mmdetection']}),
    ],
)
def test_sets_that_fit_pass(installed, versions, owners):
    installed(versions, owners)
    dependencies.check_dependencies()


def test_all_missing_packages_are_named_with_the_command(installed):
    installed({'torch': '2.13.0'}, {})
    assert problems() == [
        'mmengine is missing: pip install "mmengine>=0.10.0,<1"',
        'mmcv is missing: pip install "mmcv-lite>=2.0.1,<2.2"',
        'mmdet is missing: pip install "mmdet>=3.2,<4"',
        'mmseg is missing: pip install "mmsegmentation>=1.2.1,<2"',
    ]


def test_a_missing_torch_is_named(installed):
    installed(OFFICIAL | {'torch': None}, {})
    assert problems() == ['torch is missing: pip install "torch>=2.4"']


def test_an_old_torch_is_named(installed):
    installed(OFFICIAL | {'torch': '2.1.2+cu118'}, {'torch': ['torch']})
    assert problems() == ['torch 2.1.2+cu118 is not >=2.4: pip install "torch>=2.4"']


def test_mmcv_that_mmdet_refuses_is_replaced_not_overwritten(installed):
    installed(OFFICIAL | {'mmcv': '2.2.0'}, {'mmcv': ['mmcv']})
    assert problems() == [
        'mmcv 2.2.0 is not >=2.0.1,<2.2: pip uninstall -y mmcv && pip install "mmcv-lite>=2.0.1,<2.2"'
    ]


def test_whoever_has_a_fork_is_sent_to_the_forks(installed):
    installed(FORKS | {'mmdet': None, 'mmseg': '1.2.2'}, {'mmcv': ['onedl-mmcv'], 'mmseg': ['mmsegmentation']})
    assert problems() == [
        'mmdet is missing: pip install "onedl-mmdetection>=3.5,<4"',
        'mmseg 1.2.2 is not >=1.4,<2: pip uninstall -y mmsegmentation && pip install "onedl-mmsegmentation>=1.4,<2"',
    ]


def test_version_is_read_without_importing(monkeypatch, tmp_path):
    package = tmp_path / 'heavy_package'
    package.mkdir()
    (package / '__init__.py').write_text("raise AssertionError('imported')\n")
    (package / 'version.py').write_text("__version__ = '.'.join(['1', '2'])\n")
    (tmp_path / 'mere_folder').mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert dependencies.installed_version('heavy_package') == '1.2'
    assert dependencies.installed_version('mere_folder') is None
    assert dependencies.installed_version('absent_package') is None


def test_importing_mmoneformer_checks_before_anything_else(tmp_path):
    package = tmp_path / 'mmcv'
    package.mkdir()
    (package / '__init__.py').write_text("raise AssertionError('imported')\n")
    (package / 'version.py').write_text("__version__ = '1.7.2'\n")
    root = Path(dependencies.__file__).parents[1]
    code = f'import sys; sys.path[:0] = {[str(tmp_path), str(root)]}; import mmoneformer'
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
    assert 'ImportError: mmoneformer does not run with the installed packages:\n  mmcv 1.7.2 is not' in result.stderr


def test_the_check_imports_nothing_heavy():
    code = (
        f'import runpy, sys; runpy.run_path({dependencies.__file__!r})["check_dependencies"](); '
        f'print(*{{"torch", "numpy", "mmengine", "mmcv", "mmdet", "mmseg"}} & set(sys.modules))'
    )
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
