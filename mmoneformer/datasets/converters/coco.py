"""COCO: the panoptic annotation has the format of our configs; it is unpacked and checked."""

import json
import shutil
import zlib
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

from mmoneformer.datasets.converters.conversion import Split, parallel_map
from mmoneformer.datasets.converters.id_map import check_replaceable, read_checked
from mmoneformer.datasets.converters.panoptic_json import category_faults, check_split, refuse
from mmoneformer.metainfo.coco import CATEGORIES
from mmoneformer_deploy.atomic_files import replacing, write_bytes

SPLITS = (Split('train', 'train2017', 118287), Split('val', 'val2017', 5000))
DOWNLOAD = 'panoptic_annotations_trainval2017.zip'


def convert(root: Path, split: Split, workers: int, overwrite: bool = False) -> int:
    """Unpack and check ``annotations/panoptic_{folder}.json`` and the folder of that name.

    Args:
        root: Folder with the images in ``train2017`` and ``val2017``, and with the file ``DOWNLOAD`` or, in
            ``annotations``, what it contains.
        split: One of ``SPLITS``.
        workers: Number of processes.
        overwrite: Whether to replace files at the target that other programs wrote.

    Returns:
        Number of images.

    Raises:
        FileExistsError: If the target exists, is not from an earlier conversion, and must not be replaced.
        FileNotFoundError: If there is neither the annotation nor its download.
        AnnotationError: If an annotation or an image is missing, or does not fit the json.
    """
    path = root / 'annotations' / f'panoptic_{split.folder}.json'
    seg_dir, archive = path.with_suffix(''), path.with_suffix('.zip')
    if not (path.exists() and (archive.exists() or seg_dir.exists())):
        _unpack_download(root, [file for file in (path, archive) if overwrite or not file.exists()])
    if archive.exists():
        seg_dir.mkdir(exist_ok=True)
        _unpack_id_maps(archive, seg_dir, f'COCO {split.name}, unpacking', overwrite=overwrite)

    image_dir = root / split.folder
    count = check_split(path, image_dir=image_dir, seg_dir=seg_dir, categories=CATEGORIES)
    content = json.loads(path.read_bytes())
    refuse(path, category_faults(content['categories'], CATEGORIES))
    shapes = {image['id']: (image['height'], image['width']) for image in content['images']}
    jobs = [(annotation, shapes[annotation['image_id']]) for annotation in content['annotations']]
    parallel_map(partial(_check, seg_dir), jobs, description=f'COCO {split.name}, checking', workers=workers)
    return count


def _unpack_download(root: Path, targets: list[Path]) -> None:
    download = root / DOWNLOAD
    if not download.exists():
        raise FileNotFoundError(
            f'neither {download} nor {" and ".join(map(str, targets))} exist: download the former to {root}'
        )
    (root / 'annotations').mkdir(exist_ok=True)
    with ZipFile(download) as outer:
        for target in targets:
            with (
                replacing(target) as part,
                outer.open(f'annotations/{target.name}') as packed,
                part.open('wb') as unpacked,
            ):
                shutil.copyfileobj(packed, unpacked)


def _unpack_id_maps(archive: Path, seg_dir: Path, description: str, *, overwrite: bool) -> None:
    folder = f'{archive.stem}/'  # skips the metadata in __MACOSX
    with ZipFile(archive) as packed:
        members = [
            member for member in packed.infolist() if member.filename.startswith(folder) and not member.is_dir()
        ]
        unpack_member = partial(_unpack_member, packed, seg_dir, overwrite)
        parallel_map(unpack_member, members, description=description, workers=1)  # limited by the disk


def _unpack_member(packed: ZipFile, seg_dir: Path, overwrite: bool, member: ZipInfo) -> None:
    target = seg_dir / Path(member.filename).name
    if target.exists():
        if zlib.crc32(target.read_bytes()) == member.CRC:
            return
        check_replaceable(target, overwrite=overwrite)
    write_bytes(target, packed.read(member))


def _check(seg_dir: Path, job: tuple[dict[str, Any], tuple[int, int]]) -> None:
    annotation, shape = job
    ids = [info['id'] for info in annotation['segments_info']]
    read_checked(seg_dir / annotation['file_name'], shape=shape, ids=ids)
