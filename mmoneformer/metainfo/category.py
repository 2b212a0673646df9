"""The classes of the data sets that are known by name, one table per data set."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Category(NamedTuple):
    """One class of a data set.

    Attributes:
        id: Category id in the COCO-style annotation files of the data set, not the index of the class.
        name: Class name exactly as the text encoder gets it.
        is_thing: True for a countable class (thing), False for stuff.
        color: RGB, 0 to 255.
    """

    id: int
    name: str
    is_thing: bool
    color: tuple[int, int, int]

    def as_json(self) -> dict[str, Any]:
        """Return the entry of ``categories`` in a COCO-panoptic json."""
        return {
            'id': self.id,
            'name': self.name,
            'supercategory': self.name,
            'isthing': int(self.is_thing),
            'color': list(self.color),
        }


KNOWN_DATASETS: dict[str, tuple[Category, ...]] = {}
"""Data sets by name, each with its classes in the order of the model's class indices.

Every module of this package is imported and adds its data set. Other code can add one, too::

    KNOWN_DATASETS['pets'] = (Category(1, 'cat', True, (220, 20, 60)), Category(2, 'grass', False, (4, 250, 7)))
"""


def known_categories(dataset: str) -> tuple[Category, ...]:
    """Return the classes of a known data set.

    Args:
        dataset: A key of ``KNOWN_DATASETS``.

    Raises:
        ValueError: If there is no data set of this name.
    """
    if dataset not in KNOWN_DATASETS:
        raise ValueError(
            f'unknown data set {dataset!r}: choose one of {sorted(KNOWN_DATASETS)}, add yours to '
            'mmoneformer.metainfo.KNOWN_DATASETS, or give metainfo as a dict of classes and thing_ids'
        )
    return KNOWN_DATASETS[dataset]


def category_ids(dataset: str, classes: Sequence[str]) -> list[int]:
    """Return the category id of each class in the annotation and result files of a known data set.

    Args:
        dataset: A key of ``KNOWN_DATASETS``.
        classes: Class names, all of this data set.

    Raises:
        ValueError: If the data set is unknown, or does not have one of the classes.
    """
    ids = {category.name: category.id for category in known_categories(dataset)}
    missing = [name for name in classes if name not in ids]
    if missing:
        raise ValueError(f'{missing[:5]} are not classes of {dataset}, so they have no category id in its files')
    return [ids[name] for name in classes]
