import numpy as np
from rasterio.features import rasterize
from rasterio.transform import from_origin

from mmoneformer.rasters.polygons import outline_of_mask, outlines_of_map
from mmoneformer_deploy.run_lengths import encode_edges, find_edges

TRANSFORM = from_origin(1000, 2000, 2, 0.5)
NUMBERS = np.random.default_rng(0).integers(0, 4, (9, 13)).astype(np.uint32)


def pixels(outline):
    return rasterize([outline], NUMBERS.shape, transform=TRANSFORM).astype(bool)


def test_outlines_contain_their_pixels():
    outlines = outlines_of_map(NUMBERS, TRANSFORM)
    assert list(outlines) == [1, 2, 3]
    for number, outline in outlines.items():
        assert outline.is_valid
        assert outline.area == (number == NUMBERS).sum()
        np.testing.assert_array_equal(pixels(outline), number == NUMBERS)


def test_the_outline_of_a_mask():
    mask = NUMBERS == 1
    mask[:, :3] = mask[:2] = False
    rows, columns = np.nonzero(mask)
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    outline = outline_of_mask(encode_edges(find_edges(mask.T), mask.shape), box, TRANSFORM)
    np.testing.assert_array_equal(pixels(outline), mask)
