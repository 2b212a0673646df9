"""Forward and losses on torch's ``meta`` device, which stands for every device that has no kernels of ours.

The kernels for CPUs and CUDA raise here. What depends on values cannot run without any: the Hungarian assignment, the
choice of tiles and segments in post-processing, and the length of a text.
"""

import pytest
import torch

from mmoneformer.models.layers.attention import MultiHeadAttention
from mmoneformer.models.layers.deformable_attention import DeformableAttention
from mmoneformer.models.layers.feed_forward import FeedForward
from mmoneformer.models.losses.mask_set_loss import MaskSetLoss
from mmoneformer.models.losses.matcher import CostWeights, Matches, matching_cost
from mmoneformer.models.losses.point_sampling import uncertain_points
from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.masks.tiles import MaskTiles
from mmoneformer.models.ops import attention, deformable_sampling, dropout, neighborhood_attention
from mmoneformer.models.ops.dropout import Dropout
from mmoneformer.models.post_process import semantic_scores
from mmoneformer.models.query_initializer import QueryInitializer
from mmoneformer.registry import MODELS
from mmoneformer.structures import TargetMasks, Targets

BACKBONES = [
    dict(type='SwinTransformer', embed_dims=8, depths=(2, 1, 1, 1), num_heads=(1, 1, 2, 2), window_size=3),
    dict(type='ConvNeXt', depths=(1, 1, 1, 1), channels=(8, 16, 32, 64)),
    dict(type='DiNAT', embed_dims=8, num_heads=(1, 1, 2, 2), dilations=((1, 2), (1,), (1,), (1,)), kernel_size=3),
    dict(type='mmdet.ResNet', depth=18, base_channels=8, stem_channels=8),
]
KERNELS = {
    attention: ('_CpuDropoutAttention',),
    deformable_sampling: ('sample_by_embedding_bag', '_sample_by_mmcv', '_sample_by_triton'),
    dropout: ('_CpuDropout', '_CpuReluDropout', '_CudaReluDropout', 'DropoutMask'),
    neighborhood_attention: ('attend_by_natten',),
}


@pytest.fixture(autouse=True)
def _kernels_raise(monkeypatch):
    def kernel(*_, **__):
        raise AssertionError('the kernel of another device was called')

    class Kernel:
        apply = staticmethod(kernel)

    for module, names in KERNELS.items():
        for name in names:
            monkeypatch.setattr(module, name, Kernel if name.endswith(('Dropout', 'Attention')) else kernel)
    monkeypatch.setattr(neighborhood_attention, 'has_natten', lambda: True)
    monkeypatch.setattr(deformable_sampling, 'are_compiled', lambda: True)


def on_meta(*shape, dtype=torch.float32):
    return torch.empty(*shape, dtype=dtype, device='meta')


def test_kernels_of_the_cpu_do_raise():
    """So the other tests would notice them."""
    layers = [(Dropout(0.1), 1), (FeedForward(8, hidden_channels=8, dropout=0.1), 1)]
    layers.append((MultiHeadAttention(8, num_heads=2, dropout=0.1), 3))
    for layer, count in layers:
        with pytest.raises(AssertionError, match='kernel of another device'):
            layer(*[torch.ones(1, 4, 8)] * count)


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('backbone', BACKBONES, ids=lambda config: config['type'])
def test_backbones(backbone, training):
    model = MODELS.build(backbone | (dict(with_cp=True) if training else {})).to('meta')
    model.train(training)  # mmdet's returns nothing
    maps = model(on_meta(2, 3, 64, 96))
    assert [tuple(output.shape[1:]) for output in maps] == [(8 << i, 16 >> i, 24 >> i) for i in range(4)]
    sum(output.sum() for output in maps).backward()
    assert all(weight.grad is not None for weight in model.parameters() if weight.requires_grad)


@pytest.mark.parametrize('masked', [True, False])
def test_attention_with_dropout(masked):
    layer = MultiHeadAttention(16, num_heads=2, dropout=0.1).to('meta')
    mask = on_meta(2, 5, 7, dtype=torch.bool) if masked else None
    attended = layer(on_meta(2, 5, 16), on_meta(2, 7, 16), on_meta(2, 7, 16), mask)
    assert attended.shape == (2, 5, 16)
    attended.sum().backward()


@pytest.mark.parametrize('layer', [Dropout(0.1), FeedForward(16, hidden_channels=8, dropout=0.1)])
def test_layers_with_dropout(layer):
    inputs = on_meta(2, 5, 16).requires_grad_()
    layer.to('meta')(inputs).sum().backward()
    assert inputs.grad.shape == inputs.shape


def test_deformable_attention():
    layer = DeformableAttention(16, num_heads=2, num_levels=2).to('meta')
    tokens = on_meta(2, 3 * 4 + 6 * 8, 16)
    attended = layer(tokens, tokens, on_meta(60, 2), [(3, 4), (6, 8)], on_meta(2, 2))
    assert attended.shape == tokens.shape
    attended.sum().backward()


def test_query_initializer_with_dropout():
    queries = QueryInitializer(16, feedforward_channels=8).to('meta')(
        on_meta(2, 3, 16), on_meta(5, 16), on_meta(2, 16, 4, 6)
    )
    assert queries.shape == (2, 3, 5, 16)


@pytest.mark.parametrize('training', [True, False])
def test_whole_network(build_model, training):
    model = build_model().to('meta').train(training)
    output = model.panoptic_head(model.backbone(on_meta(2, 3, 64, 96)), [['panoptic', 'semantic']] * 2)
    assert output.initial_queries.shape == (2, 2, 12, 32)
    class_logits, mask_logits = output.of_task(1)
    assert (class_logits.shape, mask_logits.shape) == ((2, 12, 6), (2, 12, 16, 24))


def test_losses():
    """Everything except the assignment itself, in whose place the first queries are matched."""
    loss, layers, queries = MaskSetLoss(num_points=24), 2, 6
    masks = TargetMasks(on_meta(64, 96, dtype=torch.uint8), 3)
    labels, features = on_meta(3, dtype=torch.int64), on_meta(1, 8, 16, 24)
    class_logits, embeddings = on_meta(layers, 1, queries, 5), on_meta(layers, 1, queries, 8).requires_grad_()
    points = masks.sample(torch.arange(3, device='meta'), on_meta(1, 24, 2), (64, 96))
    costs = matching_cost(class_logits[:, 0], on_meta(layers, queries, 24), labels, points, CostWeights(2, 5, 5))
    assert costs.total.shape == (layers, queries, 3)
    matches = Matches(*(torch.zeros(layers * 3, dtype=torch.int64, device='meta') for _ in range(3)))
    targets = [Targets('panoptic', [''] * 3, labels, masks)]
    assert loss.class_loss(class_logits, targets, [matches]).shape == (layers,)
    mask_losses, dice_losses = loss.mask_losses(embeddings, features, targets, [matches], (64, 96))
    assert mask_losses.shape == dice_losses.shape == (layers,)
    (mask_losses + dice_losses).sum().backward()
    assert uncertain_points(on_meta(40, 1, 16, 24), 24).shape == (40, 24, 2)


def test_contrastive_loss():
    loss = MODELS.build(dict(type='QueryTextContrastiveLoss')).to('meta')
    loss(on_meta(2, 5, 16).requires_grad_(), on_meta(2, 5, 16)).backward()


def test_text_mapper():
    mapper = MODELS.build(
        dict(
            type='TextMapper',
            num_queries=5,
            out_channels=16,
            num_context=2,
            encoder=dict(type='TextEncoder', width=64, num_layers=1),
        )
    )
    assert mapper.to('meta')([['a cat', 'a dog', 'a photo']] * 2).shape == (2, 5, 16)


def test_pieces_of_the_prediction():
    tiles = MaskTiles(on_meta(5, 16, 24), MaskGeometry((64, 96), (60, 90), (600, 1400)))
    assert tiles.low.shape == tiles.high.shape == (5, 2 * 3)
    assert semantic_scores(on_meta(5, 4), on_meta(5, 8, 9)).shape == (3, 8, 9)
