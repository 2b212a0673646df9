import pytest
import torch

from mmoneformer.models.layers.attention import MultiHeadAttention


@pytest.fixture
def attention():
    attention = MultiHeadAttention(24, num_heads=4)
    for bias in (attention.in_proj.bias, attention.out_proj.bias):
        torch.nn.init.normal_(bias)
    return attention


def test_equals_torch(attention, as_torch_attention):
    query, key, value = torch.randn(2, 5, 24), torch.randn(2, 7, 24), torch.randn(2, 7, 24)
    expected, _ = as_torch_attention(attention)(query, key, value)
    torch.testing.assert_close(attention(query, key, value), expected)


def test_mask_is_true_where_a_query_may_look(attention, as_torch_attention):
    query, key, value = torch.randn(2, 5, 24), torch.randn(2, 7, 24), torch.randn(2, 7, 24)
    mask = torch.rand(2, 5, 7) < 0.5
    mask[..., 3] = True
    hidden = (~mask).repeat_interleave(4, dim=0)  # torch wants one mask per head, true where nothing is seen
    expected, _ = as_torch_attention(attention)(query, key, value, attn_mask=hidden)
    torch.testing.assert_close(attention(query, key, value, mask), expected)


def test_values_that_are_a_grid_equal_those_of_its_tokens(attention):
    query, key = torch.randn(3, 5, 24), torch.randn(3, 6, 24)
    rows, columns = torch.randn(2, 12), torch.randn(3, 12)
    tokens = torch.stack([torch.cat((row, column)) for row in rows for column in columns])
    expected = attention(query, key, tokens.repeat(3, 1, 1))
    torch.testing.assert_close(attention.attend_to_grid(query, key, rows, columns), expected)


def test_dropout_acts_in_training_only():
    attention = MultiHeadAttention(8, num_heads=2, dropout=0.5)
    inputs = torch.randn(1, 6, 8)
    assert not torch.equal(attention(inputs, inputs, inputs), attention(inputs, inputs, inputs))
    attention.eval()
    assert torch.equal(attention(inputs, inputs, inputs), attention(inputs, inputs, inputs))


def test_initial_weights_are_those_of_torch():
    """Xavier-uniform over the three projections together, [3 * C, C], as torch's attention has it."""
    attention = MultiHeadAttention(64)
    for linear, rows in ((attention.in_proj, 192), (attention.out_proj, 64)):
        bound = (6 / (64 + rows)) ** 0.5
        assert 0.95 * bound < linear.weight.abs().max() <= bound
        assert not linear.bias.any()


def test_channels_that_the_heads_cannot_share():
    with pytest.raises(ValueError, match='20 channels cannot be split into 8 heads'):
        MultiHeadAttention(20)


def test_dropout_and_mask():
    """Together they are left to torch: what is masked stays out."""
    attention = MultiHeadAttention(8, num_heads=2, dropout=0.5)
    query, key = torch.randn(1, 3, 8), torch.randn(1, 4, 8)
    mask = torch.tensor([True, False, True, True]).expand(1, 3, 4)
    others = key.clone()
    others[:, 1] += 1
    torch.manual_seed(0)
    expected = attention(query, key, key, mask)
    torch.manual_seed(0)
    torch.testing.assert_close(attention(query, others, others, mask), expected)
