import numpy as np
import torch
from mmdet.structures import DetDataSample

from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.task_results import POST_PROCESS, ImageLogits, InferenceConfig
from mmoneformer.results.as_dict import as_dict
from mmoneformer.results.as_sample import ADD_RESULT, add_results

CLASSES = {
    'classes': ('sky', 'cat', 'road', 'car'),
    'thing_ids': (1, 3),
    'palette': [(70, 130, 180), (220, 20, 60), (128, 64, 128), (0, 0, 142)],
}


def test_there_and_back():
    """The fields that the model adds, made of their dicts."""
    torch.manual_seed(0)
    logits = ImageLogits(6 * torch.randn(9, 5), 5 * torch.randn(9, 8, 12), MaskGeometry((32, 48), (32, 48), (25, 40)))
    config = InferenceConfig(object_mask_thr=0.2, overlap_thr=0.1, max_per_image=9)
    expected, found = (DetDataSample(metainfo={'ori_shape': (25, 40)}) for _ in range(2))
    for task in ADD_RESULT:
        POST_PROCESS[task](expected, logits, torch.tensor([False, True, False, True]), config)
    add_results(found, as_dict(expected, CLASSES, list(ADD_RESULT)), CLASSES)
    np.testing.assert_array_equal(found.pred_sem_seg.sem_seg, expected.pred_sem_seg.sem_seg)
    np.testing.assert_array_equal(found.pred_instances.masks, expected.pred_instances.masks)
    np.testing.assert_allclose(found.pred_instances.bboxes, expected.pred_instances.bboxes)
    np.testing.assert_allclose(found.pred_segments.scores, expected.pred_segments.scores)
    np.testing.assert_array_equal(found.pred_segments.ids, expected.pred_segments.ids)
    np.testing.assert_array_equal(found.pred_panoptic_seg.sem_seg, expected.pred_panoptic_seg.sem_seg)
    assert len(found.pred_segments.ids) > 2
    assert len(found.pred_instances.labels) > 2
