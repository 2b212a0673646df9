"""Transforms of the pipelines, in addition to those of mmcv, mmdet and mmseg."""

import mmdet.datasets.transforms as of_mmdet
from mmdet.datasets.transforms import InferencerLoader, LoadImageFromNDArray
from mmdet.datasets.transforms.augment_wrappers import RANDAUG_SPACE, policies_v0

from mmoneformer.datasets.transforms.load_image import LoadImageFromFile
from mmoneformer.datasets.transforms.load_instance_map import LoadInstanceMap
from mmoneformer.datasets.transforms.load_label_map import LoadLabelMap, LoadSemanticMap
from mmoneformer.datasets.transforms.load_panoptic_map import LoadPanopticMap
from mmoneformer.datasets.transforms.load_segments import LoadSegments
from mmoneformer.datasets.transforms.pack_inputs import PackOneFormerInputs
from mmoneformer.datasets.transforms.panoptic_copy_paste import PanopticCopyPaste
from mmoneformer.datasets.transforms.panoptic_mosaic import PanopticMosaic
from mmoneformer.datasets.transforms.sample_task import SampleTask
from mmoneformer.registry import TRANSFORMS

# inference_model of mmseg.apis and MMSegInferencer look these up without a scope
TRANSFORMS.register_module(module=LoadImageFromNDArray)
TRANSFORMS.register_module(module=InferencerLoader)
# mmdet.RandAugment and mmdet.AutoAugment name what they draw from without a scope
for _name in {augmentation['type'] for policy in (*RANDAUG_SPACE, *policies_v0()) for augmentation in policy}:
    TRANSFORMS.register_module(module=getattr(of_mmdet, _name))

__all__ = [
    'InferencerLoader',
    'LoadImageFromFile',
    'LoadImageFromNDArray',
    'LoadInstanceMap',
    'LoadLabelMap',
    'LoadPanopticMap',
    'LoadSegments',
    'LoadSemanticMap',
    'PackOneFormerInputs',
    'PanopticCopyPaste',
    'PanopticMosaic',
    'SampleTask',
]
