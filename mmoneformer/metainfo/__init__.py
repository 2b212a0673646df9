"""What a data set's classes are: names, which are things, colours.

Class order is the data set's own, with explicit thing ids (never "things first"), so that released weights, mmseg's
label order and ours are one.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, TypedDict

IGNORED_LABEL = 255  # of pixels without a class in a semantic label map, as in mmseg
KNOWN = ('ade20k', 'cityscapes', 'coco', 'mapillary')


class Metainfo(TypedDict):
    """Classes of a data set; ``thing_ids`` are indices into ``classes``, ``palette`` has one RGB triple per class."""

    classes: tuple[str, ...]
    thing_ids: tuple[int, ...]
    palette: list[tuple[int, int, int]]


def resolve_metainfo(metainfo: str | Mapping[str, Any]) -> Metainfo:
    """Turn the name of a known data set, or a mapping as in a config, into complete metainfo.

    Args:
        metainfo: One of ``KNOWN``, or a mapping with ``classes`` (names), ``thing_ids`` (indices of the countable
            classes) and optionally ``palette`` (RGB, 0 to 255; colours are made up where there is none).

    Raises:
        ValueError: If the name is unknown, or classes, thing ids and palette do not fit together.
    """
    if isinstance(metainfo, str):
        if metainfo not in KNOWN:
            raise ValueError(f'unknown metainfo {metainfo!r}: choose one of {KNOWN}, or give classes and thing_ids')
        return resolve_metainfo(import_module(f'mmoneformer.metainfo.{metainfo}').METAINFO)
    missing = {'classes', 'thing_ids'} - set(metainfo)
    if missing:
        raise ValueError(f'metainfo lacks {sorted(missing)}; it has {sorted(metainfo)}')
    classes = tuple(metainfo['classes'])
    thing_ids = tuple(int(index) for index in metainfo['thing_ids'])
    palette = [tuple(colour) for colour in metainfo.get('palette') or distinct_colours(len(classes))]
    _check(classes, thing_ids, palette)
    return Metainfo(classes=classes, thing_ids=thing_ids, palette=palette)


def _check(classes: Sequence[str], thing_ids: Sequence[int], palette: Sequence[Sequence[int]]) -> None:
    if not 0 < len(classes) <= IGNORED_LABEL:
        raise ValueError(f'{len(classes)} classes: a data set needs 1 to {IGNORED_LABEL}')
    repeated = sorted({name for name in classes if classes.count(name) > 1})
    if repeated:
        raise ValueError(f'class names must differ, these occur twice: {repeated}')
    outside = [index for index in thing_ids if not 0 <= index < len(classes)]
    if outside or len(set(thing_ids)) != len(thing_ids):
        raise ValueError(f'thing_ids must be distinct and in 0..{len(classes) - 1}, got {list(thing_ids)}')
    if len(palette) != len(classes):
        raise ValueError(f'the palette has {len(palette)} colours for {len(classes)} classes')


def distinct_colours(count: int) -> list[tuple[int, int, int]]:
    """Make up RGB colours that differ well: golden-ratio steps of hue at three brightnesses."""
    from colorsys import hsv_to_rgb

    golden = 0.618033988749895
    colours = []
    for index in range(count):
        red, green, blue = hsv_to_rgb(index * golden % 1, 0.75, (0.95, 0.7, 0.5)[index % 3])
        colours.append((round(red * 255), round(green * 255), round(blue * 255)))
    return colours
