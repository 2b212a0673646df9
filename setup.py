"""What pyproject.toml cannot hold: extras that are read from other files, and configs and tools in the wheel."""

import runpy
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
DEPENDENCIES = runpy.run_path(str(ROOT / 'mmoneformer' / 'dependencies.py'))
MIM = ('configs', 'tools', 'model-index.yml')  # what OpenMMLab's tools look for in <package>/.mim


class BuildWithMim(build_py):
    """Adds the configs, the tools and the model index to the wheel; an editable install has them in the clone."""

    def run(self) -> None:
        """Copy the package, then these files."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / 'mmoneformer' / '.mim'
        shutil.rmtree(target, ignore_errors=True)  # left by an earlier build
        target.mkdir(parents=True)
        for name in MIM:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, target / name)
        for cache in list(target.rglob('__pycache__')):
            shutil.rmtree(cache)


def packages_of(family: str) -> dict[str, str]:
    """Return the requirements of a family of OpenMMLab's packages, by import name."""
    return {module: package + versions for module, package, versions in DEPENDENCIES[family]}


def dev_packages() -> list[str]:
    """Return what the tests need, without the versions that the tests run with."""
    lines = (ROOT / 'requirements' / 'dev.txt').read_text(encoding='utf-8').splitlines()
    return [line.partition('==')[0] for line in lines if line and not line.startswith('#')]


official, forks = packages_of('OFFICIAL'), packages_of('FORKS')
# mmcv-lite has an extra of its own: where a compiled mmcv is installed, it would overwrite its files.
lite = official.pop('mmcv')

setup(
    cmdclass={'build_py': BuildWithMim},
    extras_require={
        'mm': list(official.values()),
        'lite': [lite],
        'forks': list(forks.values()),
        'cityscapes': ['cityscapesscripts'],
        'export': ['onnx', 'onnxscript', 'onnxruntime'],
        'openvino': ['openvino'],
        'geo': ['pyogrio', 'rasterio>=1.4', 'shapely>=2'],
        'hub': ['huggingface_hub'],
        'timm': ['timm>=1.0.20'],
        'transformers': ['transformers>=4.56'],
        'web': ['gradio>=6'],
        'supervision': ['supervision'],
        'fiftyone': ['fiftyone'],
        'torchmetrics': ['torchmetrics'],
        'ray': ['ray[data]'],
        'deploy': ['onnxruntime'],
        'dev': dev_packages(),
    },
)
