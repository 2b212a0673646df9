"""Metrics, which read the data samples in memory, and result files for test servers."""

from mmoneformer.evaluation.cityscapes_ap import CityscapesAP
from mmoneformer.evaluation.cityscapes_results import CityscapesInstanceResults, CityscapesSemanticResults
from mmoneformer.evaluation.coco_results import CocoInstanceResults, CocoPanopticResults
from mmoneformer.evaluation.panoptic_quality import PanopticQuality
from mmoneformer.evaluation.semantic_iou import SemanticIoU
from mmoneformer.evaluation.thing_instance_ap import ThingInstanceAP

__all__ = [
    'CityscapesAP',
    'CityscapesInstanceResults',
    'CityscapesSemanticResults',
    'CocoInstanceResults',
    'CocoPanopticResults',
    'PanopticQuality',
    'SemanticIoU',
    'ThingInstanceAP',
]
