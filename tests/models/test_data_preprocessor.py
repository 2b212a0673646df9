import pytest
import torch
from mmdet.models import DetDataPreprocessor
from mmdet.structures import DetDataSample

from mmoneformer.models.data_preprocessor import OneFormerDataPreprocessor

SETTINGS = dict(mean=[1.0, 2, 3], std=[4.0, 5, 6], bgr_to_rgb=True, pad_size_divisor=32, pad_value=7)
IMAGES = [torch.randint(0, 255, (3, 40, 64), dtype=torch.uint8), torch.randint(0, 255, (3, 33, 31), dtype=torch.uint8)]


@pytest.mark.parametrize('images', [IMAGES, torch.stack(IMAGES[:1])], ids=['list', 'batch'])
def test_batches_equal_those_of_mmdet(images):
    found = []
    for kind in (OneFormerDataPreprocessor, DetDataPreprocessor):
        samples = [DetDataSample() for _ in images]
        found.append(kind(**SETTINGS)({'inputs': images, 'data_samples': samples}))
    ours, theirs = found
    torch.testing.assert_close(ours['inputs'], theirs['inputs'], rtol=0, atol=0)
    assert [sample.metainfo for sample in ours['data_samples']] == [s.metainfo for s in theirs['data_samples']]
    assert ours['data_samples'][-1].pad_shape == ((64, 32) if len(images) == 2 else (64, 64))


def test_data_samples_may_be_missing():
    batch = OneFormerDataPreprocessor(**SETTINGS)({'inputs': IMAGES})
    assert batch['data_samples'] is None
    assert batch['inputs'].shape == (2, 3, 64, 64)
