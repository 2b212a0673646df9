"""Under autocast on CUDA, predictions stay close to those of float32.

Rounding tips points of the attention masks over their threshold: that changes single queries a lot, results little.
"""

import pytest
import torch

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize('device', ['cuda'], indirect=True)
@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16], ids=str)
def test_predictions_are_close(reference, dtype):
    expected_logits, expected_results = reference.logits(), reference.results()
    with torch.autocast('cuda', dtype):
        logits, results = reference.logits(), reference.results()
    for task, (class_logits, mask_logits) in logits.items():
        expected_classes, expected_masks = expected_logits[task]
        classes = (class_logits.softmax(-1) - expected_classes.softmax(-1)).abs().mean().item()
        masks = (mask_logits.sigmoid() - expected_masks.sigmoid()).abs().mean().item()
        print(f'{reference.name} {dtype} {task}: probabilities differ by {classes:.1e} (classes), {masks:.1e} (masks)')
        assert classes < 1e-2
        assert masks < 5e-2
    for found, float32 in zip(results, expected_results, strict=True):
        for key in ('pred_panoptic_seg', 'pred_sem_seg'):
            equal = (found.get(key).sem_seg == float32.get(key).sem_seg).float().mean().item()
            print(f'{reference.name} {dtype} {key}: {equal:.4f} of the pixels equal')
            assert equal > 0.9
