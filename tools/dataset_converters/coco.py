"""Unpack and check the panoptic annotation of COCO.

    python tools/dataset_converters/coco.py data/coco

reads train2017/, val2017/ and panoptic_annotations_trainval2017.zip, and writes
annotations/panoptic_{train,val}2017.json and folders of the same names.

An interrupted conversion can be continued by running the command again.
"""

from mmoneformer.datasets.converters import coco
from mmoneformer.datasets.converters.conversion import run

if __name__ == '__main__':
    run(coco.convert, coco.SPLITS, description=__doc__)
