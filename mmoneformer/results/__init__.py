"""Results of a model as dicts, as files, and in the formats of other packages."""

from mmoneformer.results.to_coco import to_coco, write_coco
from mmoneformer.results.to_fiftyone import mask_targets, to_fiftyone
from mmoneformer.results.to_supervision import to_supervision
from mmoneformer.results.to_torchmetrics import to_torchmetrics
from mmoneformer.results.to_yolo import to_yolo, write_yolo

__all__ = [
    'mask_targets',
    'to_coco',
    'to_fiftyone',
    'to_supervision',
    'to_torchmetrics',
    'to_yolo',
    'write_coco',
    'write_yolo',
]
