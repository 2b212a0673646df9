import pytest
from mmcv.transforms import Compose

from mmoneformer.tiling.tiling import InputSize, Tiling

COCO = InputSize((1333, 800))


def sides(tiling, size, input_size=COCO):
    grid = tiling.grid(size, input_size)
    return len(grid), grid.windows[0].size, grid.overlap


def test_tiles_of_a_side():
    assert sides(Tiling(1024, 256), (2000, 1024)) == (3, (1024, 1024), 256)
    assert sides(Tiling(1024), (2000, 1024)) == (3, (1024, 1024), 256), 'a quarter'


@pytest.mark.parametrize(
    ('size', 'expected'),
    [
        ((720, 1280), (1, (720, 1280), 0)),
        ((3000, 4000), (1, (3000, 4000), 0)),
        ((4000, 6000), (70, (800, 800), 200)),
        ((900, 9000), (30, (800, 800), 200)),
    ],
)
def test_auto_cuts_what_would_be_reduced_too_much(size, expected):
    assert sides(Tiling('auto'), size) == expected


def test_auto_without_a_size_of_the_input():
    assert sides(Tiling('auto'), (1024, 4096), InputSize(None)) == (1, (1024, 4096), 0)
    assert sides(Tiling('auto'), (1024, 4097), InputSize(None)) == (6, (1024, 1024), 256)


def test_the_size_of_the_input_is_that_of_the_pipeline():
    resize = dict(type='mmdet.Resize', scale=(1333, 800), keep_ratio=True)
    assert InputSize.of(Compose([resize])) == COCO
    assert (COCO.side, COCO.longest) == (800, 1333)
    assert InputSize.of(Compose([dict(type='mmdet.Resize', scale_factor=2.0)])).scale is None
    assert InputSize.of(Compose([])).side == 1024
    stretched = InputSize((200, 100), keep_ratio=False)
    assert stretched.shrink((400, 400)) == 4


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((0,), 'got 0'),
        (('huge',), "tile must be 'auto' or a number of pixels, got 'huge'"),
        ((100, 60), 'half of the tile of 100 pixels, got 60'),
    ],
)
def test_refuses_senseless_sizes(arguments, message):
    with pytest.raises(ValueError, match=message):
        Tiling(*arguments)


def test_refuses_an_overlap_that_the_chosen_tiles_are_too_small_for():
    with pytest.raises(ValueError, match='half of the tile of 800 pixels, got 500'):
        Tiling('auto', 500).grid((9000, 9000), COCO)
