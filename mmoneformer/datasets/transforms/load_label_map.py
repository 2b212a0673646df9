"""Loads label maps: one class index per pixel, for training and for evaluation."""

from collections.abc import Mapping
from typing import Any

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine import fileio
from numpy.typing import NDArray

from mmoneformer.datasets.transforms.load_image import check_size
from mmoneformer.errors import UnknownLabelError, UnreadableFileError
from mmoneformer.metainfo import IGNORED_LABEL
from mmoneformer.registry import TRANSFORMS
from mmoneformer.structures.segment_map import skip_fill


@TRANSFORMS.register_module()
class LoadSemanticMap(BaseTransform):
    """Load the label map of a sample whose annotation is semantic, as an id map with one segment per class.

    The sample is one of a ``MultiSourceDataset`` with an mmseg data set as source. Adds ``gt_seg_map`` [H, W], like
    ``LoadPanopticMap``: pixel value i + 1 is class i of the source, which is ``segments[i]``; 0 and 255 are void,
    where the source ignores the label. In palette images the indices are the labels.

    Args:
        backend_args: Storage backend, as in ``mmengine.fileio.get``; None infers it from the path.

    Raises:
        UnreadableFileError: If the file has colors instead of labels.
        AnnotationSizeError: If it has another size than the image.
        UnknownLabelError: If it has a label that is neither a class nor ignored, or one beyond 8 bits.
    """

    def __init__(self, *, backend_args: dict[str, Any] | None = None) -> None:
        self.backend_args = backend_args

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the map to the sample."""
        source = f'{results["seg_map_path"]} (image {results["img_path"]})'
        labels = mmcv.imfrombytes(
            fileio.get(results['seg_map_path'], self.backend_args), flag='unchanged', backend='pillow'
        )
        if labels.ndim != 2:
            raise UnreadableFileError(
                f'{source} has shape {labels.shape}: a label map has one value per pixel, not a color'
            )
        check_size(labels.shape, results['ori_shape'], source)
        labels = _as_mmseg(labels, results, source)
        ignored = (labels == results['ignore_index']) | (labels == IGNORED_LABEL)
        unknown = np.unique(labels[(labels >= len(results['segments'])) & ~ignored])
        if unknown.size:
            raise UnknownLabelError(
                f'{source} has labels {unknown[:5].tolist()}, but its data set has {len(results["segments"])} classes '
                f'and ignores {results["ignore_index"]}: check classes, reduce_zero_label and ignore_index'
            )
        numbers = np.where(ignored, 0, labels + 1).astype(np.uint8)
        results['gt_seg_map'] = skip_fill(numbers, len(results['segments']))
        results['seg_fields'] = ['gt_seg_map']
        return results


def _as_mmseg(labels: NDArray[Any], results: Mapping[str, Any], source: str) -> NDArray[np.uint8]:
    """Apply ``reduce_zero_label`` and ``label_map`` as mmseg's loader does, which takes labels modulo 256."""
    if labels.dtype != np.uint8 and not 0 <= labels.min() <= labels.max() <= IGNORED_LABEL:
        outside = np.unique(labels[(labels < 0) | (labels > IGNORED_LABEL)])
        raise UnknownLabelError(
            f'{source} has labels {outside[:5].tolist()}, but labels are 0 to {IGNORED_LABEL}: '
            'write a label map with the indices of its classes, 8 bits per pixel'
        )
    labels = labels.astype(np.uint8)
    if results['reduce_zero_label']:
        labels = np.where(labels == IGNORED_LABEL, labels, labels - 1)  # 0 wraps to 255
    own = labels.copy()
    for old, new in (results.get('label_map') or {}).items():
        labels[own == old] = new
    return labels


@TRANSFORMS.register_module()
class LoadLabelMap(BaseTransform):
    """Load the label PNG of a sample that has a ``label_map_path``, in the format of ADE20K's scene parsing challenge.

    It is the ground truth of the semantic task where a data set has one in addition to the panoptic annotation. In
    the file, 0 is no class and i + 1 is class i. Adds ``gt_label_map``, uint8 [H, W]: class indices, 255 where a pixel
    has no class. Images without a label map are returned unchanged. Place it in test pipelines, after the resize:
    evaluation takes place at the original size.

    Args:
        backend_args: Storage backend, as in ``mmengine.fileio.get``; None infers it from the path.

    Raises:
        UnreadableFileError: If the file is damaged or not an 8-bit grayscale PNG.
        AnnotationSizeError: If it has another size than the image.
        UnknownLabelError: If it has a label beyond the classes.
    """

    def __init__(self, *, backend_args: dict[str, Any] | None = None) -> None:
        self.backend_args = backend_args

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the map to the sample."""
        if 'label_map_path' not in results:
            return results
        source = f'{results["label_map_path"]} (image id {results["img_id"]})'
        labels = mmcv.imfrombytes(
            fileio.get(results['label_map_path'], self.backend_args), flag='unchanged', backend='cv2'
        )
        if labels is None or labels.ndim != 2 or labels.dtype != np.uint8:
            raise UnreadableFileError(f'{source} is damaged or not an 8-bit grayscale PNG: it must hold labels')
        check_size(labels.shape, results['ori_shape'], source)
        count = len(results['classes'])
        if labels.max() > count:
            raise UnknownLabelError(f'{source} has label {labels.max()}: labels are 0 to {count}, 0 for no class')
        results['gt_label_map'] = np.where(labels == 0, IGNORED_LABEL, labels - 1).astype(np.uint8)
        return results
