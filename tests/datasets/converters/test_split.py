import pytest

import mmoneformer  # noqa: F401  (before mmdet)
from mmoneformer.datasets.converters import ade20k, cityscapes, coco, mapillary


@pytest.mark.parametrize(
    ('converter', 'train', 'val'),
    [(ade20k, 20210, 2000), (cityscapes, 2975, 500), (coco, 118287, 5000), (mapillary, 18000, 2000)],
)
def test_published_sizes(converter, train, val):
    assert {split.name: split.images for split in converter.SPLITS} == {'train': train, 'val': val}
