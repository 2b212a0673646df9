import pytest
import torch

from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.masks.points import MaskPoints
from mmoneformer.models.masks.tiles import MaskTiles

GEOMETRIES = {
    'larger': MaskGeometry((32, 48), (29, 45), (61, 95)),
    'smaller': MaskGeometry((64, 96), (61, 90), (20, 33)),
    'as it is': MaskGeometry((32, 48), (29, 45), (29, 45)),
    'one row': MaskGeometry((32, 64), (1, 64), (1, 70)),
    'mirrored': MaskGeometry((32, 64), (30, 60), (45, 90), (False, True)),
    'upside down': MaskGeometry((32, 64), (30, 60), (30, 60), (True, False)),
}


@pytest.mark.parametrize('geometry', GEOMETRIES.values(), ids=GEOMETRIES)
def test_pixels_are_those_of_tiles(geometry):
    padded, original = geometry.padded, geometry.original
    mask_logits = torch.randn(5, padded[0] // 4, padded[1] // 4, generator=torch.Generator().manual_seed(0))
    expected = torch.empty(5, *original)
    for _, (rows, columns), _, logits in MaskTiles(mask_logits, geometry).read_all():
        expected[:, rows, columns] = logits
    rows, columns = (axis.flatten() for axis in torch.meshgrid(*map(torch.arange, original), indexing='ij'))
    found = MaskPoints(mask_logits, geometry).read(rows, columns)
    torch.testing.assert_close(found.T, expected.flatten(1), rtol=1e-4, atol=1e-5)


def test_no_pixel():
    none = torch.zeros(0, dtype=torch.int64)
    assert MaskPoints(torch.zeros(5, 8, 12), GEOMETRIES['larger']).read(none, none).shape == (0, 5)
