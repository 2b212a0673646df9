"""Models that are downloaded by name: those that the authors released, and those of the Hugging Face hub."""

from collections.abc import Callable
from pathlib import Path

import torch
from filelock import FileLock

from mmoneformer.checkpoints.download import HUB_PREFIX, download, fetch_folder, is_hub_name

BASE_URL = 'https://shi-labs.com/projects/oneformer'
RELEASED = {  # files by config names
    'oneformer_swin-l_ade20k': 'ade20k/250_16_swin_l_oneformer_ade20k_160k.pth',
    'oneformer_swin-l_ade20k_896': 'ade20k/896x896_250_16_swin_l_oneformer_ade20k_160k.pth',
    'oneformer_swin-l_ade20k_1280': 'ade20k/1280x1280_250_16_swin_l_oneformer_ade20k_160k.pth',
    'oneformer_convnext-l_ade20k': 'ade20k/250_16_convnext_l_oneformer_ade20k_160k.pth',
    'oneformer_convnext-xl_ade20k': 'ade20k/250_16_convnext_xl_oneformer_ade20k_160k.pth',
    'oneformer_dinat-l_ade20k': 'ade20k/250_16_dinat_l_oneformer_ade20k_160k.pth',
    'oneformer_dinat-l_ade20k_896': 'ade20k/896x896_250_16_dinat_l_oneformer_ade20k_160k.pth',
    'oneformer_dinat-l_ade20k_1280': 'ade20k/1280x1280_250_16_dinat_l_oneformer_ade20k_160k.pth',
    'oneformer_dinat-l_ade20k_1280_coco-pretrained': (
        'ade20k/coco_pretrain_1280x1280_150_16_dinat_l_oneformer_ade20k_160k.pth'
    ),
    'oneformer_swin-l_cityscapes': 'cityscapes/250_16_swin_l_oneformer_cityscapes_90k.pth',
    'oneformer_convnext-l_cityscapes': 'cityscapes/250_16_convnext_l_oneformer_cityscapes_90k.pth',
    'oneformer_convnext-l_cityscapes_mapillary-pretrained': (
        'cityscapes/mapillary_pretrain_250_16_convnext_l_oneformer_cityscapes_90k.pth'
    ),
    'oneformer_convnext-xl_cityscapes': 'cityscapes/250_16_convnext_xl_oneformer_cityscapes_90k.pth',
    'oneformer_convnext-xl_cityscapes_mapillary-pretrained': (
        'cityscapes/mapillary_pretrain_250_16_convnext_xl_oneformer_cityscapes_90k.pth'
    ),
    'oneformer_dinat-l_cityscapes': 'cityscapes/250_16_dinat_l_oneformer_cityscapes_90k.pth',
    'oneformer_swin-l_coco': 'coco/150_16_swin_l_oneformer_coco_100ep.pth',
    'oneformer_dinat-l_coco': 'coco/150_16_dinat_l_oneformer_coco_100ep.pth',
    'oneformer_swin-l_mapillary': 'mapillary/250_16_swin_l_oneformer_mapillary_300k.pth',
    'oneformer_convnext-l_mapillary': 'mapillary/250_16_convnext_l_oneformer_mapillary_300k.pth',
    'oneformer_dinat-l_mapillary': 'mapillary/250_16_dinat_l_oneformer_mapillary_300k.pth',
}


def released_name(file: str) -> str | None:
    """Name of the config of a file that the authors released; None for another file."""
    return next((name for name, released in RELEASED.items() if Path(released).name == file), None)


def cache_folder() -> Path:
    """Folder of downloaded and converted models, in that of ``torch.hub`` (``TORCH_HOME``)."""
    return Path(torch.hub.get_dir()) / 'mmoneformer'


def is_remote(checkpoint: object) -> bool:
    """Whether it is the name of a released model, or a repository of the Hugging Face hub."""
    return checkpoint in RELEASED or is_hub_name(checkpoint)


def fetch(name: str, convert: Callable[[Path, Path], object]) -> Path:
    """Download and convert a model, unless it is in the cache.

    Args:
        name: One of ``RELEASED``, or ``hf://<owner>/<name>``, whose latest revision is used.
        convert: Converts the authors' file or the folder of Hugging Face (first argument) to a checkpoint of ours
            (second).

    Returns:
        The converted checkpoint.

    Raises:
        ConnectionError: If it is not cached and cannot be downloaded, or the download is incomplete.
        ImportError: If it is on the hub and huggingface_hub is not installed.
    """
    if is_hub_name(name):
        folder = fetch_folder(name)
        name = f'{name.removeprefix(HUB_PREFIX).replace("/", "--")}-{folder.name[:8]}'
        return _cached(name, lambda converted: convert(folder, converted))
    return _cached(name, lambda converted: convert(_download(name), converted))


def _download(name: str) -> Path:
    file = cache_folder() / Path(RELEASED[name]).name
    if not file.is_file():
        download(f'{BASE_URL}/{RELEASED[name]}', file)
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
