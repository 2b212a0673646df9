"""The packages that pip is not told to install with ours, and the check that they are there and fit.

setup.py requires neither torch nor OpenMMLab's packages: pip would replace builds that were chosen with care, and
OpenMMLab's packages and their maintained forks (onedl-*) share their import names. So they are checked when
mmoneformer is imported. setup.py reads the ranges from here: this module must load with the standard library alone.
"""

import runpy
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple


class Requirement(NamedTuple):
    """A module that must be importable.

    Attributes:
        module: Its import name.
        package: What pip installs it from, where it is missing.
        versions: The versions that fit, as pip writes ranges.
    """

    module: str
    package: str
    versions: str


TORCH = Requirement('torch', 'torch', '>=2.4')  # the first that loads weights with a list of safe globals
OFFICIAL = (
    Requirement('mmengine', 'mmengine', '>=0.10.0,<1'),
    Requirement('mmcv', 'mmcv-lite', '>=2.0.1,<2.2'),  # mmdet and mmseg assert the upper bound
    Requirement('mmdet', 'mmdet', '>=3.2,<4'),
    Requirement('mmseg', 'mmsegmentation', '>=1.2.1,<2'),  # older wheels lack the vocabulary of the tokenizer
)
FORKS = (
    Requirement('mmengine', 'onedl-mmengine', '>=0.10.8,<1'),
    Requirement('mmcv', 'onedl-mmcv', '>=2.3,<3'),
    Requirement('mmdet', 'onedl-mmdetection', '>=3.5,<4'),
    Requirement('mmseg', 'onedl-mmsegmentation', '>=1.4,<2'),
)


def check_dependencies() -> None:
    """Check torch and OpenMMLab's packages, or their forks where one of these is installed; imports none of them.

    Raises:
        ImportError: If packages are missing or of a version that does not fit; it names each of them, and the
            command that puts it right.
    """
    family = FORKS if any(_is_installed(requirement.package) for requirement in FORKS) else OFFICIAL
    problems = [problem for requirement in (TORCH, *family) if (problem := _problem(requirement))]
    if problems:
        raise ImportError('\n'.join(['mmoneformer does not run with the installed packages:', *problems]))


def installed_version(module: str) -> str | None:
    """Read the version of a package from its ``version.py`` without importing it; None if it is not installed."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:  # no origin: a mere folder of that name
        return None
    return str(runpy.run_path(str(Path(spec.origin).with_name('version.py')))['__version__'])


def _problem(requirement: Requirement) -> str | None:
    """Say what is wrong with a package and how to put it right; None if nothing is."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    module, package, versions = requirement
    installed = installed_version(module)
    if installed is None:
        return f'  {module} is missing: {_install(package, versions)}'
    if Version(installed).base_version in SpecifierSet(versions):  # base: vendors' builds call themselves 2.4.0a0
        return None
    others = sorted(set(packages_distributions().get(module, ())) - {package})
    remove = f'pip uninstall -y {" ".join(others)} && ' if others else ''
    return f'  {module} {installed} is not {versions}: {remove}{_install(package, versions)}'


def _install(package: str, versions: str) -> str:
    return f'pip install "{package}{versions}"'


def _is_installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
