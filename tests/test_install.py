import ast
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email import message_from_bytes
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

ROOT = Path(__file__).parents[1]
PACKAGES = ('mmoneformer', 'mmoneformer_cli', 'mmoneformer_deploy', 'mmoneformer_drawing')
WHEEL_FILES = ('setup.py', 'pyproject.toml', 'README.md', 'LICENSE', 'model-index.yml')
DOCKERFILE = (ROOT / 'docker/Dockerfile').read_text()
MIM_FOLDERS = ('configs', 'tools')  # in the wheel they are in mmoneformer/.mim, where OpenMMLab's tools look
DEPENDENCIES = runpy.run_path(str(ROOT / 'mmoneformer' / 'dependencies.py'))
OFFICIAL, FORKS = (
    {canonicalize_name(package): versions for _, package, versions in (DEPENDENCIES['TORCH'], *DEPENDENCIES[family])}
    for family in ('OFFICIAL', 'FORKS')
)


def source_files(*folders):
    files = (path for folder in folders for path in (ROOT / folder).rglob('*') if path.is_file())
    return {str(path.relative_to(ROOT)) for path in files if '__pycache__' not in path.parts}


@pytest.fixture(scope='module')
def wheel_file(tmp_path_factory):
    """Our wheel, built from a copy of the files that it is made of."""
    folder = tmp_path_factory.mktemp('wheel')
    for name in WHEEL_FILES:
        shutil.copy(ROOT / name, folder)
    for name in (*PACKAGES, *MIM_FOLDERS, 'requirements'):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns('__pycache__'))
    command = [sys.executable, '-m', 'pip', 'wheel', '-q', '--no-deps', '--no-build-isolation', '-w', 'dist', '.']
    subprocess.run(command, cwd=folder, check=True)
    (path,) = (folder / 'dist').glob('*.whl')
    return path


@pytest.fixture(scope='module')
def wheel(wheel_file):
    with zipfile.ZipFile(wheel_file) as archive:
        yield archive


@pytest.fixture(scope='module')
def metadata(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith('.dist-info/METADATA'))
    return message_from_bytes(wheel.read(name))


@pytest.fixture(scope='module')
def required(metadata):
    """What pip installs with us, by extra; '' for what it installs in any case."""
    found = {'': set()}
    for line in metadata.get_all('Requires-Dist'):
        requirement = Requirement(line)
        extra = re.search(r'extra == "(\w+)"', str(requirement.marker))
        found.setdefault(extra[1] if extra else '', set()).add(canonicalize_name(requirement.name))
    return found


def pins(name):
    """Versions by package, of the lines of a requirements file that pin one."""
    lines = (ROOT / 'requirements' / name).read_text().splitlines()
    return {canonicalize_name(line.split('==')[0]): line.split('==')[1] for line in lines if '==' in line}


def test_wheel_holds_every_file_of_the_package_and_what_mim_looks_for(wheel):
    packed = {name for name in wheel.namelist() if '.dist-info/' not in name}
    mim = {f'mmoneformer/.mim/{name}' for name in source_files(*MIM_FOLDERS) | {'model-index.yml'}}
    assert packed == source_files(*PACKAGES) | mim


def test_source_distribution_has_what_the_wheel_is_built_from(wheel):
    """A clone has no .mim: an editable install takes the folders themselves."""
    manifest = (ROOT / 'MANIFEST.in').read_text()
    assert all(f'graft {folder}\n' in manifest for folder in MIM_FOLDERS)
    assert 'include model-index.yml requirements/*.txt\n' in manifest
    assert not (ROOT / 'mmoneformer' / '.mim').exists()


def test_metadata_is_real(metadata):
    version = runpy.run_path(str(ROOT / 'mmoneformer' / 'version.py'))['__version__']
    assert (metadata['Name'], metadata['Version']) == ('mmoneformer', version)
    assert (metadata['License-Expression'], metadata['Requires-Python']) == ('Apache-2.0', '>=3.10')


def test_installing_us_alone_replaces_neither_torch_nor_openmmlab(required):
    assert not required[''] & (OFFICIAL.keys() | FORKS.keys() | {'mmcv', 'torchvision', 'opencv-python'})


def test_extras_keep_to_one_family_and_leave_a_compiled_mmcv_alone(required):
    assert required['mm'] == OFFICIAL.keys() - {'torch', 'mmcv-lite'}
    assert required['lite'] == {'mmcv-lite'}
    assert required['forks'] == FORKS.keys() - {'torch'}
    assert required['deploy'] == {'onnxruntime'}


def test_dev_extra_is_what_the_tests_need(required):
    assert required['dev'] == pins('dev.txt').keys()


@pytest.mark.parametrize(('name', 'family'), [('tested.txt', OFFICIAL), ('forks.txt', FORKS)])
def test_tested_sets_pin_what_we_require_in_ranges_that_we_accept(required, name, family):
    pinned = pins(name)
    assert required[''] <= pinned.keys()
    assert all(
        Requirement(package + versions).specifier.contains(pinned[package]) for package, versions in family.items()
    )


def test_everything_imported_is_required(required):
    optional = {'natten'}  # its kernels are used where it is installed
    provided = set().union(*required.values(), OFFICIAL, optional, ['mmcv', 'opencv-python', 'opencv-python-headless'])
    owners = packages_distributions()
    for path in sorted(name for name in source_files(*PACKAGES) if name.endswith('.py')):
        for module in imported_modules(ROOT / path) - sys.stdlib_module_names - set(PACKAGES):
            packages = {canonicalize_name(package) for package in owners.get(module, [module])}
            assert packages & provided, f'{path} imports {module}, which pyproject.toml does not require'


def imported_modules(path):
    """Top-level names of all modules that a file imports, at its top or within functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
    return {name.split('.')[0] for name in names}


WITHOUT_CLONE = """
import sys
from contextlib import redirect_stdout
from pathlib import Path

import mmoneformer
from mmengine.config import Config
from mmengine.hub import get_config
from mmoneformer.config_files import config_path
from mmoneformer_cli.main import main

assert Path(mmoneformer.__file__).is_relative_to(sys.prefix), mmoneformer.__file__
assert config_path('oneformer_tiny_shapes').parent == Path(mmoneformer.__file__).parent / '.mim' / 'configs'

main(['config'])
with open('mine.py', 'w') as file, redirect_stdout(file):
    main(['config', 'oneformer_tiny_shapes'])
Path('by_name.py').write_text("_base_ = 'mmoneformer::oneformer_tiny_shapes.py'\\n")
expected = get_config('mmoneformer::oneformer_tiny_shapes.py').model.panoptic_head
for name in ('mine.py', 'by_name.py'):
    assert Config.fromfile(name).model.panoptic_head == expected, name
"""
TRAINED_WITHOUT_CLONE = """
from pathlib import Path

from mmoneformer.apis import demo
from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer_cli.main import main

write_shapes(Path('data/shapes'), num_train=4, num_val=2, size=128, seed=0)
settings = {'train_cfg.max_iters': 2, 'train_dataloader.num_workers': 0, 'train_dataloader.persistent_workers': False}
main(['train', 'oneformer_tiny_shapes', '--cfg-options', *(f'{name}={value}' for name, value in settings.items())])
main(['test', 'oneformer_tiny_shapes', 'work_dirs/oneformer_tiny_shapes/iter_2.pth'])

demo.NUM_TRAIN, demo.NUM_VAL = 4, 2
demo.TRAINING.update(settings)
main(['demo'])
"""


@pytest.fixture(scope='module')
def installed(wheel_file, tmp_path_factory):
    """Runs commands in an environment that has our wheel and the other packages of this one, and no clone.

    A .pth file shares the packages: it does not execute this environment's own .pth files, one of which may install
    the clone.
    """
    folder = tmp_path_factory.mktemp('installed')
    venv.create(folder / 'env', symlinks=True)
    python = folder / 'env' / 'bin' / 'python'
    command = [sys.executable, '-m', 'pip', '-q', '--python', python, 'install', '--no-deps', '--no-index', wheel_file]
    subprocess.run(command, check=True)
    (site_packages,) = (folder / 'env').glob('lib/python*/site-packages')
    (site_packages / 'packages_of_the_tests.pth').write_text(sysconfig.get_path('purelib'))

    def run(program, *arguments, cwd):
        settings = {'PATH': f'{python.parent}{os.pathsep}{os.environ["PATH"]}', 'OMP_NUM_THREADS': '1'}
        environment = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'} | settings
        done = subprocess.run(
            [python.parent / program, *arguments], env=environment, cwd=cwd, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run


def test_the_wheel_works_without_a_clone(installed, tmp_path):
    assert '    config ' in installed('mmoneformer', '--help', cwd=tmp_path)
    names = installed('python', '-c', WITHOUT_CLONE, cwd=tmp_path).splitlines()
    assert names == sorted(path.stem for path in (ROOT / 'configs').glob('*.py'))


@pytest.mark.slow
def test_the_wheel_trains_without_a_clone(installed, tmp_path):
    installed('python', '-c', TRAINED_WITHOUT_CLONE, cwd=tmp_path)
    assert (tmp_path / 'work_dirs/demo/metrics.json').exists()
    assert len(list((tmp_path / 'work_dirs/demo/pictures').rglob('*.png'))) >= 6


def container_installs():
    """The arguments of pip in the container."""
    lines = re.findall(r'pip install --no-cache-dir (.+?)(?: \\)?$', DOCKERFILE, re.MULTILINE)
    return [line.replace('/wheels/*.whl', '{wheel}') for line in lines]


def test_the_container_has_what_the_wheel_is_built_from_and_no_rights():
    ignored = (ROOT / 'docker/Dockerfile.dockerignore').read_text().splitlines()
    sources = {line.removeprefix('!') for line in ignored if line.startswith('!')}
    assert sources == {*WHEEL_FILES, *PACKAGES, *MIM_FOLDERS, 'requirements'}
    assert len(container_installs()) == 2
    user = DOCKERFILE.index('USER 1000:1000')
    assert DOCKERFILE.rindex('RUN ') < user < DOCKERFILE.index('ENTRYPOINT ["python", "-m", "mmoneformer_deploy"]')


WITHOUT_TORCH = """
import json
import sys
from importlib.metadata import distributions

from mmoneformer_cli.main import main
from mmoneformer_deploy.__main__ import main as deploy

assert deploy(['small.onnx', 'photo.png', '--out-dir', 'here']) == 0
assert main(['predict', 'photo.png', '--weights', 'small.onnx', '--out-dir', 'there']) == 0
loaded = {name.split('.')[0] for name in sys.modules}
print(json.dumps([sorted(loaded), sorted(found.name.lower() for found in distributions())]))
"""


@pytest.mark.slow
@pytest.mark.parametrize('installs', [['{wheel}[deploy]'], container_installs()], ids=['extra', 'container'])
def test_exported_files_are_predicted_without_torch(wheel_file, tmp_path, installs):
    venv.create(tmp_path / 'env', symlinks=True)
    python = tmp_path / 'env/bin/python'
    for arguments in installs:
        command = [sys.executable, '-m', 'pip', '-q', '--python', python, 'install']
        subprocess.run([*command, *arguments.format(wheel=wheel_file).split()], check=True)
    runpy.run_path(str(ROOT / 'tests/data/small_network.py'))['write_small_network'](tmp_path / 'small.onnx')
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)).save(
        tmp_path / 'photo.png'
    )
    environment = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    done = subprocess.run(
        [python, '-c', WITHOUT_TORCH], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    loaded, installed = map(set, json.loads(done.stdout.splitlines()[-1]))
    assert {'numpy', 'PIL', 'onnxruntime'} <= loaded
    assert not loaded & {'torch', 'cv2', 'scipy', 'matplotlib', 'pycocotools', 'mmengine', 'mmdet', 'mmoneformer'}
    assert not installed & (OFFICIAL.keys() | FORKS.keys() | {'opencv-python'})
    written = {path.name for path in (tmp_path / 'here').iterdir()}
    assert written == {path.name for path in (tmp_path / 'there').iterdir()} >= {'photo.json', 'photo_panoptic.png'}
