"""Turns the metainfo of a config into a complete one."""

from collections.abc import Iterable, Mapping, Sequence, Set
from colorsys import hsv_to_rgb
from typing import Any, SupportsIndex, TypedDict

from mmoneformer.errors import first_few
from mmoneformer.metainfo.category import known_categories

IGNORED_LABEL = 255  # pixels without a class in a semantic label map, as in mmseg
GOLDEN_RATIO = 0.618033988749895

Color = tuple[int, int, int]


class Metainfo(TypedDict):
    """Classes of a data set.

    Attributes:
        classes: Class names, K of them.
        thing_ids: Indices into ``classes`` of the countable ones.
        palette: RGB colors, 0 to 255, one per class.
    """

    classes: tuple[str, ...]
    thing_ids: tuple[int, ...]
    palette: list[Color]


MetainfoLike = str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]  # as in a config


def resolve_metainfo(metainfo: MetainfoLike) -> Metainfo:
    """Return the complete metainfo for what a config gives.

    Args:
        metainfo: One of

            - the name of a known data set (``KNOWN_DATASETS``);
            - a mapping with ``classes`` (names), ``thing_ids`` (indices of the countable classes) and optionally
              ``palette`` (RGB, 0 to 255; generated if absent);
            - a list of these, which are merged by class name in the order of first occurrence. There a mapping may
              omit ``thing_ids`` if it does not define which classes are things: another entry does, or they are stuff.

    Raises:
        ValueError: If the name is unknown, if classes, thing ids and palette do not fit together, or if a class is a
            thing in one entry of a list and stuff in another.
    """
    if isinstance(metainfo, str):
        return _known_metainfo(metainfo)
    if not isinstance(metainfo, Mapping):
        return resolve_metainfo(_merge(metainfo))
    missing = {'classes', 'thing_ids'} - set(metainfo)
    if missing:
        raise ValueError(f'metainfo lacks {sorted(missing)}; it has {sorted(metainfo)}')
    classes = class_names(metainfo['classes'], "'classes' of the metainfo")
    thing_ids = _indices(metainfo['thing_ids'])
    palette = [tuple(color) for color in metainfo.get('palette') or distinct_colors(len(classes))]
    _check(classes, thing_ids, palette)
    return Metainfo(classes=classes, thing_ids=thing_ids, palette=palette)


def with_names_by_kind(metainfo: Mapping[str, Any]) -> dict[str, Any]:
    """Add ``thing_classes`` and ``stuff_classes``, which mmdet's metrics and tools look for."""
    classes, thing_ids = metainfo['classes'], metainfo['thing_ids']
    return {
        **metainfo,
        'thing_classes': tuple(name for index, name in enumerate(classes) if index in thing_ids),
        'stuff_classes': tuple(name for index, name in enumerate(classes) if index not in thing_ids),
    }


def palette_of(metainfo: Mapping[str, Any]) -> list[Color]:
    """The RGB colors of the classes, where mmdet's inference functions may have set the name of a palette."""
    palette = metainfo['palette']
    if isinstance(palette, str):
        from mmdet.visualization.palette import get_palette

        palette = get_palette(palette, len(metainfo['classes']))
    return [(int(red), int(green), int(blue)) for red, green, blue in palette]


def class_names(names: object, where: str) -> tuple[str, ...]:
    """Return class names as a tuple.

    Args:
        names: What a config gives; anything iterable that has an order and holds texts.
        where: What it is, for the message.

    Raises:
        ValueError: If it is a single text, has no order, or holds something else.
    """
    if isinstance(names, str):
        raise ValueError(f'{where} is the text {names!r}: a tuple of one name needs a comma, ({names!r},)')
    if isinstance(names, Mapping | Set) or not isinstance(names, Iterable):
        raise ValueError(f'{where} is {names!r}: give a tuple or a list of class names')
    listed = tuple(names)
    wrong = [name for name in listed if not isinstance(name, str)]
    if wrong:
        raise ValueError(f'{where} has {first_few(map(repr, wrong))}: class names are texts in quotes')
    return listed


def _indices(thing_ids: object) -> tuple[int, ...]:
    if isinstance(thing_ids, str | bytes) or not isinstance(thing_ids, Iterable):
        raise ValueError(
            f"'thing_ids' of the metainfo is {thing_ids!r}: a tuple of one index needs a comma, as in (0,)"
        )
    listed = tuple(thing_ids)
    wrong = [index for index in listed if not isinstance(index, SupportsIndex)]
    if wrong:
        raise ValueError(
            f"'thing_ids' of the metainfo has {first_few(map(repr, wrong))}: these are indices into classes, from 0"
        )
    return tuple(int(index) for index in listed)


def distinct_colors(count: int) -> list[Color]:
    """Return RGB colors, 0 to 255, that are easy to tell apart: golden-ratio steps of hue at three brightnesses."""
    colors = []
    for index in range(count):
        red, green, blue = hsv_to_rgb(index * GOLDEN_RATIO % 1, 0.75, (0.95, 0.7, 0.5)[index % 3])
        colors.append((round(red * 255), round(green * 255), round(blue * 255)))
    return colors


def _known_metainfo(dataset: str) -> Metainfo:
    categories = known_categories(dataset)
    return Metainfo(
        classes=tuple(category.name for category in categories),
        thing_ids=tuple(index for index, category in enumerate(categories) if category.is_thing),
        palette=[category.color for category in categories],
    )


def _merge(entries: Sequence[str | Mapping[str, Any]]) -> dict[str, Any]:
    """Merge the classes of several data sets by name; leading and trailing spaces do not count."""
    names: dict[str, str] = {}
    is_thing: dict[str, bool] = {}
    colors: dict[str, Color] = {}
    for entry in entries:
        metainfo = resolve_metainfo({'thing_ids': (), **entry} if isinstance(entry, Mapping) else entry)
        given = entry if isinstance(entry, Mapping) else metainfo
        for index, name in enumerate(metainfo['classes']):
            key, thing = name.strip(), index in metainfo['thing_ids']
            names.setdefault(key, name)
            if given.get('palette'):
                colors.setdefault(key, metainfo['palette'][index])
            if 'thing_ids' in given and is_thing.setdefault(key, thing) != thing:
                raise ValueError(f'class {name!r} is a thing in one list of classes and stuff in another: rename one')
    generated = dict(zip(names, distinct_colors(len(names)), strict=True))
    return {
        'classes': tuple(names.values()),
        'thing_ids': [index for index, key in enumerate(names) if is_thing.get(key)],
        'palette': [colors.get(key, generated[key]) for key in names],
    }


def _check(classes: Sequence[str], thing_ids: Sequence[int], palette: Sequence[Sequence[int]]) -> None:
    if not 0 < len(classes) <= IGNORED_LABEL:
        raise ValueError(
            f'metainfo has {len(classes)} classes, but a data set needs 1 to {IGNORED_LABEL}, as label maps have 8 '
            f'bits per pixel, in which {IGNORED_LABEL} is void: merge classes, or leave out rare ones'
        )
    repeated = sorted({name for name in classes if classes.count(name) > 1})
    if repeated:
        raise ValueError(f'class names must be unique, these are repeated: {repeated}')
    outside = [index for index in thing_ids if not 0 <= index < len(classes)]
    if outside or len(set(thing_ids)) != len(thing_ids):
        raise ValueError(f'thing_ids must be unique and in 0..{len(classes) - 1}, got {list(thing_ids)}')
    if len(palette) != len(classes):
        raise ValueError(f'the palette has {len(palette)} colors for {len(classes)} classes')
