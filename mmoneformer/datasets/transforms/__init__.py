"""Transforms of the pipelines, in addition to those of mmcv, mmdet and mmseg."""

from mmdet.datasets.transforms import InferencerLoader, LoadImageFromNDArray

from mmoneformer.datasets.transforms.load_image import LoadImageFromFile
from mmoneformer.datasets.transforms.load_instance_map import LoadInstanceMap
from mmoneformer.datasets.transforms.load_label_map import LoadLabelMap, LoadSemanticMap
from mmoneformer.datasets.transforms.load_panoptic_map import LoadPanopticMap
from mmoneformer.datasets.transforms.load_segments import LoadSegments
from mmoneformer.datasets.transforms.pack_inputs import PackOneFormerInputs
from mmoneformer.datasets.transforms.sample_task import SampleTask
from mmoneformer.registry import TRANSFORMS

# inference_model of mmseg.apis and MMSegInferencer look these up without a scope
TRANSFORMS.register_module(module=LoadImageFromNDArray)
TRANSFORMS.register_module(module=InferencerLoader)

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
    'SampleTask',
]
