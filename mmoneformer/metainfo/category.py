"""A class as a row of a data set's table: the one place that the metainfo and the annotation formats are read from."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from mmoneformer.metainfo import Metainfo


class Category(NamedTuple):
    """One class of a data set.

    Attributes:
        id: Number of the class in the COCO-panoptic annotations of the data set, not its index.
        name: Name as it enters the text encoder, to the letter.
        is_thing: Whether it is countable.
        color: RGB, 0 to 255.
    """

    id: int
    name: str
    is_thing: bool
    color: tuple[int, int, int]

    def as_json(self) -> dict[str, Any]:
        """The entry in ``categories`` of a COCO-panoptic json."""
        return {
            'id': self.id,
            'name': self.name,
            'supercategory': self.name,
            'isthing': int(self.is_thing),
            'color': list(self.color),
        }


def metainfo_of(categories: Sequence[Category]) -> Metainfo:
    """Metainfo of a table of categories, in its order."""
    return Metainfo(
        classes=tuple(category.name for category in categories),
        thing_ids=tuple(index for index, category in enumerate(categories) if category.is_thing),
        palette=[category.color for category in categories],
    )
