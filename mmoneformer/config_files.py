"""The config files that come with the package.

A clone has them in ``configs/``; an installed wheel in ``mmoneformer/.mim/configs/``, where OpenMMLab's tools look for
those of a package.
"""

import difflib
import os
from pathlib import Path

PACKAGE = Path(__file__).parent
IN_WHEEL, IN_CLONE = PACKAGE / '.mim' / 'configs', PACKAGE.parent / 'configs'


def config_folder() -> Path:
    """Return the folder of the config files."""
    return IN_WHEEL if IN_WHEEL.is_dir() else IN_CLONE


def config_names() -> list[str]:
    """Return the names of all configs, sorted: file names without ``.py``, such as 'oneformer_swin-l_ade20k'."""
    return sorted(path.stem for path in config_folder().glob('*.py'))


def config_path(name: str) -> Path:
    """Return the file of a config.

    Args:
        name: One of ``config_names()``, or a base config such as '_base_/models/oneformer_swin-l'.

    Raises:
        ValueError: If there is no config of that name; the message lists similar names.
    """
    path = config_folder() / f'{name}.py'
    if not path.is_file():
        raise ValueError(f'unknown config {name!r}: {_suggestion(name, config_names())}')
    return path


def find_config(name_or_file: str | os.PathLike[str]) -> Path:
    """Return the file of a config given by name or by path; a file of that path comes first.

    Raises:
        FileNotFoundError: If it is neither a file nor a name; the message lists similar names.
    """
    path = Path(name_or_file)
    if path.is_file():
        return path
    if str(name_or_file) in config_names():
        return config_path(str(name_or_file))
    raise FileNotFoundError(
        f'no config file {str(name_or_file)!r}, and no config of that name: {_suggestion(path.stem, config_names())}'
    )


def _suggestion(name: str, names: list[str]) -> str:
    similar = difflib.get_close_matches(name, names)
    return f'did you mean {" or ".join(similar)}?' if similar else "'mmoneformer config' lists all names"
