"""Make Cityscapes' panoptic annotation from gtFine_trainvaltest.zip and leftImg8bit_trainvaltest.zip.

    python tools/dataset_converters/cityscapes.py data/cityscapes

writes gtFine/cityscapes_panoptic_{train,val}.json and the folders of that name.

Run it again after an interruption: what is done is kept.
"""

from mmoneformer.datasets.converters import cityscapes
from mmoneformer.datasets.converters.conversion import run

if __name__ == '__main__':
    run(cityscapes.convert, cityscapes.SPLITS, description=__doc__)
