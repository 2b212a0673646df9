import copy
import inspect
import re
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.runner import FlexibleRunner, Runner

from mmoneformer import config_files
from mmoneformer.checkpoints.infer_config import image_scale
from mmoneformer.config_files import apply_options, config_names, config_path, find_config, find_released_configs

CLONE = Path(__file__).parents[1] / 'configs'


def test_a_clone_has_its_own_configs():
    assert config_names() == sorted(path.stem for path in CLONE.glob('*.py'))
    assert config_path('oneformer_swin-l_ade20k') == CLONE / 'oneformer_swin-l_ade20k.py'
    assert config_path('_base_/models/oneformer_r50') == CLONE / '_base_/models/oneformer_r50.py'


def test_those_of_the_wheel_come_first(tmp_path, monkeypatch):
    """Another package may have put a folder named configs beside an installed one."""
    monkeypatch.setattr(config_files, 'IN_WHEEL', tmp_path)
    (tmp_path / 'oneformer_x.py').touch()
    assert config_names() == ['oneformer_x']
    assert config_path('oneformer_x') == tmp_path / 'oneformer_x.py'


def test_unknown_names_list_similar_ones():
    with pytest.raises(
        ValueError, match=r"unknown config 'oneformer_swin-l_ade': did you mean oneformer_swin-l_ade20k"
    ):
        config_path('oneformer_swin-l_ade')
    with pytest.raises(ValueError, match="unknown config 'x': 'mmoneformer config' lists all names"):
        config_path('x')


def test_a_file_or_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('mine.py').touch()
    assert find_config('mine.py') == Path('mine.py')
    assert find_config('oneformer_r50_coco') == CLONE / 'oneformer_r50_coco.py'


def test_neither_a_file_nor_a_name():
    with pytest.raises(
        FileNotFoundError, match=r"no config file 'configs/oneformer_r50_koko.py', .* oneformer_r50_coco"
    ):
        find_config('configs/oneformer_r50_koko.py')


@pytest.mark.parametrize(
    ('backbone', 'dataset', 'name', 'scale', 'threshold'),
    [
        ('swin-l', 'ade20k', None, (2560, 640), 0.5),
        ('swin-l', 'ade20k', 'oneformer_swin-l_ade20k_1280', (5120, 1280), 0.5),
        ('swin-l', 'ade20k', 'oneformer_dinat-l_ade20k_1280', (2560, 640), 0.5),  # of another backbone
        ('r50', 'ade20k', None, (2048, 512), 0.5),
        ('dinat-l', 'cityscapes', None, (2048, 1024), 0.8),
        ('swin-t', 'mapillary', None, (2048, 2048), 0.8),  # there is no such config
        ('own', 'mapillary', None, (2048, 2048), 0.8),
        ('convnext-xl', None, None, (1333, 800), 0.8),
    ],
)
def test_how_models_are_tested(backbone, dataset, name, scale, threshold):
    data = find_released_configs(backbone, dataset, name).data
    assert image_scale(data) == scale
    assert data.model.test_cfg.object_mask_thr == threshold


def test_backbones():
    exact = find_released_configs('dinat-l', 'ade20k', 'oneformer_dinat-l_ade20k_1280')
    assert exact.is_exact
    assert exact.backbone.model.backbone.dilations[0] == (1, 28, 1)
    elsewhere = find_released_configs('swin-t', 'mapillary')
    assert not elsewhere.is_exact
    assert elsewhere.backbone.model.backbone.embed_dims == 96
    assert not find_released_configs('dinat-l', None).is_exact
    assert find_released_configs('own', 'coco').backbone is None


@pytest.fixture(scope='module')
def template():
    return Config.fromfile(CLONE / 'oneformer_swin-t_custom.py')


def test_options_override(template):
    cfg = copy.deepcopy(template)
    apply_options(cfg, {'model.test_cfg.overlap_thr': 0.5, 'train_dataloader.dataset.pipeline.3.crop_size': (9, 9)})
    assert cfg.model.test_cfg.overlap_thr == 0.5
    assert cfg.train_dataloader.dataset.pipeline[3].crop_size == (9, 9)


@pytest.mark.parametrize(
    ('name', 'remedy'),
    [
        ('max_iters', 'it is a variable of the file: change it there, or set train_cfg.max_iters'),
        ('batch_size', 'it is a variable .*set train_dataloader.batch_size or '),
        ('crop_size', r'set train_dataloader.dataset.pipeline.3.crop_size'),
        ('train_pipeline.3.crop_size', 'set train_dataloader.dataset.pipeline.3.crop_size'),
        ('optimizer.lr', 'set optim_wrapper.optimizer.lr'),
        ('modle.test_cfg.tasks', 'set model.test_cfg.tasks'),
        ('modle.panoptic_head.new', 'set model.panoptic_head.new'),
        ('data_root', 'set train_dataloader.dataset.sources.0.data_root or test_'),
        ('train_dataloader.dataset.data_root', r'\(set train_dataloader.dataset.sources.0.data_root'),
        ('x', r'x \(nothing reads it\)'),
    ],
)
def test_options_without_effect_are_refused(template, name, remedy):
    cfg = copy.deepcopy(template)
    with pytest.raises(ValueError, match=remedy) as refusal:
        apply_options(cfg, {'load_from': 'x.pth', name: 1})
    assert str(refusal.value).startswith(f'options that have no effect: {name} (')
    assert cfg.to_dict() == template.to_dict()


def test_options_without_effect_may_be_a_warning(template, monkeypatch):
    messages = []
    monkeypatch.setattr(config_files, 'print_log', lambda message, **_: messages.append(message))
    cfg = copy.deepcopy(template)
    apply_options(cfg, {'max_iters': 9}, strict=False)
    assert cfg.max_iters == 9
    assert messages[0].startswith('options that have no effect: max_iters (')


def test_all_that_runners_read_can_be_set():
    source = ''.join(map(inspect.getsource, (Runner, FlexibleRunner)))
    read = set(re.findall(r"self\.cfg\.get\('(\w+)'|=cfg(?:\.get\(|\[)'(\w+)'", source))
    names = {name for pair in read for name in pair if name}
    assert names > {'model', 'sync_bn', 'strategy'}
    assert names <= config_files.READ


def test_a_config_is_formatted_once(monkeypatch):
    formatted = []
    monkeypatch.setattr('mmengine.config.config.FormatCode', lambda text, **_: (formatted.append(text) or text, True))
    cfg = Config(dict(model=dict(type='OneFormer')))
    with config_files.formatted_once():
        assert cfg.pretty_text == cfg.pretty_text
        cfg.model.type = 'MaskFormer'
        assert 'MaskFormer' in cfg.pretty_text
    assert len(formatted) == 2
    assert cfg.pretty_text == formatted[2]
