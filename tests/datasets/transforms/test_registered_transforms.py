"""Every registered transform of mmcv, mmdet and mmseg: image and id map stay together, or a message says why not.

The scene has a color for each value of its map, so that the map can be told from the image, whatever happened to it.
"""

import random
import re

import cv2
import mmdet.datasets.transforms  # noqa: F401
import mmseg.datasets.transforms  # noqa: F401
import numpy as np
import pytest
from mmdet.registry import TRANSFORMS as OF_MMDET
from mmengine.dataset import Compose
from mmengine.registry import TRANSFORMS as OF_MMCV
from mmseg.registry import TRANSFORMS as OF_MMSEG
from PIL import Image
from pycocotools import mask as coco_mask

from mmoneformer.datasets.pipeline_checks import check_pipeline
from mmoneformer.datasets.transforms import LoadInstanceMap, LoadPanopticMap, LoadSemanticMap, SampleTask
from mmoneformer.registry import TRANSFORMS
from mmoneformer.structures import SegmentMap

REGISTRIES = {'mmcv': OF_MMCV, 'mmdet': OF_MMDET, 'mmseg': OF_MMSEG}
HEIGHT, WIDTH, CELL = 120, 160, 8
FLIP = dict(type='mmdet.RandomFlip', prob=1.0)
CROP = dict(type='mmseg.RandomCrop', crop_size=(64, 80))
SCALE = dict(scale=(110, 90), keep_ratio=True)

CONSISTENT = {  # with what they cannot do without; everything else is as by default
    'mmcv.CenterCrop': [dict(crop_size=(100, 80)), dict(crop_size=(200, 140), auto_pad=True)],
    'mmcv.Compose': [dict(transforms=[FLIP, CROP])],
    'mmcv.KeyMapper': [dict(transforms=[FLIP, CROP])],
    'mmcv.Pad': [dict(size=(200, 150)), dict(size_divisor=64), dict(pad_to_square=True, pad_val=114)],
    'mmcv.RandomApply': [dict(transforms=[FLIP, CROP])],
    'mmcv.RandomChoice': [dict(transforms=[[FLIP], [CROP]])],
    'mmcv.RandomChoiceResize': [dict(scales=[(110, 90)])],
    'mmcv.RandomFlip': [dict(prob=1.0), dict(prob=1.0, direction='diagonal')],
    'mmcv.RandomResize': [dict(scale=(110, 90), ratio_range=(0.6, 1.8))],
    'mmcv.Resize': [dict(scale=(110, 90)), SCALE],
    'mmdet.Expand': [dict(seg_ignore_label=255, prob=1.0)],
    'mmdet.FixScaleResize': [dict(scale=(110, 90))],
    'mmdet.FixShapeResize': [dict(width=140, height=140), dict(width=140, height=140, keep_ratio=True)],
    'mmdet.GeomTransform': [{}],
    'mmdet.Pad': [dict(size=(200, 150)), dict(size_divisor=64)],
    'mmdet.RandomCrop': [dict(crop_size=(80, 64)), dict(crop_size=(0.5, 0.7), crop_type='relative_range')],
    'mmdet.RandomErasing': [dict(n_patches=3, ratio=0.3)],
    'mmdet.RandomFlip': [dict(prob=1.0), dict(prob=1.0, direction='vertical')],
    'mmdet.RandomFlip_GLIP': [dict(prob=1.0)],
    'mmdet.RandomOrder': [dict(transforms=[FLIP, CROP])],
    'mmdet.Resize': [dict(scale=(110, 90)), SCALE],
    'mmdet.ResizeShortestEdge': [dict(scale=90, max_size=130)],
    'mmdet.Rotate': [{}],
    'mmdet.ShearX': [{}],
    'mmdet.ShearY': [{}],
    'mmdet.TranslateX': [{}],
    'mmdet.TranslateY': [{}],
    'mmseg.RandomCrop': [dict(crop_size=(64, 80)), dict(crop_size=(64, 80), cat_max_ratio=0.75)],
    'mmseg.RandomCutOut': [dict(prob=1.0, n_holes=3, cutout_shape=(30, 20), seg_fill_in=255)],
    'mmseg.RandomFlip': [dict(prob=1.0), dict(prob=1.0, direction='vertical')],
    'mmseg.RandomRotFlip': [dict(rotate_prob=0, flip_prob=1)],
    'mmseg.RandomRotate': [dict(prob=1.0, degree=40), dict(prob=1.0, degree=40, auto_bound=True)],
    'mmseg.Resize': [dict(scale=(110, 90)), SCALE],
    'mmseg.ResizeShortestEdge': [dict(scale=90, max_size=130)],
    'mmseg.ResizeToMultiple': [{}],
}
IMAGE_ONLY = {
    **dict.fromkeys(
        (
            *('mmdet.AutoContrast', 'mmdet.Brightness', 'mmdet.Color', 'mmdet.ColorTransform', 'mmdet.Contrast'),
            *('mmdet.Equalize', 'mmdet.Invert', 'mmdet.PhotoMetricDistortion', 'mmdet.Posterize', 'mmdet.Sharpness'),
            *('mmdet.Solarize', 'mmdet.SolarizeAdd', 'mmdet.YOLOXHSVRandomAug', 'mmdet.SegRescale'),
            *('mmseg.CLAHE', 'mmseg.GenerateEdge', 'mmseg.PhotoMetricDistortion', 'mmseg.RGB2Gray', 'mmseg.Rerange'),
            *('mmcv.RandomGrayscale', 'mmseg.AdjustGamma', 'mmseg.SegRescale', 'mmseg.BioMedicalGaussianNoise'),
        ),
        {},
    ),
    'mmcv.Normalize': dict(mean=[9, 9, 9], std=[2, 2, 2]),
    'mmdet.CutOut': dict(n_holes=3, cutout_shape=(9, 9)),
    'mmseg.BioMedicalRandomGamma': dict(prob=1.0),
}
EITHER = ('mmdet.AutoAugment', 'mmdet.RandAugment')  # draw geometric and photometric ones
ALBU = dict(transforms=[])
CENTER_CROP = dict(crop_size=(64, 64), mean=[0] * 3, std=[1] * 3, to_rgb=False, test_pad_mode=None)
REFUSED = {  # with their defaults; what the message recommends instead
    'mmcv.LoadAnnotations': (dict(with_seg=True), 'LoadSegments'),
    'mmcv.MultiScaleFlipAug': (dict(transforms=[FLIP], scale_factor=1.0), 'RandomResize'),
    'mmcv.TestTimeAug': (dict(transforms=[[FLIP], [CROP]]), 'RandomResize'),
    'mmdet.Albu': (ALBU, "gt_seg_map='mask'"),
    'mmdet.CachedMixUp': ({}, 'PanopticMosaic'),
    'mmdet.CachedMosaic': ({}, 'PanopticMosaic'),
    'mmdet.CopyPaste': ({}, 'PanopticCopyPaste'),
    'mmdet.Expand': ({}, 'seg_ignore_label=255'),
    'mmdet.FixScaleResize': (SCALE, 'mmdet.Resize'),
    'mmdet.LoadAnnotations': (dict(with_seg=True), 'LoadSegments'),
    'mmdet.LoadEmptyAnnotations': (dict(with_seg=True), 'LoadSegments'),
    'mmdet.MinIoURandomCrop': ({}, 'mmdet.RandomCrop'),
    'mmdet.MixUp': ({}, 'PanopticMosaic'),
    'mmdet.Mosaic': ({}, 'PanopticMosaic'),
    'mmdet.MultiBranch': (dict(branch_field=['sup'], sup=[FLIP]), 'one branch'),
    'mmdet.PackDetInputs': ({}, 'PackOneFormerInputs'),
    'mmdet.PackReIDInputs': ({}, 'PackOneFormerInputs'),
    'mmdet.PackTrackInputs': ({}, 'PackOneFormerInputs'),
    'mmdet.RandomAffine': ({}, 'mmdet.RandomCrop'),
    'mmdet.RandomCenterCropPad': (CENTER_CROP, 'mmdet.RandomCrop'),
    'mmdet.RandomShift': ({}, 'mmdet.RandomCrop'),
    'mmdet.SegRescale': (dict(scale_factor=0.5), 'leave it out'),
    'mmdet.Transpose': (dict(keys=['img'], order=(1, 0, 2)), 'leave it out'),
    'mmdet.WrapFieldsToLists': ({}, 'RandomResize'),
    'mmseg.BioMedical3DPad': (dict(pad_shape=(1, 200, 200)), 'mmdet'),
    'mmseg.BioMedical3DRandomCrop': (dict(crop_shape=(1, 64, 64)), 'mmdet'),
    'mmseg.BioMedical3DRandomFlip': (dict(prob=1.0, axes=(1, 2)), 'mmdet'),
    'mmseg.LoadAnnotations': ({}, 'LoadSegments'),
    'mmseg.LoadBiomedicalAnnotation': ({}, 'LoadSegments'),
    'mmseg.PackSegInputs': ({}, 'PackOneFormerInputs'),
    'mmseg.RandomMosaic': (dict(prob=1.0), 'PanopticMosaic'),
    'mmseg.RandomRotFlip': ({}, 'rotate_prob=0'),
    'mmseg.SegRescale': (dict(scale_factor=0.5), 'leave it out'),
}
OF_OTHER_DATA = {  # films, volumes, depths, texts, pairs, proposals, tensors; and what loads images
    *('mmcv.ImageToTensor', 'mmcv.LoadImageFromFile', 'mmcv.ToTensor', 'mmcv.TransformBroadcaster'),
    *('mmdet.BaseFrameSample', 'mmdet.FilterAnnotations', 'mmdet.GTBoxSubOne_GLIP', 'mmdet.ImageToTensor'),
    *('mmdet.InferencerLoader', 'mmdet.LoadImageFromNDArray', 'mmdet.LoadMultiChannelImageFromFiles'),
    *('mmdet.LoadProposals', 'mmdet.LoadTextAnnotations', 'mmdet.LoadTrackAnnotations', 'mmdet.ProposalBroadcaster'),
    *('mmdet.RandomSamplingNegPos', 'mmdet.ToTensor', 'mmdet.UniformRefFrameSample'),
    *('mmseg.BioMedicalGaussianBlur', 'mmseg.ConcatCDInput', 'mmseg.InferencerLoader'),
    *('mmseg.LoadBiomedicalData', 'mmseg.LoadBiomedicalImageFromFile', 'mmseg.LoadDepthAnnotation'),
    *('mmseg.LoadImageFromNDArray', 'mmseg.LoadMultipleRSImageFromFile', 'mmseg.LoadSingleRSImageFromFile'),
    'mmseg.RandomDepthMix',
}
NEED_OTHER_PACKAGES = {'mmdet.Corrupt', 'mmdet.InstaBoost', 'mmdet.LoadPanopticAnnotations', 'mmseg.Albu'}


@pytest.fixture(scope='module')
def scenes(tmp_path_factory):
    """A sample of each annotation: 285 panoptic segments, 40 instances of which many overlap, and 7 classes."""
    folder = tmp_path_factory.mktemp('scenes')
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] // CELL
    common = {'img_path': 'a.png', 'img_id': 1, 'ori_shape': (HEIGHT, WIDTH), 'img_shape': (HEIGHT, WIDTH)}
    common |= {'classes': ('thing',), 'thing_ids': (0,), 'tasks': ('instance',)}
    ids = rows * 20 + columns
    ids[ids < 15] = 0
    cv2.imwrite(str(folder / 'ids.png'), np.stack([0 * ids, ids >> 8, ids & 255], -1).astype(np.uint8))
    segments = [{'id': int(number), 'label': 0, 'iscrowd': 0} for number in np.unique(ids)[1:]]
    panoptic = LoadPanopticMap()(common | {'seg_map_path': str(folder / 'ids.png'), 'segments': segments})

    masks = [(rows // 2 == number % 8) & (columns >= number // 8 * 3) for number in range(40)]
    codes = [{'mask': coco_mask.encode(np.asfortranarray(mask, np.uint8))} for mask in masks]
    instance = LoadInstanceMap()(common | {'instances': codes, 'segments': [segments[0]] * 40})
    Image.fromarray(np.where(columns < 2, 255, (rows + columns) % 7).astype(np.uint8)).save(folder / 'labels.png')
    semantic = LoadSemanticMap()(
        common
        | {'seg_map_path': str(folder / 'labels.png'), 'segments': [segments[0]] * 7, 'annotation': 'semantic'}
        | {'reduce_zero_label': False, 'label_map': None, 'seg_fields': [], 'ignore_index': 255}
    )
    return {'panoptic': panoptic, 'instance': instance, 'semantic': semantic}


def sample_of(scene):
    """A copy with the image: blue and green tell the value, red is 60 where a segment is."""
    ids = scene['gt_seg_map'].astype(int)
    image = np.stack([30 + 11 * (ids % 20), 30 + 10 * (ids // 20), np.where(ids, 60, 230)], -1).astype(np.uint8)
    return {**scene, 'img': image, 'gt_seg_map': scene['gt_seg_map'].copy()}


def members_of(sample):
    """The segments of each pixel, as a number per combination: void is 0."""
    return SegmentMap.of_sample(sample).ids


def told_by_the_image(image, scene):
    """The value of each pixel inside of areas of one color, and -1 elsewhere."""
    values = np.unique(scene['gt_seg_map'])
    plain = sample_of({**scene, 'gt_seg_map': values[None]})
    numbers, found = SegmentMap.of_sample({**scene, 'gt_seg_map': values[None]}).ids[0], plain['img'][0].astype(int)
    codes = image.astype(int) @ [1 << 16, 1 << 8, 1]
    order = np.argsort(colors := found @ [1 << 16, 1 << 8, 1])
    place = order[np.searchsorted(colors, codes, sorter=order).clip(max=len(order) - 1)]
    told = np.where(colors[place] == codes, numbers[place].astype(int), 0)  # any other color is a fill, or between two
    kernel = np.ones((3, 3), np.uint8)
    flat = [cv2.dilate(image[..., n], kernel) == cv2.erode(image[..., n], kernel) for n in range(3)]
    return np.where(np.all(flat, axis=0), told, -1)


def apply(transform, sample, seed):
    random.seed(seed)
    np.random.seed(seed)
    return transform(sample)


def checked(name, arguments):
    """A built transform, if a pipeline with it is not refused."""
    kind = name.removeprefix('mmcv.')
    pipeline = Compose([TRANSFORMS.build(dict(type=kind, **arguments))])
    check_pipeline(pipeline, source='data', test_mode=False)
    return pipeline


def test_all_registered_transforms_are_listed():
    registered = {f'{scope}.{name}' for scope, registry in REGISTRIES.items() for name in registry.module_dict}
    groups = (CONSISTENT, IMAGE_ONLY, EITHER, REFUSED, OF_OTHER_DATA, NEED_OTHER_PACKAGES)
    assert registered == {name for group in groups for name in group}


@pytest.mark.parametrize('name', CONSISTENT)
def test_image_and_map_stay_together(scenes, name):
    for arguments in CONSISTENT[name]:
        transform = checked(name, arguments)
        for kind, scene in scenes.items():
            for seed in range(2):
                results = apply(transform, sample_of(scene), seed)
                told = told_by_the_image(results['img'], scene)
                assert (told >= 0).mean() > 0.05, kind
                np.testing.assert_array_equal(members_of(results)[told >= 0], told[told >= 0], f'{kind} {arguments}')
                SampleTask()(results)


@pytest.mark.parametrize('name', IMAGE_ONLY)
def test_only_the_image_changes(scenes, name):
    transform = checked(name, IMAGE_ONLY[name])
    for scene in scenes.values():
        results = apply(transform, sample_of(scene), 0)
        np.testing.assert_array_equal(results['gt_seg_map'], scene['gt_seg_map'])
        assert results['img'].shape[:2] == (HEIGHT, WIDTH)


@pytest.mark.parametrize('name', EITHER)
def test_drawn_policies(scenes, name):
    transform = checked(name, {})
    for seed in range(8):
        SampleTask()(apply(transform, sample_of(scenes['panoptic']), seed))


@pytest.mark.parametrize('name', REFUSED)
def test_refused_by_name(name, monkeypatch):
    arguments, remedy = REFUSED[name]
    monkeypatch.setattr('mmdet.datasets.transforms.transforms.Compose', lambda *args, **kwargs: None, raising=False)
    with pytest.raises(ValueError, match=rf'^{name}.* in the pipeline of data .*{re.escape(remedy)}'):
        checked(name, arguments)


@pytest.mark.parametrize('name', sorted(OF_OTHER_DATA))
def test_transforms_of_other_data_leave_the_map(scenes, name):
    """They fail for want of their keys, or do nothing to image and map."""
    sample = sample_of(scenes['panoptic'])
    try:
        results = apply(checked(name, {}), dict(sample), 0)
    except Exception:
        return
    np.testing.assert_array_equal(results['gt_seg_map'], sample['gt_seg_map'])
    np.testing.assert_array_equal(results['img'], sample['img'])
