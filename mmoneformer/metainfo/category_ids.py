"""Numbers of the classes in the annotation and result files of a known data set."""

from collections.abc import Sequence
from importlib import import_module

from mmoneformer.metainfo import KNOWN


def category_ids(dataset: str, classes: Sequence[str]) -> list[int]:
    """Find the category id of each class by its name.

    Args:
        dataset: One of ``KNOWN``.
        classes: Names, all of them classes of the data set.

    Raises:
        ValueError: If the data set is unknown, or a class is not one of it.
    """
    if dataset not in KNOWN:
        raise ValueError(f'unknown data set {dataset!r}: category ids are known of {KNOWN}')
    ids = {category.name: category.id for category in import_module(f'mmoneformer.metainfo.{dataset}').CATEGORIES}
    strange = [name for name in classes if name not in ids]
    if strange:
        raise ValueError(f'{strange[:5]} are no classes of {dataset}, so they have no category id in its files')
    return [ids[name] for name in classes]
