import torch

from mmoneformer.models.prediction_head import PredictionHead, mask_logits


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
