"""Under autocast on CUDA, features and queries stay close to those of float32.

Not compared are masks: these models have random weights, and rounding tips points of their attention masks over the
threshold, which changes queries altogether.
"""

import pytest
import torch

from mmoneformer.tasks import TASKS

pytestmark = pytest.mark.gpu


@torch.no_grad()
@pytest.mark.parametrize('device', ['cuda'], indirect=True)
@pytest.mark.parametrize(('dtype', 'bound'), [(torch.bfloat16, 0.06), (torch.float16, 0.01)], ids=str)
def test_features_and_queries_are_close(reference, dtype, bound):
    head = reference.model.panoptic_head

    def compute():
        features = reference.model.backbone(reference.inputs)
        output = head(features, [list(TASKS)] * 2)
        return [*features, output.mask_features, output.initial_queries]

    expected = compute()
    with torch.autocast('cuda', dtype):
        found = compute()
    pairs = zip(found, expected, strict=True)
    errors = [((ours.float() - float32).norm() / float32.norm()).item() for ours, float32 in pairs]
    print(reference.name, dtype, [f'{error:.1e}' for error in errors])
    assert max(errors) < bound
