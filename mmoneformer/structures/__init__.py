"""Types that the data pipeline hands to the losses and metrics."""

from mmoneformer.structures.segment_map import SegmentMap
from mmoneformer.structures.target_masks import TargetMasks

__all__ = ['SegmentMap', 'TargetMasks']
