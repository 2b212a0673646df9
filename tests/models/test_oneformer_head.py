import pytest
import torch
from mmengine.registry import DefaultScope

from mmoneformer.models.masked_decoder import mask_logits
from mmoneformer.models.oneformer_head import OneFormerHead
from mmoneformer.tasks import TASKS

PADDED = (64, 96)


@pytest.fixture
def head(build_model):
    return build_model().panoptic_head


@pytest.fixture
def features():
    return [torch.randn(2, width, 128 // width, 192 // width) for width in (8, 16, 32, 64)]


@pytest.fixture
def targets(train_batch):
    return [sample.targets for sample in train_batch['data_samples']]


@torch.no_grad()
def test_shapes(head, features):
    output = head(features, [list(TASKS)] * 2)
    assert output.initial_queries.shape == (2, 3, 12, 32)
    for index in range(3):
        class_logits, masks = output.of_task(index)
        assert class_logits.shape == (2, 12, 6)
        assert masks.shape == (2, 12, 16, 24)
    assert len(output.predictions) == 3  # of the initial queries and two layers


@torch.no_grad()
def test_logits_are_those_of_the_last_layer(head, features):
    output = head(features, [['panoptic', 'semantic']] * 2)
    last = output.predictions[-1]
    masks = mask_logits(last.mask_embeddings, output.mask_features)
    for index in range(2):
        assert torch.equal(output.of_task(index)[0], last.class_logits[:, index])
        torch.testing.assert_close(output.of_task(index)[1], masks[:, index])


@torch.no_grad()
def test_token_passes_the_norm_of_the_predictions_and_is_the_last_query(head, features):
    head.prediction.norm.weight.data.normal_()
    tokens = head.prediction.norm(head.task_token(['semantic', 'panoptic']))
    output = head(features, [['semantic', 'panoptic']] * 2)
    torch.testing.assert_close(output.initial_queries[:, :, -1], tokens.expand(2, -1, -1))


@torch.no_grad()
def test_each_image_may_have_tasks_of_its_own(head, features):
    both = head(features, [['semantic'], ['instance']])
    for image, task in enumerate(('semantic', 'instance')):
        alone = head([feature[image, None] for feature in features], [[task]])
        for part, alone_part in zip(both.of_task(0), alone.of_task(0), strict=True):
            torch.testing.assert_close(part[image], alone_part[0], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_losses_are_those_of_the_parts(head, features, targets):
    torch.manual_seed(1)
    losses = head.loss(features, targets, PADDED)
    output = head(features, [['panoptic'], ['instance']])
    torch.manual_seed(1)
    expected = head.set_loss(output.predictions, output.mask_features, targets, PADDED)
    texts = [
        ['a photo with a cat', 'a photo with a sky', 'a photo with a dog', *['a panoptic photo'] * 5],
        ['a photo with a cow', 'a photo with a cow', *['an instance photo'] * 6],
    ]
    expected['loss_contrastive'] = head.contrastive_loss(output.initial_queries[:, 0], head.text_mapper(texts))
    assert losses.keys() == expected.keys()
    for name, loss in expected.items():
        torch.testing.assert_close(losses[name], loss, msg=name)


def test_training_needs_a_text_mapper(head, features, targets):
    head.text_mapper = None
    with pytest.raises(RuntimeError, match='text_mapper'):
        head.loss(features, targets, PADDED)


@pytest.mark.parametrize('scope', ['mmdet', 'mmseg', 'mmengine'])
def test_losses_are_found_under_any_scope(scope):
    pixel_decoder = dict(type='mmoneformer.MSDeformAttnPixelDecoder', in_channels=[8] * 4, num_layers=1)
    with DefaultScope.overwrite_default_scope(scope):
        head = OneFormerHead(num_classes=2, num_queries=4, channels=32, pixel_decoder=pixel_decoder)
    assert type(head.set_loss).__name__ == 'MaskSetLoss'
    assert type(head.contrastive_loss).__name__ == 'QueryTextContrastiveLoss'
