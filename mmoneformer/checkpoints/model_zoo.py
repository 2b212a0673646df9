"""The models that the authors released, by the names of our configs."""

import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import torch
from rich.progress import wrap_file

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
CROP = re.compile(r'(\d+)x\1_')  # in the names of the files


def crop_of_file(name: str) -> int | None:
    """Side of the training crop that a released file's name tells; None for the usual one, or another file."""
    crop = CROP.search(name)
    is_released = any(file.endswith(f'/{name}') for file in RELEASED.values())
    return int(crop[1]) if is_released and crop else None


def cache_folder() -> Path:
    """Where files of released models are kept: beside torch.hub's (``TORCH_HOME`` moves both)."""
    return Path(torch.hub.get_dir()) / 'mmoneformer'


def fetch_released(name: str, convert: Callable[[Path, Path], object]) -> Path:
    """Find a released model in the cache; where it is not, download and convert it.

    Args:
        name: One of ``RELEASED``.
        convert: Converts the authors' file, given first, into a checkpoint.

    Returns:
        The converted checkpoint.

    Raises:
        ConnectionError: If the file is neither in the cache nor can be downloaded, or arrived incomplete.
    """
    folder = cache_folder()
    converted, official = folder / f'{name}.pth', folder / Path(RELEASED[name]).name
    if not converted.is_file():
        if not official.is_file():
            download(f'{BASE_URL}/{RELEASED[name]}', official)
        convert(official, converted)
    return converted


def download(url: str, target: Path) -> None:
    """Download a file; it appears when it is complete.

    Raises:
        ConnectionError: If it cannot be had, or arrived incomplete.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f'.{target.name}.{os.getpid()}')
    try:
        with urllib.request.urlopen(url, timeout=60) as response, open(unfinished, 'wb') as file:
            size = int(response.headers.get('Content-Length', 0))
            with wrap_file(response, total=size, description=target.name) as source:
                shutil.copyfileobj(source, file)
            arrived = file.tell()
        if size and arrived != size:
            raise ConnectionError(f'{url}: {arrived} of {size} bytes arrived; try again')
        os.replace(unfinished, target)
    except (urllib.error.URLError, TimeoutError) as error:
        raise ConnectionError(f'{url} cannot be downloaded ({error}): put the file at {target}') from error
    finally:
        unfinished.unlink(missing_ok=True)
