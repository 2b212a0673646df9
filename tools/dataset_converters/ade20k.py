"""Make ADE20K's panoptic annotation from ADEChallengeData2016.zip and annotations_instance.tar.

    python tools/dataset_converters/ade20k.py data/ade/ADEChallengeData2016

reads images/, annotations/ and annotations_instance/, and writes ade20k_panoptic_{train,val}.json and the folders of
that name beside them.

Run it again after an interruption: what is done is kept.
"""

from mmoneformer.datasets.converters import ade20k
from mmoneformer.datasets.converters.conversion import run

if __name__ == '__main__':
    run(ade20k.convert, ade20k.SPLITS, description=__doc__)
