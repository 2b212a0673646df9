"""Create the panoptic annotation of Cityscapes from gtFine_trainvaltest.zip and leftImg8bit_trainvaltest.zip.

    python tools/dataset_converters/cityscapes.py data/cityscapes

writes gtFine/cityscapes_panoptic_{train,val}.json and folders of the same names.

An interrupted conversion can be continued by running the command again.
"""

from mmoneformer.datasets.converters import cityscapes
from mmoneformer.datasets.converters.conversion import run

if __name__ == '__main__':
    run(cityscapes.convert, cityscapes.SPLITS, description=__doc__)
