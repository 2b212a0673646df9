import copy
import pickle
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from mmdet.structures import DetDataSample
from mmengine.registry import DefaultScope

from mmoneformer.models.data_preprocessor import OneFormerDataPreprocessor
from mmoneformer.models.oneformer import groups_of_a_size
from mmoneformer.models.oneformer_head import HeadOutput
from mmoneformer.tasks import TASKS

TASK_NAMES = list(TASKS)


@pytest.fixture
def inputs():
    return torch.randn(2, 3, 64, 96)


def asked(count=2):
    """Images of 45 x 60 in the input, 30 x 41 as the user has them."""
    return [DetDataSample(metainfo=dict(img_shape=(45, 60), ori_shape=(30, 41))) for _ in range(count)]


@torch.no_grad()
def test_tensor_mode_gives_logits_of_the_tasks(build_model, inputs):
    model = build_model().eval()
    logits = model(inputs, tasks=('semantic', 'panoptic'))
    assert list(logits) == ['semantic', 'panoptic']
    for class_logits, mask_logits in logits.values():
        assert class_logits.shape == (2, 12, 6)
        assert mask_logits.shape == (2, 12, 16, 24)
    alone = model(inputs, mode='tensor')['panoptic']
    torch.testing.assert_close(logits['panoptic'], alone, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_predict_mode_gives_results_at_the_original_size(build_model, inputs):
    model, samples = build_model(test_cfg=dict(object_mask_thr=0.1)).eval(), asked()
    results = model(inputs, samples, mode='predict')
    assert results is samples
    for result in results:
        assert result.task_tokens == {task: task for task in TASK_NAMES}
        panoptic, semantic = result.pred_panoptic_seg.sem_seg, result.pred_sem_seg.sem_seg
        assert panoptic.shape == semantic.shape == (1, 30, 41)
        assert panoptic.dtype == semantic.dtype == torch.int64
        assert result.pred_sem_seg.data is semantic
        instances = result.pred_instances
        assert instances.masks.shape == (len(instances), 30, 41)
        assert set(instances.labels.tolist()) <= {0, 2, 4}
        for segment in set(panoptic.unique().tolist()) - {5}:  # 5 is void
            assert (segment % 1000 in (0, 2, 4)) == (segment >= 1000)


@torch.no_grad()
def test_only_the_asked_results_are_given(build_model, inputs):
    model = build_model(test_cfg=dict(tasks=['semantic'])).eval()
    for result in model(inputs, asked(), mode='predict'):
        assert result.keys() == ['pred_sem_seg']
        assert result.task_tokens == {'semantic': 'semantic'}


@torch.no_grad()
def test_tasks_of_a_call_take_the_place_of_those_of_the_config(build_model, inputs):
    model = build_model(test_cfg=dict(tasks=['semantic'])).eval()
    for result in model(inputs, asked(), mode='predict', tasks=['instance']):
        assert result.keys() == ['pred_instances']
        assert result.task_tokens == {'instance': 'instance'}
    assert model.test_cfg.tasks == ('semantic',)


@torch.no_grad()
def test_queries_are_given_where_they_are_asked_for(build_model, inputs):
    """The embeddings are means of what is inside of the masks; the results are the same."""
    model, tasks = build_model().eval(), ('instance',)
    plain, found = (
        model(inputs, asked(), mode='predict', tasks=tasks, with_queries=wanted) for wanted in (False, True)
    )
    logits = model(inputs, mode='tensor', tasks=tasks)['instance'][1]
    features = model.panoptic_head.pixel_decoder(model.backbone(inputs)).mask_features
    for index, (before, after) in enumerate(zip(plain, found, strict=True)):
        assert (before.keys(), set(after.keys())) == (['pred_instances'], {'pred_instances', 'query_embeddings'})
        assert set(after.pred_instances.keys()) - set(before.pred_instances.keys()) == {'queries'}
        assert (before.pred_instances.masks == after.pred_instances.masks).all()
        for query, mask in enumerate(logits[index] > 0):
            expected = features[index][:, mask].mean(1) if mask.any() else torch.zeros(features.shape[1])
            torch.testing.assert_close(after.query_embeddings.instance[query], expected, atol=1e-4, rtol=1e-4)


def shown(*labels, logits):
    """What the network says of two images: a query everywhere, over it one on the left half; each with its label."""
    class_logits = torch.tensor(logits)[:, None] * F.one_hot(torch.tensor(labels), 6)
    masks = torch.full((2, 16, 24), 9.0)
    masks[1, :, 12:] = -9
    return class_logits.expand(2, -1, -1), masks.expand(2, -1, -1, -1)


@pytest.mark.parametrize(
    ('object_mask_thr', 'overlap_thr', 'expected'), [(0.5, 0.4, [1, 3]), (0.5, 0.55, [3, 5]), (0.7, 0.4, [3, 5])]
)
def test_thresholds_reach_the_result(build_model, inputs, monkeypatch, object_mask_thr, overlap_thr, expected):
    """The lower query has a score of 0.6, and half of it is left."""
    model = build_model(test_cfg=dict(tasks=['panoptic'], object_mask_thr=object_mask_thr, overlap_thr=overlap_thr))
    monkeypatch.setattr(HeadOutput, 'of_task', lambda *_: shown(1, 3, logits=[2.0, 9.0]))
    samples = [DetDataSample(metainfo=dict(img_shape=(64, 96), ori_shape=(64, 96))) for _ in range(2)]
    for result in model(inputs, samples, mode='predict'):
        assert result.pred_panoptic_seg.sem_seg.unique().tolist() == expected


@pytest.mark.parametrize('max_per_image', [1, 2])
def test_number_of_instances_reaches_the_result(build_model, inputs, monkeypatch, max_per_image):
    model = build_model(test_cfg=dict(tasks=['instance'], max_per_image=max_per_image))
    monkeypatch.setattr(HeadOutput, 'of_task', lambda *_: shown(0, 2, logits=[2.0, 9.0]))
    for result in model(inputs, asked(), mode='predict'):
        assert result.pred_instances.labels.tolist() == [2, 0][:max_per_image]


@torch.no_grad()
def test_images_without_instances(build_model, inputs):
    """No class is a thing."""
    metainfo = dict(classes=('sky', 'sea'), thing_ids=())
    for result in build_model(metainfo=metainfo).eval()(inputs, asked(), mode='predict'):
        assert result.pred_instances.masks.shape == (0, 30, 41)


def test_a_task_can_be_read_under_another_token(build_model, inputs, monkeypatch):
    """Under each token the network sees another class everywhere."""
    seen = {'panoptic': 1, 'instance': 2, 'semantic': 3}

    def head(features, tokens, num_layers):
        everywhere = torch.full((2, 1, 16, 24), 9.0)
        labels = [[seen[token] for token in tokens[0]]] * 2
        return SimpleNamespace(
            of_task=lambda index: (9 * F.one_hot(torch.tensor(labels)[:, index, None], 6).float(), everywhere)
        )

    model = build_model(test_cfg=dict(tasks=['panoptic', 'semantic'], tokens={'semantic': 'instance'}))
    monkeypatch.setattr(model.panoptic_head, 'forward', head)
    for result in model(inputs, asked(), mode='predict'):
        assert result.task_tokens == {'panoptic': 'panoptic', 'semantic': 'instance'}
        assert (result.pred_panoptic_seg.sem_seg == seen['panoptic']).all()
        assert (result.pred_sem_seg.sem_seg == seen['instance']).all()


def test_any_backbone_of_mmdet_with_four_outputs(build_model, inputs):
    backbone = dict(
        type='mmdet.SwinTransformer', embed_dims=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 2, 2), window_size=4
    )
    model = build_model(backbone=backbone).eval()
    assert model(inputs)['panoptic'][1].shape == (2, 12, 16, 24)


def test_things_and_classes_come_from_the_metainfo(build_model):
    model = build_model(metainfo='cityscapes')
    assert model.dataset_meta['classes'][11] == 'person'
    assert model.is_thing.tolist() == [False] * 11 + [True] * 8
    assert model.panoptic_head.prediction.classify.out_features == 20
    assert 'is_thing' not in model.state_dict()


@torch.no_grad()
@pytest.mark.parametrize('num_layers', [1, 2])
def test_predictions_of_an_earlier_layer(build_model, inputs, num_layers):
    model = build_model(test_cfg=dict(num_layers=num_layers)).eval()
    output = model.panoptic_head(model.backbone(inputs), [['panoptic']] * 2)
    assert len(output.predictions) == 3
    expected = HeadOutput(output.initial_queries, output.predictions[: num_layers + 1], output.mask_features)
    for found, wanted in zip(model(inputs, mode='tensor')['panoptic'], expected.of_task(0), strict=True):
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize('num_layers', [0, 3])
def test_layers_that_there_are_not(build_model, num_layers):
    with pytest.raises(ValueError, match=f'test_cfg.num_layers must be from 1 to 2, .* got {num_layers}'):
        build_model(test_cfg=dict(num_layers=num_layers))


def test_unknown_mode(build_model, inputs):
    with pytest.raises(ValueError, match="unknown mode 'train'"):
        build_model()(inputs, asked(), mode='train')


@pytest.mark.parametrize('mode', ['loss', 'predict'])
def test_missing_data_samples(build_model, inputs, mode):
    with pytest.raises(ValueError, match=f"mode '{mode}' needs data_samples"):
        build_model()(inputs, mode=mode)


@pytest.mark.parametrize('mode', ['tensor', 'predict'])
@pytest.mark.parametrize('tasks', [['detection'], []])
def test_unknown_tasks(build_model, inputs, mode, tasks):
    with pytest.raises(ValueError, match='choose one or more'):
        build_model()(inputs, asked(), mode=mode, tasks=tasks)


def test_as_many_instances_as_queries_are_the_default(build_model):
    assert build_model(num_queries=7).test_cfg.max_per_image == 7
    assert build_model(num_queries=7, test_cfg=dict(max_per_image=None)).test_cfg.max_per_image == 7
    assert build_model(num_queries=7, test_cfg=dict(max_per_image=3)).test_cfg.max_per_image == 3


def test_misspelt_test_config(build_model):
    with pytest.raises(TypeError, match='overlap_threshold'):
        build_model(test_cfg=dict(overlap_threshold=0.5))


@pytest.mark.slow
@torch.no_grad()
def test_the_whole_network_compiles_to_one_graph(build_model, inputs, monkeypatch):
    torch._dynamo.reset()
    compilations = []

    def compile_to_one_graph(function):
        compilations.append(function)
        return torch_compile(function, backend='eager', fullgraph=True)

    torch_compile = torch.compile
    monkeypatch.setattr(torch, 'compile', compile_to_one_graph)
    torch.manual_seed(0)
    model = build_model().eval()
    torch.manual_seed(0)
    compiled = build_model(test_cfg=dict(compile=True)).eval()
    for tasks in (('semantic', 'panoptic'), ('instance',)):
        expected, found = model(inputs, tasks=tasks), compiled(inputs, tasks=tasks)
        for task in tasks:
            torch.testing.assert_close(found[task], expected[task])
    assert len(compilations) == 1


@pytest.mark.parametrize('copied', [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@torch.no_grad()
def test_a_copy_of_a_used_model_has_its_own_weights(build_model, inputs, copied):
    model = build_model(test_cfg=dict(compile=True, cuda_graphs=True)).eval()
    with torch.compiler.set_stance('force_eager'):
        before = model(inputs)['panoptic']
        copy_of_model = copied(model)
        for parameter in model.parameters():
            parameter.zero_()
        for ours, expected in zip(copy_of_model(inputs)['panoptic'], before, strict=True):
            torch.testing.assert_close(ours, expected)


@torch.no_grad()
def test_results_do_not_depend_on_the_other_images_of_a_batch(build_model):
    """Images of another size are padded as if they were alone, and keep their place."""
    preprocessor = dict(type='mmdet.DetDataPreprocessor', mean=[0.0], std=[1.0], pad_size_divisor=32)
    model = build_model(data_preprocessor=preprocessor, test_cfg=dict(object_mask_thr=0.1)).eval()
    images = [torch.randn(3, *size) for size in ((40, 60), (64, 120), (33, 64), (40, 61))]

    def predict(*chosen):
        samples = [DetDataSample(metainfo=dict(img_shape=i.shape[1:], ori_shape=i.shape[1:])) for i in chosen]
        return model.test_step(dict(inputs=list(chosen), data_samples=samples))

    for result, image in zip(predict(*images), images, strict=True):
        (alone,) = predict(image)
        assert (result.pred_panoptic_seg.sem_seg == alone.pred_panoptic_seg.sem_seg).float().mean() > 0.999
        assert (result.pred_sem_seg.sem_seg == alone.pred_sem_seg.sem_seg).float().mean() > 0.999
        torch.testing.assert_close(result.pred_instances.scores, alone.pred_instances.scores, atol=1e-5, rtol=1e-5)


def test_groups_of_a_size():
    inputs = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 3, 96, 128)
    samples = [DetDataSample(metainfo=dict(pad_shape=size)) for size in ((64, 128), (96, 32), (64, 128))]
    ((indices, whole),) = groups_of_a_size(inputs, samples)
    assert indices == [0, 1, 2]
    assert whole is inputs
    for sample in samples:
        sample.set_metainfo(dict(batch_input_shape=(96, 128)))
    (wide, first), (high, second) = groups_of_a_size(inputs, samples)
    assert (wide, high) == ([0, 2], [1])
    assert (first.shape, second.shape) == ((2, 3, 64, 128), (1, 3, 96, 32))
    assert first[:, 0, 0, 0].tolist() == [0, 2]


@pytest.mark.parametrize(
    ('settings', 'said'),
    [
        (dict(pad_mask=True, pad_seg=True), 'has pad_mask and pad_seg, .*leave them out'),
        (dict(batch_augments=[dict(type='mmdet.BatchFixedSizePad', size=(64, 96), pad_seg=True)]), 'has pad_seg'),
        (
            dict(batch_augments=[dict(type='mmdet.BatchSyncRandomResize', random_size_range=(480, 800))]),
            'BatchSyncRandomResize, which resizes images and not .*RandomChoiceResize',
        ),
    ],
)
def test_preprocessors_that_do_not_fit_the_targets_are_refused(build_model, settings, said):
    with pytest.raises(ValueError, match=said):
        build_model(data_preprocessor=dict(type='mmdet.DetDataPreprocessor', **settings))


def test_is_built_without_a_default_scope(build_model, monkeypatch):
    """By our registry, which a user calls who has no runner."""
    monkeypatch.setattr(DefaultScope, 'get_current_instance', lambda: None)
    model = build_model(data_preprocessor=dict(type='OneFormerDataPreprocessor', pad_size_divisor=32))
    assert isinstance(model.data_preprocessor, OneFormerDataPreprocessor)
