"""Run as a script, this file is the second process of the distributed test."""

import math
import sys
from datetime import timedelta

import pytest
import torch
import torch.distributed

import mmoneformer  # noqa: F401  # as a script, too, before mmdet
from mmoneformer.models.losses.contrastive_loss import QueryTextContrastiveLoss


def pairs():
    """Queries and texts of four images, [4, 5, 8]."""
    generator = torch.Generator().manual_seed(0)
    return (torch.randn(4, 5, 8, generator=generator).requires_grad_() for _ in range(2))


def half_of_the_images(rank, folder):
    """Mean loss, and gradients as DDP averages them, of a process that has two of the four images."""
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=2, timeout=timedelta(seconds=60)
    )
    try:
        queries, texts = pairs()
        own = slice(2 * rank, 2 * rank + 2)
        results = [result / 2 for result in value_and_gradients(queries, texts, own)]
        for result in results:
            torch.distributed.all_reduce(result)
        return results
    finally:
        torch.distributed.destroy_process_group()


def value_and_gradients(queries, texts, images):
    loss = QueryTextContrastiveLoss()
    value = loss(queries[images], texts[images])
    value.backward()
    return value.detach(), queries.grad, texts.grad, loss.logit_scale.grad


def test_cross_entropy_both_ways_over_the_images():
    queries, texts = pairs()
    expected = 0.0
    flat = [[row / row.norm() for row in rows.flatten(1)] for rows in (queries, texts)]
    for ours, others in (flat, flat[::-1]):
        for index, row in enumerate(ours):
            exponentials = [math.exp(row.dot(other).item() / 0.07) for other in others]
            expected -= math.log(exponentials[index] / sum(exponentials)) / 4
    assert QueryTextContrastiveLoss(weight=1.0)(queries, texts).item() == pytest.approx(expected, rel=1e-5)
    assert QueryTextContrastiveLoss()(queries, texts).item() == pytest.approx(expected / 2, rel=1e-5)


def test_one_image_has_nothing_to_be_told_from():
    queries, texts = pairs()
    loss = QueryTextContrastiveLoss()(queries[:1], texts[:1])
    loss.backward()
    assert loss.item() == 0
    assert not queries.grad.any()
    assert not texts.grad.any()


def test_scale_is_learned_and_clamped_at_one_hundred():
    queries, texts = pairs()
    losses = {}
    for scale in (50.0, 100.0, 1000.0):
        loss = QueryTextContrastiveLoss()
        loss.logit_scale.data.fill_(math.log(scale))
        losses[scale] = loss(queries, texts)
        losses[scale].backward()
        assert bool(loss.logit_scale.grad) == (scale < 100)
    torch.testing.assert_close(losses[1000.0], losses[100.0])
    assert losses[50.0] < 0.8 * losses[100.0]


def test_float32_under_autocast():
    queries, texts = pairs()
    expected = QueryTextContrastiveLoss()(queries, texts)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(QueryTextContrastiveLoss()(queries, texts), expected)


def test_two_processes_equal_one(start_script, tmp_path):
    second = start_script(__file__, tmp_path, cwd=tmp_path)
    found = half_of_the_images(0, tmp_path)
    second.join(timeout=240)
    assert second.exitcode == 0
    for result, expected in zip(found, value_and_gradients(*pairs(), slice(None)), strict=True):
        torch.testing.assert_close(result, expected)


if __name__ == '__main__':
    half_of_the_images(1, sys.argv[1])
