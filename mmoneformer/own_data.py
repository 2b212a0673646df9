"""What follows from the first part of the template for own data, ``configs/oneformer_swin-t_custom.py``.

The template calls these functions, so that a slip in its first part is named when the config is read.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from mmoneformer.errors import first_few
from mmoneformer.metainfo import class_names


def own_metainfo(classes: Sequence[str], things: Sequence[str]) -> dict[str, Any]:
    """Return the metainfo of all sources.

    Args:
        classes: Class names.
        things: Those of them that are countable.

    Raises:
        ValueError: If one of them is no list of names, or a thing is no class.
    """
    names = class_names(classes, 'classes')
    _check_known(class_names(things, 'things'), names, 'things')
    return {'classes': classes, 'thing_ids': [index for index, name in enumerate(names) if name in things]}


def annotations(sources: Sequence[Mapping[str, Any]], kinds: Sequence[str]) -> set[str]:
    """Return the kinds of annotation that the sources have.

    Args:
        sources: For each folder ``annotation``, ``data_root``, and further settings of its data set.
        kinds: Kinds of annotation that there are.

    Raises:
        ValueError: If there is no source, or one is not described completely.
    """
    example = f"dict(annotation={kinds[0]!r}, data_root='data/mine/')"
    if not isinstance(sources, list | tuple) or not sources:
        raise ValueError(f'sources is {sources!r}: give a list of at least one source, as in [{example}]')
    for number, source in enumerate(sources):
        where = f'sources[{number}]'
        if not isinstance(source, Mapping):
            raise ValueError(f'{where} is {source!r}: write it as {example}')
        lacking = [key for key in ('annotation', 'data_root') if key not in source]
        if lacking:
            raise ValueError(f'{where} has no {first_few(lacking)}: write it as {example}')
        if source['annotation'] not in kinds:
            raise ValueError(f"'annotation' of {where} is {source['annotation']!r}: it must be one of {list(kinds)}")
        if 'classes' in source:
            class_names(source['classes'], f"'classes' of {where}")
    return {source['annotation'] for source in sources}


def _check_known(part: Sequence[str], classes: Sequence[str], where: str) -> None:
    """Check that all names of a part are class names."""
    unknown = [name for name in part if name not in classes]
    if not unknown:
        return
    similar = get_close_matches(unknown[0], classes, n=1)
    remedy = f'did you mean {similar[0]!r}?' if similar else f'classes has {first_few(map(repr, classes))}'
    raise ValueError(f'{where} has {first_few(map(repr, unknown))}, which classes lacks: {remedy}')
