"""Reads the annotation of an image, of whatever kind it is."""

from typing import Any

from mmcv.transforms import BaseTransform

from mmoneformer.datasets.transforms.load_instance_map import LoadInstanceMap
from mmoneformer.datasets.transforms.load_panoptic_map import LoadPanopticMap
from mmoneformer.datasets.transforms.load_semantic_map import LoadSemanticMap
from mmoneformer.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadSegments(BaseTransform):
    """``LoadPanopticMap``, ``LoadInstanceMap`` or ``LoadSemanticMap``, by the ``annotation`` of the sample.

    All of them give ``segments`` and their pixels as one map, ``gt_seg_map``; so one pipeline is for all sources of a
    ``MultiSourceDataset``.

    Raises:
        KeyError: If the sample is of one of mmdet's or mmseg's data sets and not of a ``MultiSourceDataset``.
    """

    def __init__(self) -> None:
        self._loaders: dict[str, BaseTransform] = {
            'panoptic': LoadPanopticMap(),
            'instance': LoadInstanceMap(),
            'semantic': LoadSemanticMap(),
        }

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Add the map to the sample; images without annotation pass unchanged."""
        if 'seg_map_path' in results and 'tasks' not in results:
            raise KeyError(
                f'the sample of {results["img_path"]} does not say its tasks and classes: make its data set a source '
                'of a MultiSourceDataset'
            )
        return self._loaders[results.get('annotation', 'panoptic')](results)
