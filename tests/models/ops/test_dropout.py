import pytest
import torch
import torch.nn.functional as F

from mmoneformer.models.ops.dropout import Dropout, DropoutMask, dropout, relu_dropout


def test_gradient_is_dropped_as_the_inputs():
    inputs = torch.randn(7, 11)
    inputs[0] = 0  # zeros need not have been dropped
    inputs.requires_grad_()
    torch.manual_seed(0)
    dropout(inputs, 0.25).sum().backward()
    torch.manual_seed(0)
    torch.testing.assert_close(inputs.grad, dropout(torch.ones(7, 11), 0.25))


def test_seed_of_torch_determines_the_masks():
    results = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        results.append([dropout(torch.ones(100), 0.5) for _ in range(2)])
    (first, second), (again, _), (other, _) = results
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize('probability', [0.0, 2**-15, 0.37, 0.99999])
def test_share_of_dropped_elements(probability):
    """At both ends of 16 bits, and with a count that does not fill a random word."""
    kept = DropoutMask(probability, seed=3).draw(torch.Size((1001, 1001)))
    deviation = 5 * (probability * (1 - probability) / kept.numel()) ** 0.5 + 2**-17
    assert kept.double().mean().item() == pytest.approx(1 - probability, abs=deviation)
    assert set(kept.unique().tolist()) <= {0, 1}


def test_neighbors_are_independent():
    kept = DropoutMask(0.5, seed=0).draw(torch.Size((200_000,))) - 0.5
    for distance in (1, 2, 3, 4, 7):
        assert abs((kept[distance:] * kept[:-distance]).mean()) < 0.002


def test_half_precision_stays():
    assert dropout(torch.ones(10, dtype=torch.bfloat16), 0.5).dtype == torch.bfloat16


@pytest.mark.gpu
def test_on_cuda():
    outputs = dropout(torch.ones(1000, 1000, device='cuda'), 0.1)
    assert (outputs == 0).float().mean().item() == pytest.approx(0.1, abs=0.01)


def test_fused_relu_and_dropout_equal_the_two():
    results = []
    for function in (lambda hidden: relu_dropout(hidden + 0, 0.3), lambda hidden: dropout(F.relu(hidden), 0.3)):
        inputs = torch.linspace(-2, 3, 60).reshape(4, 15).requires_grad_()
        torch.manual_seed(0)
        outputs = function(inputs)
        (outputs**2).sum().backward()
        results.append((outputs.detach(), inputs.grad))
    for ours, plain in zip(*results, strict=True):
        torch.testing.assert_close(ours, plain)
    assert (results[0][1] == 0).any()
    assert (results[0][1] != 0).any()


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
