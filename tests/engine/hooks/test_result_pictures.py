from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import PixelData

from mmoneformer.engine.hooks import ResultPicturesHook
from mmoneformer.metainfo import resolve_metainfo

MODEL = SimpleNamespace(
    dataset_meta=resolve_metainfo(dict(classes=('sky', 'sea'), thing_ids=(), palette=[(255, 0, 0), (0, 0, 255)])),
    test_cfg=SimpleNamespace(tasks=('semantic',)),
)


@pytest.fixture
def sample(tmp_path):
    path = tmp_path / 'image.png'
    cv2.imwrite(str(path), np.full((40, 60, 3), 128, np.uint8))
    labels = torch.zeros(1, 40, 60, dtype=torch.long)
    labels[:, 20:] = 1
    sample = DetDataSample(metainfo=dict(img_id=7, img_path=str(path)))
    sample.pred_sem_seg = PixelData(sem_seg=labels, data=labels)
    return sample


@pytest.mark.parametrize('model', [MODEL, SimpleNamespace(module=MODEL)])
def test_draws_each_image_of_a_batch(sample, tmp_path, model):
    hook = ResultPicturesHook(str(tmp_path / 'out'))
    runner = SimpleNamespace(model=model)
    hook.before_test(runner)
    hook.after_test_iter(runner, 0, None, [sample])
    picture = cv2.imread(str(tmp_path / 'out' / '7.png')).astype(int)
    height, width = picture.shape[:2]
    right = picture[:, width // 2 :]
    redder = (right[..., 2] - right[..., 0] > 50).nonzero()[0]
    bluer = (right[..., 0] - right[..., 2] > 50).nonzero()[0]
    assert len(redder) > 500
    assert len(bluer) > 500
    assert redder.mean() < bluer.mean()  # sky above sea, in the colors of the palette


def test_an_image_that_is_gone(sample, tmp_path):
    hook = ResultPicturesHook(str(tmp_path))
    sample.set_metainfo(dict(img_path='gone.jpg'))
    with pytest.raises(OSError, match=r'gone\.jpg'):
        hook.after_test_iter(SimpleNamespace(model=MODEL), 0, None, [sample])
