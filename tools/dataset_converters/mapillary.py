"""Create the panoptic annotation of Mapillary Vistas v1.2.

    python tools/dataset_converters/mapillary.py data/mapillary_vistas

reads training/ and validation/, and writes mapillary_panoptic_{train,val}.json and folders of the same names.

An interrupted conversion can be continued by running the command again.
"""

from mmoneformer.datasets.converters import mapillary
from mmoneformer.datasets.converters.conversion import run

if __name__ == '__main__':
    run(mapillary.convert, mapillary.SPLITS, description=__doc__)
