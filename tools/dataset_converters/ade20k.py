"""Create the panoptic annotation of ADE20K from ADEChallengeData2016.zip and annotations_instance.tar.

    python tools/dataset_converters/ade20k.py data/ade/ADEChallengeData2016

reads images/, annotations/ and annotations_instance/, and writes ade20k_panoptic_{train,val}.json and folders of the
same names next to them.

An interrupted conversion can be continued by running the command again.
"""

from mmoneformer.datasets.converters import ade20k
from mmoneformer.datasets.converters.conversion import run

if __name__ == '__main__':
    run(ade20k.convert, ade20k.SPLITS, description=__doc__)
