import torch

from mmoneformer.models.masks.points import MaskPoints


def test_pixels_are_those_of_the_whole(draw_masks, full_size, geometry):
    masks = draw_masks(5)
    rows, columns = (axis.flatten() for axis in torch.meshgrid(*map(torch.arange, geometry.original), indexing='ij'))
    found = MaskPoints(masks, geometry).read(rows, columns)
    torch.testing.assert_close(found.T, full_size(masks).flatten(1), rtol=1e-4, atol=1e-4)


def test_no_pixel(draw_masks, geometry):
    none = torch.zeros(0, dtype=torch.int64)
    assert MaskPoints(draw_masks(5), geometry).read(none, none).shape == (0, 5)
