"""Types that travel from the data pipeline to the losses."""

from mmoneformer.structures.target_masks import TargetMasks

__all__ = ['TargetMasks']
