"""Transforms of the pipelines, in addition to those of mmcv, mmdet and mmseg."""

from mmoneformer.datasets.transforms.load_image import LoadImageFromFile
from mmoneformer.datasets.transforms.load_instance_map import LoadInstanceMap
from mmoneformer.datasets.transforms.load_label_map import LoadLabelMap, LoadSemanticMap
from mmoneformer.datasets.transforms.load_panoptic_map import LoadPanopticMap
from mmoneformer.datasets.transforms.load_segments import LoadSegments
from mmoneformer.datasets.transforms.pack_inputs import PackOneFormerInputs
from mmoneformer.datasets.transforms.panoptic_copy_paste import PanopticCopyPaste
from mmoneformer.datasets.transforms.panoptic_mosaic import PanopticMosaic
from mmoneformer.datasets.transforms.sample_task import SampleTask

__all__ = [
    'LoadImageFromFile',
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
