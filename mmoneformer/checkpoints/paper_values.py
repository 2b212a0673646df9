"""What the weights of the paper's models cannot tell: sizes of test images, thresholds, dilations.

Each data set's numbers are those of the released recipes (paper, appendix).
"""

from collections.abc import Sequence
from typing import NamedTuple

DATASET_OF_CLASSES = {150: 'ade20k', 133: 'coco', 19: 'cityscapes', 65: 'mapillary'}
LARGE_CROP, SMALL_CROP = 640, 512  # of ADE20K: large backbones, and ResNet-50 and Swin-T
DINAT_LARGE = (3, 4, 18, 5)  # blocks of its levels; only this DiNAT was released


class InTest(NamedTuple):
    """How a model of the paper is tested.

    Attributes:
        scale: Longer and shorter side of the image, at most.
        object_mask_thr: Score that a panoptic segment needs.
    """

    scale: tuple[int, int]
    object_mask_thr: float


OTHERS = InTest((1333, 800), 0.8)  # data sets that the paper does not have are tested like COCO
IN_TEST = {
    'coco': OTHERS,
    'cityscapes': InTest((2048, 1024), 0.8),
    'mapillary': InTest((2048, 2048), 0.8),
}
DILATIONS = {
    'ade20k': [[1, 20, 1], [1, 5, 1, 10], [1, 2, 1, 3, 1, 4, 1, 5, 1, 2, 1, 3, 1, 4, 1, 5, 1, 5], [1, 2, 1, 2, 1]],
    'cityscapes': [[1, 18, 1], [1, 5, 1, 9], [1, 2, 1, 3, 1, 4, 1, 2, 1, 3, 1, 4, 1, 2, 1, 3, 1, 4], [1, 2, 1, 2, 1]],
}
DILATIONS |= {'coco': DILATIONS['ade20k'], 'mapillary': DILATIONS['ade20k']}
DILATIONS_1280 = [
    [1, 28, 1],
    [1, 7, 1, 14],
    [1, 3, 1, 5, 1, 5, 1, 7, 1, 3, 1, 5, 1, 5, 1, 7, 1, 7],
    [1, 3, 1, 3, 1],
]


def settings_in_test(dataset: str | None, crop: int) -> InTest:
    """How the paper tests.

    Args:
        dataset: Name of the data set; None for one that the paper does not have.
        crop: Side of the training crop in pixels; only models of ADE20K have several.
    """
    if dataset == 'ade20k':
        return InTest((4 * crop, crop), 0.5)
    return IN_TEST.get(dataset or '', OTHERS)


def dinat_dilations(dataset: str | None, crop: int, depths: Sequence[int]) -> list[list[int]]:
    """Dilations of the released DiNAT.

    Args:
        dataset: Name of the data set; None for one that the paper does not have.
        crop: Side of the training crop in pixels; only models of ADE20K have several.
        depths: Number of blocks of each level.

    Raises:
        ValueError: If the paper has no such model.
    """
    if dataset not in DILATIONS or tuple(depths) != DINAT_LARGE:
        raise ValueError(
            f"no weights tell DiNAT's dilations, and the paper has no DiNAT of {list(depths)} blocks on "
            f'{dataset or "these classes"}: give them, as in --cfg-options "model.backbone.dilations=[[1,20,1],...]"'
        )
    return DILATIONS_1280 if dataset == 'ade20k' and crop == 1280 else DILATIONS[dataset]
