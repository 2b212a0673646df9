import pytest
import torch

from mmoneformer.models.layers.dropout import Dropout


def test_drops_in_training_only_and_keeps_the_mean():
    torch.manual_seed(0)
    dropout, inputs = Dropout(0.1), torch.ones(500, 1000)
    outputs = dropout(inputs)
    dropped = outputs == 0
    assert dropped.float().mean() == pytest.approx(0.1, abs=3 * (0.1 * 0.9 / inputs.numel()) ** 0.5)
    torch.testing.assert_close(outputs[~dropped], torch.full_like(outputs[~dropped], 1 / 0.9))
    assert (inputs == 1).all()
    assert torch.equal(dropout.eval()(inputs), inputs)


@pytest.mark.parametrize('probability', [-0.1, 1.0, 2])
def test_impossible_probability(probability):
    with pytest.raises(ValueError, match=str(probability)):
        Dropout(probability)
