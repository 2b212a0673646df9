"""Metrics, all read from the data samples in memory."""

from mmoneformer.evaluation.panoptic_quality import PanopticQuality
from mmoneformer.evaluation.semantic_iou import SemanticIoU
from mmoneformer.evaluation.thing_instance_ap import ThingInstanceAP

__all__ = ['PanopticQuality', 'SemanticIoU', 'ThingInstanceAP']
