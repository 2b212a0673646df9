"""Losses and training steps of the model."""

from dataclasses import replace

import pytest
import torch

from mmoneformer.structures import TargetMasks

PARTS = ('loss_cls', 'loss_mask', 'loss_dice')


def test_loss_mode_gives_the_losses_of_each_layer(build_model, train_batch):
    losses = build_model()(**train_batch, mode='loss')
    layers = ('', 'd0.', 'd1.')
    assert losses.keys() == {'loss_contrastive', *(f'{layer}{part}' for layer in layers for part in PARTS)}
    assert all(loss.isfinite() and loss > 0 for loss in losses.values())


def test_a_training_step_reaches_every_parameter(build_model, train_batch):
    """But for weights that start at zero on purpose, and would stop the gradient of those before them."""
    model = build_model()
    for layer in model.panoptic_head.pixel_decoder.layers:
        layer.self_attn.sampling_offsets.weight.data.normal_(std=0.1)
        layer.self_attn.attention_weights.weight.data.normal_(std=0.1)
    sum(model(**train_batch, mode='loss').values()).backward()
    untouched = {name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()}
    assert untouched == set()


def test_images_without_targets_have_the_same_losses_and_parameters(build_model, train_batch):
    """So that no process waits for another; the losses of the classes stay, those of the masks are zero."""
    model = build_model()
    full = model(**train_batch, mode='loss')
    for sample in train_batch['data_samples']:
        masks = TargetMasks(sample.targets.masks.id_map * 0, 0)
        sample.targets = replace(sample.targets, texts=[], labels=sample.targets.labels[:0], masks=masks)
    empty = model(**train_batch, mode='loss')
    assert empty.keys() == full.keys()
    for name, loss in empty.items():
        assert loss.isfinite()
        assert (loss == 0) == name.endswith(('mask', 'dice'))
    sum(empty.values()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize('change', [dict(channels=96), dict(num_queries=7)], ids=str)
def test_width_and_number_of_queries_are_written_once(build_model, train_batch, change):
    model = build_model(**change)
    sum(model(**train_batch, mode='loss').values()).backward()
    width, queries = change.get('channels', 32), change.get('num_queries', 12)
    assert model.panoptic_head.query_embed.shape == (queries, width)
    (class_logits, _) = model.eval()(train_batch['inputs'])['panoptic']
    assert class_logits.shape == (2, queries, 6)


def test_training_lowers_the_loss(build_model, train_batch):
    model = build_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    history = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = sum(model(**train_batch, mode='loss').values())
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    assert history[-1] < 0.9 * history[0]


def test_training_uses_all_layers(build_model, train_batch):
    losses = build_model(test_cfg=dict(num_layers=1))(**train_batch, mode='loss')
    assert {'d0.loss_cls', 'd1.loss_cls', 'loss_cls'} <= losses.keys()


def test_losses_are_finite_under_autocast(build_model, train_batch):
    """In bfloat16, with recomputed layers: as good as in float32."""
    backbone = dict(
        type='SwinTransformer', embed_dims=8, depths=(1, 2, 1, 1), num_heads=(1, 1, 2, 2), window_size=3, with_cp=True
    )
    model = build_model(backbone=backbone)
    with torch.autocast('cpu', torch.bfloat16):
        loss = sum(model(**train_batch, mode='loss').values())
    loss.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    expected = sum(model(**train_batch, mode='loss').values())
    assert loss.item() == pytest.approx(expected.item(), rel=0.1)


@pytest.mark.usefixtures('plain_forms')
@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16], ids=str)
def test_plain_forms_under_autocast(build_model, train_batch, dtype):
    """Losses and gradients of devices without kernels of ours are nearly those of float32, with the same points."""
    model, losses = build_model(), []
    for enabled in (True, False):
        torch.manual_seed(1)
        model.zero_grad()
        with torch.autocast('cpu', dtype, enabled=enabled):
            loss = sum(model(**train_batch, mode='loss').values())
        loss.backward()
        losses.append(loss.item())
        assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
    assert losses[0] != losses[1]
