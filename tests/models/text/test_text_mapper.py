import pytest
import torch

import mmoneformer  # noqa: F401
from mmoneformer.models.text.text_mapper import TextMapper, pad_texts
from mmoneformer.models.text.tokenizer import Tokenizer
from mmoneformer.registry import MODELS

TEXTS = [
    ['a photo with a wall', 'a photo with a wall', 'a panoptic photo', 'a panoptic photo'],
    ['a photo with a road, route', 'an instance photo', 'an instance photo', 'an instance photo'],
]


@pytest.fixture
def mapper():
    """4 texts and 2 context vectors of width 24."""
    torch.manual_seed(0)
    return MODELS.build(
        {
            'type': 'TextMapper',
            'num_queries': 6,
            'out_channels': 24,
            'num_context': 2,
            'encoder': {'type': 'TextEncoder', 'width': 64, 'num_layers': 1},
        }
    )


def plain_mapper(mapper, texts):
    """Encode every text of every image, repeated or not."""
    encoded = [mapper.projector(mapper.encoder(Tokenizer()(image))) for image in texts]
    return torch.stack([torch.cat([image, mapper.context]) for image in encoded])


def test_equals_encoding_every_text(mapper):
    queries = mapper(TEXTS)
    assert queries.shape == (2, 6, 24)
    torch.testing.assert_close(queries, plain_mapper(mapper, TEXTS), atol=1e-5, rtol=0)


def test_gradient_equals_encoding_every_text(mapper):
    weight = torch.randn(2, 6, 24)
    parameters = list(mapper.parameters())
    gradients = torch.autograd.grad((mapper(TEXTS) * weight).sum(), parameters)
    expected = torch.autograd.grad((plain_mapper(mapper, TEXTS) * weight).sum(), parameters)
    for gradient, reference in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, reference, atol=1e-4, rtol=1e-4)


def test_each_distinct_text_is_encoded_once(mapper):
    encoded = []
    mapper.encoder.register_forward_pre_hook(lambda module, args: encoded.append(len(args[0])))
    mapper(TEXTS)
    assert encoded == [4]


def test_context_vectors_follow_the_texts_unprojected(mapper):
    for queries in mapper(TEXTS):
        torch.testing.assert_close(queries[4:], mapper.context)


def test_wrong_number_of_texts_is_refused(mapper):
    with pytest.raises(ValueError, match='needs 4 texts .* got 3'):
        mapper([TEXTS[0], TEXTS[1][:3]])


def test_context_that_leaves_no_text_is_refused():
    with pytest.raises(ValueError, match='num_queries=16 must be greater than num_context=16'):
        TextMapper(num_queries=16, out_channels=8, encoder={'type': 'TextEncoder'})


def test_pad_texts_fills_up_or_keeps_the_first():
    assert pad_texts(['a', 'b'], filler='x', count=4) == ['a', 'b', 'x', 'x']
    assert pad_texts(['a', 'b', 'c'], filler='x', count=2) == ['a', 'b']
