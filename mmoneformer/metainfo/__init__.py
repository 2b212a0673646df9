"""Classes of data sets: names, which of them are things, colors.

The class order is the one of the data set, with explicit thing ids (never "things first"): the released weights, the
label order of mmseg and ours are the same. Each module here but ``category`` and ``resolve`` is a data set that
configs can name; a new one needs no other edit.
"""

from importlib import import_module
from pkgutil import iter_modules

from mmoneformer.metainfo.category import KNOWN_DATASETS, Category, category_ids
from mmoneformer.metainfo.resolve import (
    IGNORED_LABEL,
    Metainfo,
    MetainfoLike,
    class_names,
    distinct_colors,
    palette_of,
    resolve_metainfo,
    with_names_by_kind,
)

for _module in iter_modules(__path__):  # each data set adds itself to KNOWN_DATASETS
    import_module(f'{__name__}.{_module.name}')

__all__ = [
    'IGNORED_LABEL',
    'KNOWN_DATASETS',
    'Category',
    'Metainfo',
    'MetainfoLike',
    'category_ids',
    'class_names',
    'distinct_colors',
    'palette_of',
    'resolve_metainfo',
    'with_names_by_kind',
]
