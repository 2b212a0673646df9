import pytest
import torch
import torch.nn.functional as F

from mmoneformer.models.layers.position_encoding import sine_encoding
from mmoneformer.models.masked_decoder import (
    MaskedDecoder,
    PredictionHead,
    attention_mask,
    mask_logits,
    mean_features,
)
from mmoneformer.models.pixel_decoder import PixelFeatures

CHANNELS, QUERIES, TASKS = 16, 5, 3
SIZES = [(2, 3), (4, 5), (7, 9)]


@pytest.fixture
def decoder():
    return MaskedDecoder(CHANNELS, num_layers=4, feedforward_channels=20)  # the fourth returns to the first level


@pytest.fixture
def predict():
    return PredictionHead(CHANNELS, num_classes=3)


@pytest.fixture
def pixels():
    return PixelFeatures(torch.randn(2, CHANNELS, 13, 17), [torch.randn(2, CHANNELS, *size) for size in SIZES])


@pytest.fixture
def queries():
    return torch.randn(2, TASKS, QUERIES, CHANNELS)


def test_mean_features_of_each_mask():
    logits, features = torch.randn(2, 3, 4, 5), torch.randn(2, 6, 4, 5)
    logits[1, 2] = -1  # empty
    found = mean_features(logits, features)
    assert not found[1, 2].any()
    for image, query in ((0, 0), (0, 2), (1, 1)):
        expected = features[image][:, logits[image, query] > 0].mean(1)
        torch.testing.assert_close(found[image, query], expected)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_mean_features_of_a_large_mask_under_autocast(dtype):
    logits, features = torch.ones(1, 1, 150, 200), torch.full((1, 3, 150, 200), 4.7)
    with torch.autocast('cpu', dtype):
        torch.testing.assert_close(mean_features(logits, features), torch.full((1, 1, 3), 4.7), rtol=5e-4, atol=0)


def plain_attention_mask(embeddings, mask_features, size):
    """As the official code: full masks, resized, thresholded; true where nothing is seen; [B, T, Q, h * w]."""
    full = mask_logits(embeddings, mask_features)
    small = F.interpolate(full.flatten(1, 2), size=size, mode='bilinear', align_corners=False)
    hidden = (small.sigmoid() < 0.5).flatten(2).unflatten(1, full.shape[1:3])
    hidden[hidden.all(-1)] = False
    return hidden


@torch.no_grad()
@pytest.mark.parametrize('size', SIZES)
def test_mask_of_resized_features_equals_resized_masks(size):
    """Half of the embeddings give masks that are nowhere positive."""
    embeddings = torch.randn(2, TASKS, QUERIES, CHANNELS)
    features = torch.rand(2, CHANNELS, 13, 17) + 0.1
    embeddings[:, :, ::2] = -embeddings[:, :, ::2].abs()
    small = F.interpolate(features, size=size, mode='bilinear', align_corners=False)
    found = attention_mask(embeddings, small)
    expected = ~plain_attention_mask(embeddings, features, size)
    assert torch.equal(found, expected)
    assert found[:, :, ::2].all()
    assert not found.all()


@torch.no_grad()
def test_equals_plain_masked_attention(decoder, predict, pixels, queries, as_torch_attention):
    """Torch's attention, one task at a time, masks from full-size mask logits."""
    positions = torch.randn(QUERIES, CHANNELS)
    found = decoder(queries, positions, pixels, predict)
    assert len(found) == 5
    for task in range(TASKS):
        current = queries[:, task]
        for index, layer in enumerate(decoder.layers):
            prediction = predict(current[:, None])
            torch.testing.assert_close(found[index].class_logits[:, task, None], prediction[0], atol=1e-5, rtol=0)
            torch.testing.assert_close(found[index].mask_embeddings[:, task, None], prediction[1], atol=1e-5, rtol=0)
            size = SIZES[index % 3]
            hidden = plain_attention_mask(prediction.mask_embeddings, pixels.mask_features, size)[:, 0]
            values = pixels.levels[index % 3].flatten(2).transpose(1, 2) + decoder.level_embed[index % 3]
            keys = values + sine_encoding(size, CHANNELS, values.device)
            attended, _ = as_torch_attention(layer.cross_attn)(
                current + positions, keys, values, attn_mask=hidden.repeat_interleave(8, dim=0)
            )
            current = layer.norm1(current + attended)
            inputs = current + positions
            current = layer.norm2(current + as_torch_attention(layer.self_attn)(inputs, inputs, current)[0])
            current = layer.norm3(current + layer.ffn(current))
        torch.testing.assert_close(found[-1].class_logits[:, task], predict(current).class_logits, atol=1e-5, rtol=0)


@torch.no_grad()
def test_all_tasks_at_once_equal_each_alone(decoder, predict, pixels, queries):
    positions = torch.randn(QUERIES, CHANNELS)
    together = decoder(queries, positions, pixels, predict)
    for task in range(TASKS):
        alone = decoder(queries[:, task, None], positions, pixels, predict)
        for layer, layer_alone in zip(together, alone, strict=True):
            for part, part_alone in zip(layer, layer_alone, strict=True):
                torch.testing.assert_close(part[:, task, None], part_alone, atol=1e-6, rtol=0)


def test_masks_steer_the_attention_without_gradient(decoder, predict, pixels, queries):
    """The class logits depend on the mask features through the attention masks alone, so not by a gradient."""
    pixels.mask_features.requires_grad_()
    last = decoder(queries, torch.randn(QUERIES, CHANNELS), pixels, predict)[-1]
    (gradient,) = torch.autograd.grad(last.class_logits.sum(), pixels.mask_features, allow_unused=True)
    assert gradient is None
    other = PixelFeatures(-pixels.mask_features, pixels.levels)
    assert not torch.allclose(decoder(queries, torch.randn(QUERIES, CHANNELS), other, predict)[-1][0], last[0])


def test_classes_and_embeddings_are_read_off_the_normed_queries():
    prediction = PredictionHead(8, num_classes=5)
    prediction.norm.weight.data.normal_()
    queries = torch.randn(2, 3, 4, 8) * 5 + 1
    mean, variance = queries.mean(-1, keepdim=True), queries.var(-1, keepdim=True, unbiased=False)
    normed = (queries - mean) / (variance + 1e-5).sqrt() * prediction.norm.weight + prediction.norm.bias
    found = prediction(queries)
    assert found.class_logits.shape == (2, 3, 4, 6)  # five classes and "no object"
    torch.testing.assert_close(found.class_logits, prediction.classify(normed))
    first, second, third = prediction.embed_masks.layers
    torch.testing.assert_close(found.mask_embeddings, third(second(first(normed).relu()).relu()))


def test_mask_logits_are_dot_products():
    embeddings, features = torch.randn(2, 3, 4, 8), torch.randn(2, 8, 5, 7)
    logits = mask_logits(embeddings, features)
    assert logits.shape == (2, 3, 4, 5, 7)
    for image, task, query, row, column in [(0, 0, 0, 0, 0), (1, 2, 3, 4, 6), (1, 0, 2, 3, 1)]:
        expected = embeddings[image, task, query].dot(features[image, :, row, column])
        torch.testing.assert_close(logits[image, task, query, row, column], expected)
