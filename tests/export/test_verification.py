import numpy as np
import pytest
import torch

from mmoneformer.export.description import describe
from mmoneformer.export.network import ExportedNetwork
from mmoneformer.export.verification import TOLERANCES, Comparison, Tolerance, compare
from mmoneformer_deploy.runtimes import open_network


class InTorch:
    """The network itself as a file, whose mask logits may be wrong."""

    def __init__(self, model, wrong=lambda logits: logits):
        self.network, self.wrong, self.description = ExportedNetwork(model), wrong, describe(model)

    def __call__(self, images, tasks):
        class_logits, mask_logits = self.network(torch.from_numpy(images), torch.from_numpy(tasks))
        return class_logits.numpy(), self.wrong(mask_logits.numpy())


def test_the_file(model, onnx_file):
    comparisons = list(compare(open_network(onnx_file), model))
    assert [found[:3] for found in comparisons] == [
        (size, batch, tasks) for size in ((256, 256), (192, 320)) for batch in (1, 2) for tasks in (1, 3)
    ]
    assert TOLERANCES['float32'].accepts(comparisons)
    assert [len(found.differences) for found in comparisons] == 2 * [1, 3, 2, 6]
    assert min(found.magnitude for found in comparisons) > 1


def test_the_pictures_have_several_segments(model):
    """Otherwise equal pixels would mean nothing: all pixels are, where nothing is found."""
    inverted = next(compare(InTorch(model, np.negative), model))
    assert inverted.equal < 0.5
    assert not TOLERANCES['float32'].accepts([inverted])


@pytest.mark.parametrize('error', [0.0, 10.0])
def test_differences(model, error):
    def shifted(logits):
        logits[..., 0, 0] += error
        return logits

    found = next(compare(InTorch(model, shifted), model))
    assert max(found.differences) == pytest.approx(error, abs=1e-3)
    assert TOLERANCES['float32'].accepts([found]) == (error == 0)


@pytest.mark.parametrize(
    ('difference', 'magnitude', 'equal', 'accepted'),
    [(0.1, 0.5, 1.0, True), (0.2, 0.5, 1.0, False), (0.9, 10.0, 0.9, True), (0.9, 10.0, 0.89, False)],
)
def test_tolerance(difference, magnitude, equal, accepted):
    found = Comparison((64, 96), 1, 1, (difference,), magnitude, equal)
    assert Tolerance(difference=0.1, equal=0.9).accepts([found]) == accepted


def test_a_query_that_looks_at_another_pixel():
    """A few tasks of images may differ, and no more."""
    right, wrong = (Comparison((64, 96), 1, 1, (difference,), 1.0, 1.0) for difference in (0.0, 1.0))
    tolerance = Tolerance(difference=0.1, equal=0.9)
    assert tolerance.accepts([right, right, right, wrong])
    assert not tolerance.accepts([right, right, wrong])


def test_report():
    found = Comparison((64, 96), 2, 1, (0.0001, 0.00123), 25.5, 0.99987)
    assert str(found) == (
        '64 x 96 pixels, batch of 2, 1 task: logits differ by at most 1.2e-03 of 25.5, '
        '99.99% of panoptic pixels are equal'
    )
