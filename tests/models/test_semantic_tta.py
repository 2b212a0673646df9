from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.runner.checkpoint import _load_checkpoint_to_model

from mmoneformer.models.semantic_tta import SemanticTTA
from mmoneformer.registry import MODELS, TRANSFORMS

PREPROCESSOR = dict(type='mmdet.DetDataPreprocessor', mean=[99.0] * 3, std=[50.0] * 3, pad_size_divisor=32)


@pytest.fixture
def model(build_model):
    return build_model(data_preprocessor=PREPROCESSOR).eval()


def make_views(images, sides, direction='horizontal'):
    """What the test pipeline and the collation make of images [H, W, 3]."""
    augment = TRANSFORMS.build(
        dict(
            type='TestTimeAug',
            transforms=[
                [dict(type='mmdet.Resize', scale=(4 * side, side), keep_ratio=True) for side in sides],
                [dict(type='mmdet.RandomFlip', prob=prob, direction=direction) for prob in (0.0, 1.0)],
                [dict(type='PackOneFormerInputs')],
            ],
        )
    )
    samples = []
    for image in images:
        shape = image.shape[:2]
        samples.append(augment(dict(img=image.numpy(), img_shape=shape, ori_shape=shape, img_path='a.jpg', img_id=1)))
    return pseudo_collate(samples)


def plain_scores(model, image, side):
    """Class scores of one view without flip, from tensors of full size."""
    views = make_views([image], [side])
    shape = views['inputs'][0][0].shape[1:]
    pixels = (views['inputs'][0][0].float() - 99) / 50
    padded = F.pad(pixels, (0, -shape[1] % 32, 0, -shape[0] % 32))[None]
    class_logits, mask_logits = model(padded, tasks=['semantic'])['semantic']
    masks = F.interpolate(mask_logits, padded.shape[2:], mode='bilinear')[..., : shape[0], : shape[1]]
    masks = F.interpolate(masks, image.shape[:2], mode='bilinear').sigmoid()
    return torch.einsum('qk,qhw->khw', class_logits[0].softmax(-1)[:, :-1], masks[0])


@pytest.mark.parametrize(('direction', 'axis'), [('horizontal', 1), ('vertical', 0)])
@torch.no_grad()
def test_scores_of_scales_and_flips_are_averaged(model, direction, axis):
    images = [torch.randint(0, 256, (50, 70, 3), dtype=torch.uint8), torch.full((50, 70, 3), 90, dtype=torch.uint8)]
    results = SemanticTTA(model).test_step(make_views(images, [40, 60], direction))
    for image, sample in zip(images, results, strict=True):
        straight = sum(plain_scores(model, image, side) for side in (40, 60))
        flipped = sum(plain_scores(model, image.flip(axis), side) for side in (40, 60)).flip(axis - 2)
        best, runner_up = (straight + flipped).topk(2, dim=0).values
        clear = best - runner_up > 1e-4
        assert clear.float().mean() > 0.9
        labels = sample.pred_sem_seg.sem_seg
        assert labels.shape == (1, 50, 70)
        assert (labels[0] == (straight + flipped).argmax(0))[clear].all()
        assert sample.pred_sem_seg.data is labels
        assert sample.task_tokens == {'semantic': 'semantic'}


@torch.no_grad()
def test_one_view_gives_the_result_of_the_model(model):
    views = make_views([torch.randint(0, 256, (50, 70, 3), dtype=torch.uint8)], [40])
    alone = dict(inputs=views['inputs'][:1], data_samples=views['data_samples'][:1])
    (expected,) = model.test_step(dict(inputs=views['inputs'][0], data_samples=[views['data_samples'][0][0].clone()]))
    (sample,) = SemanticTTA(model).test_step(alone)
    assert torch.equal(sample.pred_sem_seg.sem_seg, expected.pred_sem_seg.sem_seg)


def test_a_config_is_built_and_gets_the_weights():
    """As by the tools of mmdet and mmseg."""
    config = Config.fromfile(Path(__file__).parents[1] / 'data/tiny_oneformer.py').model
    weights = MODELS.build(config).state_dict()
    wrapper = MODELS.build(dict(type='SemanticTTA', module=config))
    _load_checkpoint_to_model(wrapper, {'state_dict': weights})
    assert all(torch.equal(value, weights[key]) for key, value in wrapper.module.state_dict().items())
