import pytest
import torch

from mmoneformer.models.layers.position_encoding import sine_encoding
from mmoneformer.models.query_initializer import QueryInitializer

CHANNELS, QUERIES, TASKS = 16, 5, 3


@pytest.fixture
def initializer():
    return QueryInitializer(CHANNELS, feedforward_channels=20).eval()


@pytest.fixture
def arguments():
    """Task tokens [2, 3, C], query positions [Q, C], mask features [2, C, 4, 6]."""
    return torch.randn(2, TASKS, CHANNELS), torch.randn(QUERIES, CHANNELS), torch.randn(2, CHANNELS, 4, 6)


@torch.no_grad()
def test_equals_a_detr_decoder_per_image_and_task(initializer, arguments, as_torch_attention):
    """Torch's attention; keys are grid and image, values the grid alone; the token itself comes last."""
    tokens, positions, features = arguments
    grid = sine_encoding((4, 6), CHANNELS, torch.device('cpu'))[None]
    keys = initializer.input_proj(features).flatten(2).transpose(1, 2) + grid
    found = initializer(*arguments)
    assert found.shape == (2, TASKS, QUERIES, CHANNELS)
    for image in range(2):
        for task in range(TASKS):
            token = tokens[image, task]
            queries, place = token.repeat(1, QUERIES - 1, 1), positions[: QUERIES - 1]
            for layer in initializer.layers:
                self_attn, cross_attn = as_torch_attention(layer.self_attn), as_torch_attention(layer.cross_attn)
                queries = layer.norm1(queries + self_attn(queries + place, queries + place, queries)[0])
                queries = layer.norm2(queries + cross_attn(queries + place, keys[image, None], grid)[0])
                queries = layer.norm3(queries + layer.ffn(queries))
            expected = torch.cat((initializer.norm(queries)[0], token[None]))
            torch.testing.assert_close(found[image, task], expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_all_tasks_at_once_equal_each_alone(initializer, arguments):
    tokens, positions, features = arguments
    together = initializer(tokens, positions, features)
    for task in range(TASKS):
        alone = initializer(tokens[:, task, None], positions, features)
        torch.testing.assert_close(together[:, task, None], alone, atol=1e-6, rtol=0)


@torch.no_grad()
def test_last_query_is_the_task_token(initializer, arguments):
    tokens, *_ = arguments
    assert torch.equal(initializer(*arguments)[:, :, -1], tokens)


def test_dropout_acts_in_training_only(initializer, arguments):
    assert torch.equal(initializer(*arguments), initializer(*arguments))
    initializer.train()
    assert not torch.equal(initializer(*arguments), initializer(*arguments))


def test_initial_projection_is_c2_xavier():
    projection = QueryInitializer(64, num_layers=0).input_proj
    bound = (3 / 64) ** 0.5
    assert 0.95 * bound < projection.weight.abs().max() <= bound
    assert not projection.bias.any()
