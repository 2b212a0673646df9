import pytest
import torch

from mmoneformer.models.layers.dropout import Dropout, DropoutMask


def test_drops_in_training_only_and_keeps_the_mean():
    torch.manual_seed(0)
    dropout, inputs = Dropout(0.1), torch.ones(500, 1000)
    outputs = dropout(inputs)
    dropped = outputs == 0
    assert dropped.float().mean() == pytest.approx(0.1, abs=3 * (0.1 * 0.9 / inputs.numel()) ** 0.5)
    torch.testing.assert_close(outputs[~dropped], torch.full_like(outputs[~dropped], 1 / 0.9))
    assert (inputs == 1).all()
    assert torch.equal(dropout.eval()(inputs), inputs)


def test_gradient_is_that_of_what_was_kept():
    inputs = torch.randn(7, 11)
    inputs[0] = 0  # as numbers, no sign of having been dropped
    inputs.requires_grad_()
    torch.manual_seed(0)
    Dropout(0.25)(inputs).sum().backward()
    torch.manual_seed(0)
    torch.testing.assert_close(inputs.grad, Dropout(0.25)(torch.ones(7, 11)))


def test_the_seed_of_torch_governs():
    results = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        results.append([Dropout(0.5)(torch.ones(100)) for _ in range(2)])
    (first, second), (again, _), (other, _) = results
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize('probability', [0.0, 2**-15, 0.37, 0.99999])
def test_share_of_dropped_ones(probability):
    """Also at the ends of 16 bits, and where the count does not fill a word."""
    kept = DropoutMask(probability, seed=3).draw(torch.Size((1001, 1001)))
    deviation = 5 * (probability * (1 - probability) / kept.numel()) ** 0.5 + 2**-17
    assert kept.double().mean().item() == pytest.approx(1 - probability, abs=deviation)
    assert set(kept.unique().tolist()) <= {0, 1}


def test_neighbors_are_independent():
    kept = DropoutMask(0.5, seed=0).draw(torch.Size((200_000,))) - 0.5
    for distance in (1, 2, 3, 4, 7):
        assert abs((kept[distance:] * kept[:-distance]).mean()) < 0.002


def test_half_precision_stays():
    assert Dropout(0.5)(torch.ones(10, dtype=torch.bfloat16)).dtype == torch.bfloat16


@pytest.mark.parametrize('probability', [-0.1, 1.0, 2])
def test_impossible_probability(probability):
    with pytest.raises(ValueError, match=str(probability)):
        Dropout(probability)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_on_cuda():
    outputs = Dropout(0.1)(torch.ones(1000, 1000, device='cuda'))
    assert (outputs == 0).float().mean().item() == pytest.approx(0.1, abs=0.01)
