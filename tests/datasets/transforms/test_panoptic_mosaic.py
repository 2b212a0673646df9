import numpy as np
import pytest

from mmoneformer.datasets.transforms import PanopticMosaic

KINDS = ('panoptic', 'instance', 'semantic')
SIZE, PADDING = (48, 64), 255

SCALE = SIZE[::-1]  # the images keep their size


@pytest.mark.parametrize('kind', KINDS)
def test_four_images(mixing, kind):
    dataset = mixing.Scenes(kind, PanopticMosaic(img_scale=SCALE, pad_val=PADDING))
    seen = set()
    for _ in range(4):
        results = dataset.load(0)
        assert results['img_shape'] == (2 * SIZE[0], 2 * SIZE[1])
        seen |= mixing.check(kind, results)
    assert len(seen) >= 4
    if kind == 'panoptic':
        assert len(results['segments']) > 256
        assert 255 not in results['gt_seg_map']


def test_the_center_is_random_and_the_first_image_at_the_top_left(mixing):
    dataset = mixing.Scenes(
        'panoptic', PanopticMosaic(img_scale=SCALE, center_ratio_range=(0.75, 1.0), pad_val=PADDING)
    )
    for _ in range(5):
        image = dataset.load(2)['img']
        own = image[..., 0] == 2
        assert own[: SIZE[0] * 3 // 4 - 1, : SIZE[1] * 3 // 4 - 1].all()
    centered = mixing.Scenes('panoptic', PanopticMosaic(img_scale=SCALE, center_ratio_range=(1, 1))).load(2)
    np.testing.assert_array_equal(
        centered['img'][: SIZE[0], : SIZE[1], 1] > 0, centered['gt_seg_map'][: SIZE[0], : SIZE[1]] > 0
    )


@pytest.mark.parametrize('scale', [(32, 32), (100, 150)])
def test_images_are_resized_with_their_maps(mixing, scale):
    """Colors of the number of an image and of void survive a linear interpolation inside of its cells."""
    results = mixing.Scenes(
        'semantic', PanopticMosaic(img_scale=scale, center_ratio_range=(1, 1), pad_val=PADDING)
    ).load(0)
    width, height = scale
    ratio = min(height / SIZE[0], width / SIZE[1])
    rows, columns = round(SIZE[0] * ratio), round(SIZE[1] * ratio)
    is_padding = results['img'][..., 2] == PADDING
    assert (~is_padding).sum() == 4 * rows * columns
    assert not is_padding[height - rows : height + rows, width - columns : width + columns].any()
    ids = results['gt_seg_map']
    assert not ids[is_padding].any()
    inner = np.s_[height - rows : height, width - columns : width]  # the first image
    flat = (results['img'][inner][..., 1] % 1 == 0) & (results['img'][inner][..., 1] == 0)
    assert (ids[inner][flat] == 0).mean() > 0.9


@pytest.mark.parametrize(
    'arguments', [dict(img_scale=(0, 9)), dict(center_ratio_range=(1.5, 0.5)), dict(center_ratio_range=(-1, 1))]
)
def test_impossible_arguments(arguments):
    with pytest.raises(ValueError, match='img_scale must be at least'):
        PanopticMosaic(**arguments)
