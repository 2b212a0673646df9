"""Unpack and check COCO's panoptic annotation.

    python tools/dataset_converters/coco.py data/coco

reads train2017/, val2017/ and panoptic_annotations_trainval2017.zip, and leaves
annotations/panoptic_{train,val}2017.json and the folders of that name.

Run it again after an interruption: what is done is kept.
"""

from mmoneformer.datasets.converters import coco
from mmoneformer.datasets.converters.conversion import run

if __name__ == '__main__':
    run(coco.convert, coco.SPLITS, description=__doc__)
