"""What a data set's classes are: names, which are things, colors.

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


MetainfoLike = str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]  # as configs give it


def resolve_metainfo(metainfo: MetainfoLike) -> Metainfo:
    """Turn the name of a known data set, or a mapping as in a config, into complete metainfo.

    Args:
        metainfo: One of ``KNOWN``, or a mapping with ``classes`` (names), ``thing_ids`` (indices of the countable
            classes) and optionally ``palette`` (RGB, 0 to 255; colors are made up where there is none). Or a list of
            several, which are united by the names of their classes, in the order in which they occur first; there a
            mapping may leave out ``thing_ids``, if it does not say what is countable: then another one does, or its
            classes are stuff.

    Raises:
        ValueError: If the name is unknown, if classes, thing ids and palette do not fit together, or if a class is a
            thing in one entry of a list and stuff in another.
    """
    if not isinstance(metainfo, str | Mapping):
        return resolve_metainfo(_unite(metainfo))
    if isinstance(metainfo, str):
        if metainfo not in KNOWN:
            raise ValueError(f'unknown metainfo {metainfo!r}: choose one of {KNOWN}, or give classes and thing_ids')
        return resolve_metainfo(import_module(f'mmoneformer.metainfo.{metainfo}').METAINFO)
    missing = {'classes', 'thing_ids'} - set(metainfo)
    if missing:
        raise ValueError(f'metainfo lacks {sorted(missing)}; it has {sorted(metainfo)}')
    classes = tuple(metainfo['classes'])
    thing_ids = tuple(int(index) for index in metainfo['thing_ids'])
    palette = [tuple(color) for color in metainfo.get('palette') or distinct_colors(len(classes))]
    _check(classes, thing_ids, palette)
    return Metainfo(classes=classes, thing_ids=thing_ids, palette=palette)


def _unite(entries: Sequence[str | Mapping[str, Any]]) -> dict[str, Any]:
    """Classes of several data sets as one mapping; names that differ by outer spaces alone are the same."""
    names: dict[str, str] = {}
    is_thing: dict[str, bool] = {}
    colors: dict[str, tuple[int, int, int]] = {}
    for entry in entries:
        metainfo = resolve_metainfo({'thing_ids': (), **entry} if isinstance(entry, Mapping) else entry)
        says = entry if isinstance(entry, Mapping) else metainfo
        for index, name in enumerate(metainfo['classes']):
            key, thing = name.strip(), index in metainfo['thing_ids']
            names.setdefault(key, name)
            if says.get('palette'):
                colors.setdefault(key, metainfo['palette'][index])
            if 'thing_ids' in says and is_thing.setdefault(key, thing) != thing:
                raise ValueError(f'class {name!r} is a thing in one list of classes and stuff in another: rename one')
    made_up = dict(zip(names, distinct_colors(len(names)), strict=True))
    return {
        'classes': tuple(names.values()),
        'thing_ids': [index for index, key in enumerate(names) if is_thing.get(key)],
        'palette': [colors.get(key, made_up[key]) for key in names],
    }


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
        raise ValueError(f'the palette has {len(palette)} colors for {len(classes)} classes')


def distinct_colors(count: int) -> list[tuple[int, int, int]]:
    """Make up RGB colors that differ well: golden-ratio steps of hue at three brightnesses."""
    from colorsys import hsv_to_rgb

    golden = 0.618033988749895
    colors = []
    for index in range(count):
        red, green, blue = hsv_to_rgb(index * golden % 1, 0.75, (0.95, 0.7, 0.5)[index % 3])
        colors.append((round(red * 255), round(green * 255), round(blue * 255)))
    return colors
