"""Installs mmoneformer, and nothing that could replace a build of torch or of OpenMMLab's packages."""

import runpy
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
DEPENDENCIES = runpy.run_path(str(ROOT / 'mmoneformer' / 'dependencies.py'))
VERSION = runpy.run_path(str(ROOT / 'mmoneformer' / 'version.py'))['__version__']


def _requirements(family: str) -> dict[str, str]:
    """What pip calls the packages of a family, by import name."""
    return {module: package + versions for module, package, versions in DEPENDENCIES[family]}


official, forks = _requirements('OFFICIAL'), _requirements('FORKS')
# mmcv-lite has an extra of its own: where a compiled mmcv is installed, it would overwrite its files.
lite = official.pop('mmcv')

setup(
    name='mmoneformer',
    version=VERSION,
    description='OneFormer for OpenMMLab: one model for semantic, instance and panoptic segmentation',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    author='The mmoneformer contributors',
    license='Apache-2.0',
    keywords='computer vision, panoptic segmentation, instance segmentation, semantic segmentation, OpenMMLab',
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Science/Research',
        'Operating System :: OS Independent',
        'Programming Language :: Python :: 3',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
    python_requires='>=3.10',
    packages=find_packages(include=['mmoneformer', 'mmoneformer.*', 'mmoneformer_cli']),
    package_data={'mmoneformer': ['py.typed'], 'mmoneformer.web': ['*.css', '*.js']},
    entry_points={'console_scripts': ['mmoneformer=mmoneformer_cli.main:main']},
    install_requires=[
        'filelock',
        'ftfy',
        'matplotlib',
        'numpy',
        'packaging',
        'pillow',
        'pycocotools',
        'regex',
        'rich',
        'safetensors',
        'scipy',
    ],
    extras_require={
        'mm': list(official.values()),
        'lite': [lite],
        'forks': list(forks.values()),
        'cityscapes': ['cityscapesscripts'],
        'hub': ['huggingface_hub'],
        'web': ['gradio>=6'],
        'dev': [
            'gradio',
            'hypothesis',
            'mypy',
            'playwright',
            'psutil',
            'pytest',
            'pytest-xdist',
            'ruff',
            'transformers',
        ],
    },
    zip_safe=False,
)
