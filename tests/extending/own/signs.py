"""The classes of a data set of one's own, which configs then call by name."""

from mmoneformer.metainfo import KNOWN_DATASETS, Category

KNOWN_DATASETS['signs'] = tuple(
    Category(*row)
    for row in (  # id, name, thing?, RGB
        (1, 'cross', True, (220, 60, 60)),
        (2, 'brick', False, (150, 80, 60)),
        (3, 'star', True, (170, 60, 200)),
        (4, 'snow', False, (230, 235, 240)),
        (5, 'arrow', True, (60, 90, 220)),
        (6, 'grass', False, (90, 170, 60)),
        (7, 'hexagon', True, (240, 170, 30)),
    )
)
