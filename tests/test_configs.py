"""Each config builds, and has the numbers of the paper and of the authors' recipes."""

from difflib import ndiff
from pathlib import Path
from shutil import copytree

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch.overrides import TorchFunctionMode

from mmoneformer.registry import MODELS

CONFIGS = Path(__file__).parents[1] / 'configs'
NAMES = sorted(path.stem.removeprefix('oneformer_') for path in CONFIGS.glob('*.py'))

MODELS_OF_THE_PAPER = {  # <backbone>_<data set>, maybe with a variant: queries
    'r50_ade20k': 150,
    'r50_cityscapes': 150,
    'r50_coco': 150,
    'swin-t_ade20k': 150,
    'swin-t_cityscapes': 150,
    'swin-t_coco': 150,
    'swin-l_ade20k': 250,
    'swin-l_ade20k_896': 250,
    'swin-l_ade20k_1280': 250,
    'swin-l_cityscapes': 250,
    'swin-l_coco': 150,
    'swin-l_mapillary': 250,
    'convnext-l_ade20k': 250,
    'convnext-l_cityscapes': 250,
    'convnext-l_cityscapes_mapillary-pretrained': 250,
    'convnext-l_mapillary': 250,
    'convnext-l_mapillary_three-tasks': 250,
    'convnext-xl_ade20k': 250,
    'convnext-xl_cityscapes': 250,
    'convnext-xl_cityscapes_mapillary-pretrained': 250,
    'convnext-xl_mapillary_three-tasks': 250,
    'dinat-l_ade20k': 250,
    'dinat-l_ade20k_896': 250,
    'dinat-l_ade20k_1280': 250,
    'dinat-l_ade20k_1280_coco-pretrained': 150,
    'dinat-l_cityscapes': 250,
    'dinat-l_coco': 150,
    'dinat-l_mapillary': 250,
}
MODELS_OF_TIMM = {  # millions of parameters of the backbone's network, layers
    'dinov3-l_coco': (303, 24),
    'dinov2-b_ade20k': (87, 12),
}
SMALL_MODELS = ('mobilenetv4-m_coco',)
REAL_DATA = ('efficientnet-lite0_camvid', 'efficientnet-lite0_nuclei')  # trained in test_real_data.py
TEMPLATES = ('swin-t_custom', 'dinov3-b_custom', 'convnextv2-t_custom')
BACKBONES = {  # millions of parameters of the model (None: not published), drop path
    'r50': (47, None),
    'swin-t': (None, 0.3),
    'swin-l': (219, 0.3),
    'convnext-l': (220, 0.4),
    'convnext-xl': (372, 0.4),
    'dinat-l': (223, 0.3),
}
DATASETS = {  # classes, things, thresholds
    'ade20k': (150, 100, (0.5, 0.8)),
    'cityscapes': (19, 8, (0.8, 0.8)),
    'coco': (133, 80, (0.8, 0.8)),
    'mapillary': (65, 37, (0.8, 0.8)),
}
ITERATIONS = {'ade20k': 160000, 'cityscapes': 90000, 'mapillary': 300000}
COCO_SCHEDULES = {  # iterations, steps
    'r50': (368750, [327778, 355092]),
    'swin-t': (368750, [327778, 355092]),
    'swin-l': (737500, [655556, 735184]),
    'dinat-l': (737500, [655556, 710184]),
}
DILATIONS = {
    'ade20k_1280': (
        (1, 28, 1),
        (1, 7, 1, 14),
        (1, 3, 1, 5, 1, 5, 1, 7, 1, 3, 1, 5, 1, 5, 1, 7, 1, 7),
        (1, 3, 1, 3, 1),
    ),
    'cityscapes': ((1, 18, 1), (1, 5, 1, 9), (1, 2, 1, 3, 1, 4, 1, 2, 1, 3, 1, 4, 1, 2, 1, 3, 1, 4), (1, 2, 1, 2, 1)),
    'else': ((1, 20, 1), (1, 5, 1, 10), (1, 2, 1, 3, 1, 4, 1, 5, 1, 2, 1, 3, 1, 4, 1, 5, 1, 5), (1, 2, 1, 2, 1)),
}


class WithoutMemory(TorchFunctionMode):
    """Gives the parameters that a module makes a shape alone: to build and count a model takes no time then."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        is_made = func in (torch.empty, torch.ones, torch.zeros, torch.randn)
        return func(*args, **(kwargs or {}) | ({'device': 'meta'} if is_made else {}))


def load(name: str) -> Config:
    cfg = Config.fromfile(CONFIGS / f'oneformer_{name}.py')
    init_default_scope(cfg.default_scope)
    cfg.model.backbone.init_cfg = None  # no download
    return cfg


def test_every_config_is_in_the_table():
    others = {'tiny_shapes', 'convnext-xl_ade20k_fsdp', *TEMPLATES}
    assert set(NAMES) == {*MODELS_OF_THE_PAPER, *MODELS_OF_TIMM, *SMALL_MODELS, *REAL_DATA, *others}


def test_configs_say_differences_alone():
    lengths = {name: len((CONFIGS / f'oneformer_{name}.py').read_text().splitlines()) for name in MODELS_OF_THE_PAPER}
    assert max(lengths.values()) <= 25


@pytest.mark.parametrize(
    ('name', 'queries'),
    [
        pytest.param(name, queries, marks=[pytest.mark.slow] if name.count('_') > 1 else [])  # a variant of another
        for name, queries in MODELS_OF_THE_PAPER.items()
    ],
)
def test_model(name, queries):
    backbone, dataset, *_ = name.split('_')
    millions, drop_path = BACKBONES[backbone]
    classes, things, thresholds = DATASETS[dataset]
    cfg = load(name)
    with WithoutMemory():
        model = MODELS.build(cfg.model)
    if millions:
        count = sum(parameter.numel() for key, parameter in model.named_parameters() if 'text_mapper' not in key)
        assert count / 1e6 == pytest.approx(millions, rel=0.01)
    assert cfg.model.backbone.get('drop_path_rate') == drop_path
    assert model.panoptic_head.query_embed.shape == (queries, 256)
    assert model.panoptic_head.text_mapper.num_texts == queries - 16
    assert len(model.panoptic_head.masked_decoder.layers) == 9
    assert len(model.panoptic_head.pixel_decoder.layers) == 6
    assert model.panoptic_head.prediction.classify.out_features == classes + 1
    assert len(model.dataset_meta['thing_ids']) == things
    assert (model.test_cfg.object_mask_thr, model.test_cfg.overlap_thr) == thresholds
    assert model.test_cfg.max_per_image == queries


@pytest.mark.parametrize('name', MODELS_OF_THE_PAPER)
def test_optimization(name):
    backbone, dataset, *_ = name.split('_')
    cfg = load(name)
    assert cfg.optim_wrapper.optimizer == dict(type='AdamW', lr=1e-4, weight_decay=0.05, fused=True)
    assert cfg.optim_wrapper.paramwise_cfg == dict(backbone_lr_mult=0.1)
    assert cfg.optim_wrapper.clip_grad == dict(max_norm=0.01, norm_type=2)
    in_float32 = backbone == 'dinat-l' or name == 'swin-l_coco'
    assert cfg.optim_wrapper.type == ('FiniteOptimWrapper' if in_float32 else 'AmpOptimWrapper')
    assert cfg.train_dataloader.batch_size == 16
    if dataset == 'coco':
        iterations, steps = COCO_SCHEDULES[backbone]
        warm_up, decay = cfg.param_scheduler
        assert (warm_up.begin, warm_up.end) == (0, 10)
        assert decay.milestones == steps
    else:
        iterations = ITERATIONS[dataset]
        (decay,) = cfg.param_scheduler
        assert (decay.type, decay.power, decay.begin) == ('PolyLR', 0.9, 0)
    assert cfg.train_cfg.max_iters == decay.end == iterations


@pytest.mark.parametrize('name', MODELS_OF_TIMM)
def test_models_of_timm(name):
    millions, layers = MODELS_OF_TIMM[name]
    cfg = load(name)
    with WithoutMemory():
        model = MODELS.build(cfg.model)
    count = sum(parameter.numel() for parameter in model.backbone.net.parameters())
    assert count / 1e6 == pytest.approx(millions, rel=0.01)
    assert cfg.model.backbone.pretrained
    assert model.data_preprocessor.mean.flatten().tolist() == pytest.approx([123.675, 116.28, 103.53])
    assert cfg.optim_wrapper.paramwise_cfg == dict(backbone_lr_mult=1.0, layer_decay=0.8)
    assert max(model.backbone.layers_above().values()) == layers + 1


@pytest.mark.parametrize('name', SMALL_MODELS)
def test_small_models(name):
    with WithoutMemory():
        model = MODELS.build(load(name).model)
    count = sum(parameter.numel() for key, parameter in model.named_parameters() if 'text_mapper' not in key)
    assert count / 1e6 == pytest.approx(11.2, rel=0.01)
    assert model.panoptic_head.query_embed.shape == (100, 128)
    assert model.data_preprocessor.mean.flatten().tolist() == pytest.approx([123.675, 116.28, 103.53])


@pytest.mark.parametrize('name', TEMPLATES[1:])
def test_templates_differ_in_the_backbone_alone(name):
    first, other = (
        (CONFIGS / f'oneformer_{template}.py').read_text().splitlines() for template in (TEMPLATES[0], name)
    )
    changes = [line for line in ndiff(first, other) if line.startswith('+ ')]
    words = ('_custom', 'models/oneformer_', 'frozen', 'lora_rank', 'backbone')
    assert 0 < len(changes) <= 6
    assert all(any(word in line for word in words) for line in changes), changes


def test_templates_pass_their_choices_on(tmp_path):
    copytree(CONFIGS, tmp_path / 'configs')
    path = tmp_path / 'configs' / 'oneformer_dinov3-b_custom.py'
    text = path.read_text()
    backbones = []
    for choices in ('', "lora_rank = 8\nload_from = 'x.pth'\n", 'frozen = True\n'):
        path.write_text(text.replace('# What follows', f'{choices}# What follows'))
        backbones.append(Config.fromfile(path).model.backbone)
    assert [backbone.pretrained for backbone in backbones] == [True, False, True]
    assert [backbone.lora_rank for backbone in backbones] == [0, 8, 0]
    assert [backbone.frozen for backbone in backbones] == [False, False, True]
    assert load('convnextv2-t_custom').model.backbone.pretrained


def test_splitting_the_model_changes_nothing_else():
    split, whole = load('convnext-xl_ade20k_fsdp'), load('convnext-xl_ade20k')
    assert (split.pop('runner_type'), split.pop('strategy').type) == (
        'FlexibleRunner',
        'mmoneformer.FullyShardedStrategy',
    )
    assert (split.optim_wrapper.pop('type'), split.optim_wrapper.pop('dtype')) == (
        'FullyShardedOptimWrapper',
        'bfloat16',
    )
    del whole.optim_wrapper['type']
    assert split.to_dict() == whole.to_dict()


@pytest.mark.parametrize('name', MODELS_OF_THE_PAPER)
def test_task_probabilities(name):
    cfg = load(name)
    (sample_task,) = (step for step in cfg.train_dataloader.dataset.pipeline if step.type == 'SampleTask')
    if name in ('swin-l_mapillary', 'convnext-l_mapillary', 'dinat-l_mapillary'):
        assert sample_task.probabilities == dict(panoptic=0.5, semantic=0.5)
        assert cfg.model.test_cfg.tasks == ['panoptic', 'semantic']
        assert [metric.type for metric in cfg.test_evaluator] == ['PanopticQuality', 'SemanticIoU']
    else:
        assert 'probabilities' not in sample_task
        assert 'tasks' not in cfg.model.test_cfg
        assert len(cfg.test_evaluator) == 3


@pytest.mark.parametrize('name', [name for name in NAMES if name.startswith('dinat')])
def test_neighborhoods_of_dinat(name):
    dataset = name.removeprefix('dinat-l_').removesuffix('_coco-pretrained')
    backbone = load(name).model.backbone
    assert backbone.dilations == DILATIONS.get(dataset, DILATIONS['else'])
    assert backbone.kernel_size == (7 if dataset == 'cityscapes' else 11)


@pytest.mark.parametrize('name', [name for name in NAMES if name.startswith('r50')])
def test_batch_norm_learns_on_cityscapes_alone(name):
    backbone = load(name).model.backbone
    learns = name == 'r50_cityscapes'
    assert backbone.norm_cfg == dict(type='SyncBN' if learns else 'BN', requires_grad=learns)
    assert backbone.norm_eval is not learns


@pytest.mark.parametrize('name', [name for name in NAMES if name.endswith('pretrained')])
def test_weights_of_another_data_set(name):
    """Training starts from a model that has a config here, and fetches no ImageNet weights."""
    cfg = Config.fromfile(CONFIGS / f'oneformer_{name}.py')
    assert cfg.model.backbone.init_cfg is None
    source = Path(cfg.load_from).stem.removeprefix('oneformer_')
    assert MODELS_OF_THE_PAPER[source] == MODELS_OF_THE_PAPER[name]
    assert source.split('_')[0] == name.split('_')[0]


def test_width_and_queries_are_written_once():
    cfg = load('tiny_shapes')
    cfg.merge_from_dict({'model.panoptic_head.channels': 96, 'model.panoptic_head.num_queries': 17})
    model = MODELS.build(cfg.model).eval()
    inputs = torch.rand(1, 3, 64, 96)
    class_logits, mask_logits = model(inputs, mode='tensor', tasks=['panoptic'])['panoptic']
    assert class_logits.shape == (1, 17, len(cfg.metainfo.classes) + 1)
    assert mask_logits.shape == (1, 17, 16, 24)
    assert model.panoptic_head.text_mapper([['a'] * 11]).shape == (1, 17, 96)
