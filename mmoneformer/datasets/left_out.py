"""What the data sets of mmdet and mmseg leave out without a word."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import mmcv
import numpy as np
from mmengine import fileio
from mmengine.dataset import BaseDataset

from mmoneformer.errors import first_few
from mmoneformer.structures.segment_map import FILL

PROBES = 8  # label maps that are read of each data set
PICTURES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')  # suffixes in any case


class Remark(NamedTuple):
    """What a source leaves out of its annotation, or puts right.

    Attributes:
        title: What it is, and how much.
        examples: Some of it.
        remedy: What to do about it.
        is_harmless: Whether the training is as it was meant.
    """

    title: str
    examples: tuple[str, ...]
    remedy: str
    is_harmless: bool = False

    def sentence(self, where: str) -> str:
        """All of it in one sentence; ``where`` names the source."""
        remedy = self.remedy[0].lower() + self.remedy[1:].removesuffix('.')
        return f'{where}: {self.title} ({first_few(self.examples)}); {remedy}'


def unpaired_files(dataset: BaseDataset) -> list[Remark]:
    """Pictures in the folder of a data set of label maps that have another suffix than those it takes.

    Data sets that list their files in an ``ann_file``, or that read remote folders, leave out what they are told to.
    """
    folder, maps = dataset.data_prefix.get('img_path'), dataset.data_prefix.get('seg_map_path')
    image_suffix, map_suffix = (str(getattr(dataset, f'{name}_suffix', '')) for name in ('img', 'seg_map'))
    is_listed = bool(dataset.ann_file) and not os.path.isdir(dataset.ann_file)
    if not folder or not image_suffix or is_listed or not os.path.isdir(folder):
        return []
    names = set(_files(folder))
    taken = {name for name in names if name.endswith(image_suffix)}
    stems = {name.removesuffix(image_suffix) for name in taken}
    own_maps = {stem + map_suffix for stem in stems} if _is_same(folder, maps) else set()
    left = sorted(name for name in names - taken - own_maps if name.lower().endswith(PICTURES))
    if not left:
        return []
    title = f"{len(left)} pictures of {folder} are left out, as their suffix is not '{image_suffix}'"
    if maps and os.path.isdir(maps) and not _is_same(folder, maps):
        title += f', and {_unpaired(maps, map_suffix, stems)} label maps have no picture'
    return [Remark(title, tuple(left), 'Rename or convert them, or list each kind as a source of its own.')]


def binary_masks(samples: Sequence[Mapping[str, Any]], num_classes: int) -> Remark | None:
    """Label maps with the values 0 and 255 alone, where 255 is meant as a class and read as void.

    A few maps are read; if they look like this, all.

    Args:
        samples: Those of a data set of label maps.
        num_classes: Number of its classes.

    Returns:
        None if a map has another value, if none has 255, or if 0 is the only class.
    """
    if num_classes <= 1 and not samples[0]['reduce_zero_label']:
        return None
    paths = [sample['seg_map_path'] for sample in samples]
    few = [paths[index] for index in np.unique(np.linspace(0, len(paths) - 1, PROBES).astype(int))]
    with_fill = sum(FILL in values for values in map(_values, few) if values)
    if not with_fill or not all(_values(path) <= {0, FILL} for path in chain(few, paths)):
        return None
    return Remark(
        f'all {len(paths)} label maps have the values 0 and 255 alone, and 255 is read as void: the class that it '
        'marks is never learned',
        tuple(paths),
        'Write 1 in place of 255: it is the first class with reduce_zero_label=True, and the second one without.',
    )


def _values(path: str) -> set[int]:
    """Values of a label map; none if it cannot be read, which the loader reports."""
    try:
        labels = mmcv.imfrombytes(fileio.get(path), flag='unchanged', backend='pillow')
    except Exception:  # of any class: it depends on the damage
        return set()
    return set(np.unique(labels).tolist())


def _files(folder: str) -> Iterator[str]:
    for parent, _, names in os.walk(folder, followlinks=False):
        inner = os.path.relpath(parent, folder)
        for name in names:
            if not name.startswith('.'):
                yield name if inner == '.' else os.path.join(inner, name)


def _is_same(folder: str, other: str | None) -> bool:
    return other is not None and os.path.realpath(folder) == os.path.realpath(other)


def _unpaired(folder: str, suffix: str, stems: Collection[str]) -> int:
    """Number of label maps without an image."""
    return sum(name.endswith(suffix) and name.removesuffix(suffix) not in stems for name in _files(folder))
