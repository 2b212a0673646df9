import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import PixelData

from mmoneformer.apis.prediction import Prediction

METAINFO = {'classes': ('sky', 'cat'), 'thing_ids': (1,), 'palette': [(70, 130, 180), (220, 20, 60)]}
IMAGE = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


def test_dicts_of_a_sample():
    labels = torch.tensor([[[0, 1, 1], [0, 0, 1]]])
    sample = DetDataSample(pred_sem_seg=PixelData(sem_seg=labels))
    results = Prediction(0, IMAGE, IMAGE, sample).as_dicts(METAINFO, ['semantic'])
    np.testing.assert_array_equal(results['semantic']['label_map'], labels[0])


def test_dicts_that_are_given():
    results = {'semantic': {'label_map': IMAGE[..., 0]}, 'instance': {'labels': []}}
    prediction = Prediction(0, IMAGE, IMAGE, None, results)
    assert prediction.as_dicts(METAINFO, ['instance']) == {'instance': {'labels': []}}


def test_the_image_as_it_is_drawn():
    np.testing.assert_array_equal(Prediction(0, IMAGE, IMAGE, None, {}).in_rgb(), IMAGE[..., [2, 1, 0]], strict=True)
