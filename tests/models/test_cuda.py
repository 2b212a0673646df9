"""Training and prediction on a CUDA device: as on the CPU, without waiting for the device, in constant memory."""

import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from torch.distributed.fsdp import FullyShardedDataParallel
from torch.distributed.fsdp.wrap import CustomPolicy

from mmoneformer.engine.strategies.fully_sharded import find_fsdp_units, find_scalars
from mmoneformer.tasks import TASKS

pytestmark = pytest.mark.gpu

BACKBONES = {  # with maps of 8, 16, 32, 64 channels
    'resnet': dict(type='mmdet.ResNet', depth=18, stem_channels=8, base_channels=8),
    'swin': dict(type='SwinTransformer', embed_dims=8, depths=(2, 1, 1, 1), num_heads=(1, 1, 2, 2), window_size=3),
    'convnext': dict(type='ConvNeXt', depths=(1, 1, 1, 1), channels=(8, 16, 32, 64)),
    'dinat': dict(
        type='DiNAT', embed_dims=8, num_heads=(1, 1, 2, 2), dilations=((1, 2), (1,), (1,), (1,)), kernel_size=3
    ),
}


@pytest.fixture(autouse=True)
def _in_float32(monkeypatch):
    """TensorFloat-32 is off."""
    monkeypatch.setattr(torch.backends.cudnn, 'allow_tf32', False)


@pytest.fixture
def points_of_the_cpu(monkeypatch):
    """Random points are those of the CPU's generator, on any device."""
    rand = torch.rand
    monkeypatch.setattr(torch, 'rand', lambda *size, device: rand(*size).to(device))


def on_cuda(batch):
    return dict(inputs=batch['inputs'].cuda(), data_samples=[sample.to('cuda') for sample in batch['data_samples']])


def losses_of_steps(model, batch, count):
    """Total loss, and norm of the gradient, of each of some steps; and the norms of the last step's gradients."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    history = []
    for step in range(count):
        torch.manual_seed(step)
        loss = sum(model(batch['inputs'], batch['data_samples'], mode='loss').values())
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        history.append((loss.item(), norm.item()))
    return history, {name: p.grad.clone().cpu() for name, p in model.named_parameters() if p.grad is not None}


def move_sampling_points(model):
    """In a new model they lie on centers of pixels, where the gradient of an interpolation jumps."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith('sampling_offsets.bias'):
                parameter += 0.3 * torch.rand_like(parameter)


@pytest.mark.usefixtures('points_of_the_cpu')
@pytest.mark.parametrize('backbone', BACKBONES)
def test_training_steps_equal_those_of_the_cpu(build_model, train_batch, backbone):
    model = build_model(backbone=BACKBONES[backbone]).train()
    move_sampling_points(model)
    start = {name: value.clone() for name, value in model.state_dict().items()}
    expected, expected_gradients = losses_of_steps(model, train_batch, 3)
    model.load_state_dict(start)
    found, gradients = losses_of_steps(model.cuda(), on_cuda(train_batch), 3)
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), rtol=2e-3, atol=1e-4)
    assert gradients.keys() == expected_gradients.keys()
    for name, gradient in gradients.items():
        assert (gradient - expected_gradients[name]).norm() < 0.02 * expected_gradients[name].norm() + 1e-4, name


@pytest.mark.parametrize('backbone', BACKBONES)
def test_recomputed_gradients_are_the_same(build_model, train_batch, backbone):
    """With dropout and drop path, whose masks are drawn again."""
    config = BACKBONES[backbone] | (dict(drop_path_rate=0.3) if backbone != 'resnet' else {})
    batch, gradients = on_cuda(train_batch), []
    for recompute in (False, True):
        torch.manual_seed(0)
        model = build_model(backbone=config | dict(with_cp=recompute)).cuda().train()
        model.panoptic_head.pixel_decoder.with_cp = recompute
        gradients.append(losses_of_steps(model, batch, 1)[1])
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.parametrize('dtype', ['float16', 'bfloat16'])
def test_mixed_precision_stays_finite_and_learns(build_model, train_batch, dtype):
    """100 steps with gradient scaling, which may skip the first ones to find its scale."""
    model = build_model().cuda().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    wrapper = AmpOptimWrapper(dtype=dtype, optimizer=optimizer, clip_grad=dict(max_norm=1.0))
    batch = on_cuda(train_batch)
    losses = torch.stack([sum(model.train_step(batch, wrapper).values()).detach() for _ in range(100)])
    assert losses.isfinite().all()
    assert losses[-10:].mean() < 0.6 * losses[:10].mean()
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    assert dtype == 'bfloat16' or wrapper.loss_scaler.get_scale() >= 1


def test_memory_of_training_is_flat(build_model, train_batch):
    model = build_model().cuda().train()
    wrapper = OptimWrapper(torch.optim.AdamW(model.parameters(), lr=1e-4))
    batch, history = on_cuda(train_batch), []
    for _ in range(200):
        model.train_step(batch, wrapper)
        history.append((torch.cuda.memory_allocated(), torch.cuda.memory_reserved()))
    assert max(history[100:]) <= max(history[20:100])


def waits(work):
    """Lines of the package that wait for the device; the work is done once before, as caches are filled then."""
    work()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        torch.cuda.set_sync_debug_mode('warn')
        try:
            work()
        finally:
            torch.cuda.set_sync_debug_mode('default')
    return [f'{Path(w.filename).name}:{w.lineno}' for w in caught if 'synchronizing CUDA operation' in str(w.message)]


@torch.no_grad()
@pytest.mark.parametrize('backbone', BACKBONES)
def test_the_network_never_waits(build_model, backbone):
    model, images = build_model(backbone=BACKBONES[backbone]).cuda().eval(), torch.randn(2, 3, 64, 96).cuda()
    assert waits(lambda: model(images, mode='tensor', tasks=tuple(TASKS))) == []


def test_a_training_step_waits_for_the_matching_alone(build_model, train_batch):
    model, batch = build_model().cuda().train(), on_cuda(train_batch)
    found = waits(lambda: sum(model(**batch, mode='loss').values()).backward())
    assert [line.split(':')[0] for line in found] == ['matcher.py']


@torch.no_grad()
def test_post_processing_waits_a_few_times_for_an_image(build_model):
    """For the tiles and queries that are needed, and the segments that are found, however large the image is."""
    model, images = build_model(test_cfg=dict(object_mask_thr=0.1)).cuda().eval(), torch.randn(1, 3, 64, 96).cuda()
    sample = DetDataSample(metainfo=dict(img_shape=(64, 96), ori_shape=(1500, 2250)))
    for task, count in (('semantic', 2), ('instance', 4), ('panoptic', 8)):
        found = waits(lambda task=task: model(images, [sample], mode='predict', tasks=[task]))
        assert len(found) <= count, found


@torch.no_grad()
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('backbone', BACKBONES)
def test_graphs_give_the_same_results(build_model, backbone, dtype):
    """Bit by bit, also for a size and tasks that come back."""
    model = build_model(backbone=BACKBONES[backbone], test_cfg=dict(cuda_graphs=True)).cuda().eval()
    plain = build_model(backbone=BACKBONES[backbone]).cuda().eval()
    plain.load_state_dict(model.state_dict())
    for size, tasks in (((64, 96), 3), ((96, 64), 1), ((64, 96), 3)):
        images = torch.randn(2, 3, *size).cuda()
        with torch.autocast('cuda', dtype, enabled=dtype != torch.float32):
            found, expected = (m(images, mode='tensor', tasks=tuple(TASKS)[:tasks]) for m in (model, plain))
        for task, logits in expected.items():
            for ours, theirs in zip(found[task], logits, strict=True):
                assert torch.equal(ours, theirs)


@torch.no_grad()
def test_graphs_follow_the_settings(build_model):
    model, images = build_model(test_cfg=dict(cuda_graphs=True)).cuda().eval(), torch.randn(1, 3, 64, 96).cuda()
    every_layer = model(images)['panoptic'][0]
    model.test_cfg = replace(model.test_cfg, num_layers=1)
    found = model(images)['panoptic'][0]
    model.test_cfg = replace(model.test_cfg, cuda_graphs=False)
    assert torch.equal(found, model(images)['panoptic'][0])
    assert not torch.equal(found, every_layer)


@torch.no_grad()
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.float16])
def test_results_equal_those_of_the_cpu(build_model, dtype):
    """All three results of images of their own size, from confident logits."""
    model, images = build_model(test_cfg=dict(object_mask_thr=0.1)).eval(), torch.randn(2, 3, 64, 96)

    def predict():
        samples = [DetDataSample(metainfo=dict(img_shape=(45, 60), ori_shape=(300, 410))) for _ in images]
        device = next(model.parameters()).device.type
        with torch.autocast(device, dtype, enabled=dtype != torch.float32):
            return [sample.cpu() for sample in model(images.to(device), samples, mode='predict')]

    expected = predict()
    model.cuda()
    least = 0.999 if dtype == torch.float32 else 0.8  # queries of random weights are alike
    for ours, theirs in zip(predict(), expected, strict=True):
        for key in ('pred_panoptic_seg', 'pred_sem_seg'):
            assert (ours.get(key).sem_seg == theirs.get(key).sem_seg).float().mean() > least
        scores, expected_scores = (result.pred_instances.scores.float() for result in (ours, theirs))
        torch.testing.assert_close(scores, expected_scores, rtol=0.05, atol=1e-4 if dtype == torch.float32 else 0.05)


def test_fully_sharded_step_equals_the_plain_one(build_model, train_batch, tmp_path):
    """In one process, through NCCL: the units are gathered and their gradients reduced as among many."""
    torch.distributed.init_process_group('nccl', init_method=f'file://{tmp_path}/meet', rank=0, world_size=1)
    try:
        model = build_model().cuda().train()
        start = {name: value.clone() for name, value in model.state_dict().items()}
        batch = on_cuda(train_batch)
        expected, _ = losses_of_steps(model, batch, 2)
        model.load_state_dict(start)
        units = find_fsdp_units(model)
        sharded = FullyShardedDataParallel(
            model,
            auto_wrap_policy=CustomPolicy(lambda module: module in units),
            use_orig_params=True,
            ignored_states=find_scalars(model),
        )
        found, _ = losses_of_steps(sharded, batch, 2)
    finally:
        torch.distributed.destroy_process_group()
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), rtol=1e-3, atol=1e-4)
