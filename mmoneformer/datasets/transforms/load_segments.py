"""Loads the annotation of an image, whatever its kind."""

from typing import Any

from mmcv.transforms import BaseTransform

from mmoneformer.datasets.transforms.load_instance_map import LoadInstanceMap
from mmoneformer.datasets.transforms.load_label_map import LoadSemanticMap
from mmoneformer.datasets.transforms.load_panoptic_map import LoadPanopticMap
from mmoneformer.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadSegments(BaseTransform):
    """Apply ``LoadPanopticMap``, ``LoadInstanceMap`` or ``LoadSemanticMap``, by the ``annotation`` of the sample.

    Each of them adds ``gt_seg_map``, the pixels of ``segments``, so that one pipeline serves all sources of a
    ``MultiSourceDataset``.

    Args:
        backend_args: Storage backend of the maps, as in ``mmengine.fileio.get``; None infers it from the path.

    Raises:
        KeyError: If the sample comes from a data set of mmdet or mmseg that is not in a ``MultiSourceDataset``.
    """

    def __init__(self, *, backend_args: dict[str, Any] | None = None) -> None:
        self._loaders: dict[str, BaseTransform] = {
            'panoptic': LoadPanopticMap(backend_args=backend_args),
            'instance': LoadInstanceMap(),
            'semantic': LoadSemanticMap(backend_args=backend_args),
        }

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Add the map to the sample; images without annotation are returned unchanged."""
        if 'seg_map_path' in results and 'tasks' not in results:
            raise KeyError(
                f'the sample of {results["img_path"]} has no tasks and classes: use its data set as a source of a '
                'MultiSourceDataset'
            )
        return self._loaders[results.get('annotation', 'panoptic')](results)
