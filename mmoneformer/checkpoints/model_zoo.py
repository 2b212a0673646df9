"""Models to download: those that the authors released, by the names of our configs, and the Hugging Face hub's."""

from collections.abc import Callable
from pathlib import Path

import torch
from filelock import FileLock

from mmoneformer.checkpoints.download import download
from mmoneformer.checkpoints.hugging_face_hub import PREFIX, fetch_folder, is_hub_name

BASE_URL = 'https://shi-labs.com/projects/oneformer'
RELEASED = {  # config: file, in the folder of its data set
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
    """Where files of released models are kept: beside torch.hub's (``TORCH_HOME`` moves both)."""
    return Path(torch.hub.get_dir()) / 'mmoneformer'


def is_remote(checkpoint: object) -> bool:
    """Whether ``fetch`` takes it: the name of a released model, or a repository of the Hugging Face hub."""
    return checkpoint in RELEASED or is_hub_name(checkpoint)


def fetch(name: str, convert: Callable[[Path, Path], object]) -> Path:
    """Find a model in the cache; where it is not, download and convert it.

    Args:
        name: One of ``RELEASED``, or ``hf://<owner>/<name>``, which is looked up each time: it may have changed.
        convert: Converts the authors' file, or the folder of Hugging Face, given first, into a checkpoint.

    Returns:
        The converted checkpoint.

    Raises:
        ConnectionError: If it is neither in the cache nor can be downloaded, or arrived incomplete.
        ImportError: If it is on the hub and huggingface_hub is not installed.
    """
    if is_hub_name(name):
        folder = fetch_folder(name)
        name = f'{name.removeprefix(PREFIX).replace("/", "--")}-{folder.name[:8]}'
        return _kept(name, lambda converted: convert(folder, converted))
    return _kept(name, lambda converted: convert(_official(name), converted))


def _official(name: str) -> Path:
    file = cache_folder() / Path(RELEASED[name]).name
    if not file.is_file():
        download(f'{BASE_URL}/{RELEASED[name]}', file)
    return file


def _kept(name: str, make: Callable[[Path], object]) -> Path:
    """Find a checkpoint in the cache; where it is not, make it, while other processes that want it wait."""
    checkpoint = cache_folder() / f'{name}.pth'
    if checkpoint.is_file():
        return checkpoint
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(checkpoint.with_name(f'.{name}.lock')):
        if not checkpoint.is_file():
            make(checkpoint)
    return checkpoint
