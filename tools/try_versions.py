"""Try our distributions in empty environments, with several versions of Python and of the packages that we need.

The sdist is built, the wheel is built from the sdist, and each environment gets that wheel: with the oldest versions
that we accept, with the newest, or without torch and OpenMMLab. There, commands run in an empty folder. Versions of
Python that this machine lacks are skipped by name. Writes report.json to the folder.
"""

import os
import re
import runpy
import shutil
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmoneformer_deploy.atomic_files import write_json

ROOT = Path(__file__).resolve().parents[1]
DEPENDENCIES = runpy.run_path(str(ROOT / 'mmoneformer' / 'dependencies.py'))
PACKAGES = (DEPENDENCIES['TORCH'], *DEPENDENCIES['OFFICIAL'])
LAST_LINES = 4  # of a failed command, in the report

WITH_TORCH = """
import platform
from importlib.metadata import version
from pathlib import Path

import torch

from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer_cli.main import main

if __name__ == '__main__':
    write_shapes(Path('data/shapes'), num_train=4, num_val=2, size=128, seed=0)
    options = ['train_cfg.max_iters=2', 'train_dataloader.num_workers=0', 'train_dataloader.persistent_workers=False']
    checkpoint = 'work_dirs/oneformer_tiny_shapes/iter_2.pth'
    for command in (
        ['config'],
        ['train', 'oneformer_tiny_shapes', '--cfg-options', *options],
        ['test', checkpoint],
        ['predict', 'data/shapes/val', '--weights', checkpoint, '--device', 'cpu', '--out-dir', 'results'],
        ['verify', checkpoint],
    ):
        assert main(command) in (0, None), command
    assert len(list(Path('results').glob('*_panoptic.png'))) == 2
    packages = ('torch', 'mmengine', 'mmcv-lite', 'mmdet', 'mmsegmentation', 'numpy', 'opencv-python')
    print('works with Python', platform.python_version(), *(f'{name} {version(name)}' for name in packages))
"""
WITHOUT_TORCH = """
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

from mmoneformer_cli.main import main
from mmoneformer_deploy import Session

Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)).save('photo.png')
assert main(['predict', 'photo.png', '--weights', 'model.onnx', '--out-dir', 'results']) == 0
assert Path('results/photo_panoptic.png').exists()
assert Session('model.onnx')(Image.open('photo.png'))['semantic']['label_map'].shape == (50, 70)
assert not {'torch', 'cv2', 'mmengine', 'mmoneformer'} & sys.modules.keys()
packages = ('numpy', 'pillow', 'onnxruntime')
print('works with Python', platform.python_version(), *(f'{name} {version(name)}' for name in packages))
"""


class VersionSet(NamedTuple):
    """What is installed, and what runs.

    Attributes:
        name: 'oldest', 'newest' or 'without torch'.
        requirements: What pip installs, but the wheel.
        extras: Extras of the wheel.
        program: What runs.
    """

    name: str
    requirements: Sequence[str]
    extras: str
    program: str


def oldest() -> list[str]:
    """The lower bounds that ``mmoneformer/dependencies.py`` accepts, as exact requirements."""
    return [f'{package}=={re.match(r">=([0-9.]+)", versions)[1]}' for _, package, versions in PACKAGES]  # type: ignore[index]


SETS = {
    found.name: found
    for found in (
        VersionSet('oldest', oldest(), '', WITH_TORCH),
        VersionSet('newest', ['torch'], '[mm,lite]', WITH_TORCH),
        VersionSet('without torch', [], '[deploy]', WITHOUT_TORCH),
    )
}
TRIED = (  # Python, set
    ('3.10', 'oldest'),
    ('3.10', 'newest'),
    ('3.12', 'newest'),
    ('3.13', 'newest'),
    ('3.10', 'without torch'),
    ('3.12', 'without torch'),
    ('3.13', 'without torch'),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status: 1 if an environment fails."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, default=Path('work_dirs/versions'), help='default: work_dirs/versions')
    parser.add_argument('--python', nargs='+', metavar='VERSION', help='only these, for example 3.12')
    parser.add_argument('--sets', nargs='+', choices=list(SETS), help='only these')
    parser.add_argument('--keep', action='store_true', help='keep the environments, gigabytes each')
    options = parser.parse_args(arguments)
    wheel = build_wheel(options.out)
    report: list[dict[str, Any]] = []
    for python, name in TRIED:
        if (options.python and python not in options.python) or (options.sets and name not in options.sets):
            continue
        entry = try_set(find_python(python), SETS[name], wheel, options.out / f'{python}-{name.replace(" ", "-")}')
        report.append({'python': python, 'set': name, **entry})
        print(f'Python {python}, {name}: {entry["outcome"]}', flush=True)
        if not options.keep:
            shutil.rmtree(options.out / f'{python}-{name.replace(" ", "-")}', ignore_errors=True)
    write_json(options.out / 'report.json', report, indent=1)
    return int(any(entry['outcome'].startswith('failed') for entry in report))


def find_python(version: str) -> str | None:
    """Find an interpreter of a version: on the path, or pyenv's; None if there is none."""
    return next((path for path in _candidates(version) if _version_of(path) == version), None)


def _candidates(version: str) -> Iterator[str]:
    for name in (f'python{version}', 'python3'):
        if path := shutil.which(name):
            yield path
    root = Path(os.environ.get('PYENV_ROOT', '~/.pyenv')).expanduser()
    yield from (str(path) for path in sorted(root.glob(f'versions/{version}.*/bin/python'), reverse=True))


def _version_of(python: str) -> str | None:
    """Version of an interpreter; None if it does not start, such as pyenv's stand-in for one that is not installed."""
    code = 'import sys; print("%d.%d" % sys.version_info[:2])'
    done = subprocess.run([python, '-c', code], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def build_wheel(folder: Path) -> Path:
    """Build the sdist, from it the wheel, and check what PyPI will show of both.

    Args:
        folder: Gets ``dist/``.

    Returns:
        The wheel.

    Raises:
        RuntimeError: If one cannot be built, or twine has a warning.
    """
    dist = folder.resolve() / 'dist'
    shutil.rmtree(dist, ignore_errors=True)
    tools = _environment(sys.executable, folder.resolve() / 'build')
    _run([tools, '-m', 'pip', 'install', '-q', '--no-compile', 'build', 'twine'])
    _run([tools, '-m', 'build', '-o', dist, ROOT])
    _run([tools, '-m', 'twine', 'check', '--strict', *dist.iterdir()])
    (wheel,) = dist.glob('*.whl')
    return wheel


def try_set(python: str | None, tried: VersionSet, wheel: Path, folder: Path) -> dict[str, Any]:
    """Install a set in an empty environment, and run its program in an empty folder.

    Args:
        python: The interpreter; None to skip the set.
        tried: The set.
        wheel: Our wheel.
        folder: Folder of the environment and of what the program writes; replaced.

    Returns:
        ``outcome``, a line that begins with 'works', 'failed' or 'skipped', and ``seconds``.
    """
    if python is None:
        return {'outcome': 'skipped: this machine has no interpreter of that version', 'seconds': 0}
    folder, start = folder.resolve(), time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    try:
        here = _environment(python, folder / 'env')
        _run([here, '-m', 'pip', 'install', '-q', '--no-compile', *tried.requirements, f'{wheel}{tried.extras}'])
        (folder / 'program').mkdir()
        _write_model(folder / 'program' / 'model.onnx')
        output = _run([here, '-c', tried.program], cwd=folder / 'program')
        outcome = output.strip().splitlines()[-1]
    except RuntimeError as error:
        outcome = f'failed: {error}'
    return {'outcome': outcome, 'seconds': round(time.monotonic() - start)}


def _environment(python: str, folder: Path) -> Path:
    """Create a virtual environment; return its interpreter."""
    shutil.rmtree(folder, ignore_errors=True)
    _run([python, '-m', 'venv', folder])
    return folder / ('Scripts/python.exe' if os.name == 'nt' else 'bin/python')


def _write_model(path: Path) -> None:
    """A small exported model, of this environment's onnx."""
    runpy.run_path(str(ROOT / 'tests/data/small_network.py'))['write_small_network'](path)


def _run(command: Sequence[Any], cwd: Path | None = None) -> str:
    """Run a command without our clone on its path; return what it prints.

    Raises:
        RuntimeError: If it fails, with its last lines.
    """
    environment = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()[-LAST_LINES:]
        raise RuntimeError(f'{" ".join(map(str, command[1:4]))}: {" | ".join(lines)}')
    return done.stdout


if __name__ == '__main__':
    sys.exit(main())
