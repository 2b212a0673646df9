"""Types that the data pipeline, the model and the losses share."""

from mmoneformer.structures.segment_map import SegmentMap
from mmoneformer.structures.target_masks import TargetMasks
from mmoneformer.structures.targets import Targets

__all__ = ['SegmentMap', 'TargetMasks', 'Targets']
