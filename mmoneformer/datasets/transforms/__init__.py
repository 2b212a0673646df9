"""What the pipelines need beyond the transforms of mmcv, mmdet and mmseg."""

from mmdet.datasets.transforms import LoadImageFromNDArray

from mmoneformer.datasets.transforms.load_panoptic_map import LoadPanopticMap
from mmoneformer.datasets.transforms.pack_inputs import PackOneFormerInputs
from mmoneformer.datasets.transforms.sample_task import SampleTask
from mmoneformer.registry import TRANSFORMS

# inference_model of mmseg.apis asks for it without a scope
TRANSFORMS.register_module(module=LoadImageFromNDArray)

__all__ = ['LoadImageFromNDArray', 'LoadPanopticMap', 'PackOneFormerInputs', 'SampleTask']
