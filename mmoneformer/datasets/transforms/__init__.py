"""What the pipelines need beyond the transforms of mmcv, mmdet and mmseg."""

from mmdet.datasets.transforms import InferencerLoader, LoadImageFromNDArray

from mmoneformer.datasets.transforms.load_image import LoadImageFromFile
from mmoneformer.datasets.transforms.load_instance_map import LoadInstanceMap
from mmoneformer.datasets.transforms.load_label_map import LoadLabelMap
from mmoneformer.datasets.transforms.load_panoptic_map import LoadPanopticMap
from mmoneformer.datasets.transforms.load_segments import LoadSegments
from mmoneformer.datasets.transforms.load_semantic_map import LoadSemanticMap
from mmoneformer.datasets.transforms.pack_inputs import PackOneFormerInputs
from mmoneformer.datasets.transforms.sample_task import SampleTask
from mmoneformer.registry import TRANSFORMS

# mmseg asks for these without a scope: inference_model of mmseg.apis, and MMSegInferencer
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
