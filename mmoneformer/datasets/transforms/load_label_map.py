"""Reads the label map of an image: the semantic ground truth that some data sets have beside the panoptic one."""

from typing import Any

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine import fileio

from mmoneformer.datasets.transforms.load_image import check_size
from mmoneformer.metainfo import IGNORED_LABEL
from mmoneformer.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadLabelMap(BaseTransform):
    """Read the label PNG of a sample that has a ``label_map_path``, as ADE20K's scene parsing challenge writes it.

    In the file, 0 is no class and i + 1 is class i. Adds ``gt_label_map``, uint8 [H, W]: class indices, 255 where a
    pixel has no class. Images without a label map pass unchanged. It stands in test pipelines, after the resize, so
    that evaluation sees the original size.

    Raises:
        ValueError: If the file is no gray PNG of 8 bits, has another size than the image, or a label beyond the
            classes.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the map to the sample."""
        if 'label_map_path' not in results:
            return results
        where = f'{results["label_map_path"]} (image id {results["img_id"]})'
        labels = mmcv.imfrombytes(fileio.get(results['label_map_path']), flag='unchanged', backend='cv2')
        if labels is None or labels.ndim != 2 or labels.dtype != np.uint8:
            raise ValueError(f'{where} is damaged or no gray PNG of 8 bits: its values cannot be labels')
        check_size(labels.shape, results['ori_shape'], where)
        count = len(results['classes'])
        if labels.max() > count:
            raise ValueError(f'{where} has label {labels.max()}: labels are 0 to {count}, 0 for no class')
        results['gt_label_map'] = np.where(labels == 0, IGNORED_LABEL, labels - 1).astype(np.uint8)
        return results
