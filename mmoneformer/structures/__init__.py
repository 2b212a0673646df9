"""Types that the data pipeline, the model and the losses share."""

from mmoneformer.structures.segment_map import SegmentMap
from mmoneformer.structures.targets import TargetMasks, Targets

__all__ = ['SegmentMap', 'TargetMasks', 'Targets']
