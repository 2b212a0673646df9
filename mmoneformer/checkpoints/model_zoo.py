"""Models that are downloaded by name: those that the authors released, and those of the Hugging Face hub."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from mmengine.fileio import load

from mmoneformer.checkpoints.checksums import check_download
from mmoneformer.checkpoints.download import HUB_PREFIX, download, fetch_folder, is_hub_name
from mmoneformer.config_files import config_folder

BASE_URL = 'https://shi-labs.com/projects/oneformer'  # of all released files


@cache
def _metafile() -> dict[str, dict[str, Any]]:
    """The released models by config names, from ``configs/metafile.yml``."""
    return {model['Name']: model for model in load(str(config_folder() / 'metafile.yml'))['Models']}


def released_urls() -> dict[str, str]:
    """Addresses of the authors' files by config names."""
    return {name: model['Weights'] for name, model in _metafile().items()}


def released_name(file: str) -> str | None:
    """Name of the config of a file that the authors released; None for another file."""
    return next((name for name, url in released_urls().items() if Path(url).name == file), None)


def cache_folder() -> Path:
    """Folder of downloaded and converted models, in that of ``torch.hub`` (``TORCH_HOME``)."""
    return Path(torch.hub.get_dir()) / 'mmoneformer'


def is_remote(checkpoint: object) -> bool:
    """Whether it is the name of a released model, or a repository of the Hugging Face hub."""
    return checkpoint in released_urls() or is_hub_name(checkpoint)


def fetch(name: str, convert: Callable[[Path, Path], object]) -> Path:
    """Download and convert a model, unless it is in the cache.

    Args:
        name: A key of ``released_urls()``, or ``hf://<owner>/<name>``, whose latest revision is used.
        convert: Converts the authors' file or the folder of Hugging Face (first argument) to a checkpoint of ours
            (second).

    Returns:
        The converted checkpoint.

    Raises:
        ConnectionError: If it is not cached and cannot be downloaded, or the download is incomplete.
        ImportError: If it is on the hub and huggingface_hub is not installed.
        ValueError: If the authors' file is not the one that was downloaded first.
    """
    if is_hub_name(name):
        folder = fetch_folder(name)
        name = f'{name.removeprefix(HUB_PREFIX).replace("/", "--")}-{folder.name[:8]}'
        return _cached(name, lambda converted: convert(folder, converted))
    return _cached(name, lambda converted: convert(_download(name), converted))


def _download(name: str) -> Path:
    url = released_urls()[name]
    file = cache_folder() / Path(url).name
    if not file.is_file():
        download(url, file)
    check_download(file, url, known=_metafile()[name].get('SHA256'))
    return file


def _cached(name: str, make: Callable[[Path], object]) -> Path:
    """Make a checkpoint in the cache, unless it is there; other processes that need it wait."""
    checkpoint = cache_folder() / f'{name}.pth'
    if checkpoint.is_file():
        return checkpoint
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(checkpoint.with_name(f'.{name}.lock')):
        if not checkpoint.is_file():
            make(checkpoint)
    return checkpoint
