"""Reads the label map of an image: semantic annotation alone."""

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.datasets.transforms import LoadAnnotations

from mmoneformer.datasets.transforms.load_image import check_size
from mmoneformer.metainfo import IGNORED_LABEL
from mmoneformer.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadSemanticMap(BaseTransform):
    """Read the label map of one of mmseg's data sets as an id map; of palette images, the indices count.

    The sample is one of a ``MultiSourceDataset``. Adds ``gt_seg_map`` [H, W], uint8: pixel value i + 1 is class i of
    its source, which is ``segments[i]``; 0 is void, what the source ignores. It stands where ``LoadPanopticMap``
    would.

    Raises:
        ValueError: If the file has colors instead of labels, another size than the image, or a label that is no class
            and not ignored.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the map to the sample."""
        where = f'{results["seg_map_path"]} (image {results["img_path"]})'
        # a reader per image: it keeps the first image's reduce_zero_label, in which sources may differ
        labels = LoadAnnotations()(results)['gt_seg_map']
        if labels.ndim != 2:
            raise ValueError(f'{where} has shape {labels.shape}: a label map has one value per pixel, not a color')
        check_size(labels.shape, results['ori_shape'], where)
        ignored = (labels == results['ignore_index']) | (labels == IGNORED_LABEL)
        strange = np.unique(labels[(labels >= len(results['segments'])) & ~ignored])
        if strange.size:
            raise ValueError(
                f'{where} has labels {strange[:5].tolist()}, but its data set has {len(results["segments"])} classes '
                f'and ignores {results["ignore_index"]}: check classes, reduce_zero_label and ignore_index'
            )
        results['gt_seg_map'] = np.where(ignored, 0, labels + 1).astype(np.uint8)
        return results
