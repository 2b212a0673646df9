import numpy as np
import pytest
from mmengine.dataset import Compose

from mmoneformer.models.masks.geometry import MaskGeometry

RESIZE = dict(type='mmdet.Resize', scale=(100, 60), keep_ratio=True)  # of 30 x 40 pixels
PADS = {
    'mmdet.Pad': [RESIZE, dict(type='mmdet.Pad', size=(128, 128))],
    'mmcv.Pad': [RESIZE, dict(type='Pad', size_divisor=32)],
    'FixShapeResize': [dict(type='mmdet.FixShapeResize', width=100, height=60, keep_ratio=True)],
    'padded before': [dict(type='mmdet.Pad', size=(60, 60)), dict(type='mmdet.Resize', scale=(120, 120))],
}


def geometry_after(steps):
    image = np.zeros((30, 40, 3), np.uint8)
    sample = dict(img=image, img_shape=(30, 40), ori_shape=(30, 40), img_path='a.png')
    packed = Compose([*steps, dict(type='PackOneFormerInputs')])(sample)
    return MaskGeometry.of(packed['data_samples'], packed['inputs'][None])


@pytest.mark.parametrize('steps', PADS.values(), ids=PADS)
def test_padding_of_the_pipeline_is_not_the_image(steps):
    geometry = geometry_after(steps)
    assert geometry.image == (60, 80) != geometry.padded
    assert geometry.original == (30, 40)


def test_all_resizes_count():
    steps = [RESIZE, dict(type='mmseg.ResizeToMultiple', size_divisor=64)]
    assert geometry_after(steps).image == geometry_after(steps).padded == (64, 128)
    assert geometry_after([RESIZE, RESIZE | dict(scale=(160, 120))]).image == (120, 160)


@pytest.mark.parametrize(
    ('direction', 'flipped'), [('horizontal', (False, True)), ('vertical', (True, False)), ('diagonal', (True, True))]
)
def test_flips_are_known(direction, flipped):
    flip = dict(type='mmdet.RandomFlip', prob=1.0, direction=direction)
    assert geometry_after([RESIZE, flip]).flipped == flipped
    with pytest.raises(ValueError, match=rf'a.png: .* padded from \(60, 80\) .* flipped \({direction}\)'):
        geometry_after([*PADS['mmdet.Pad'], flip])


def test_a_crop_is_refused():
    with pytest.raises(ValueError, match=r'a.png: .* scaled to \(60, 80\) and then cut to \(50, 70\)'):
        geometry_after([RESIZE, dict(type='CenterCrop', crop_size=(70, 50))])
