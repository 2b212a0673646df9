"""The model zoo names configs and weights that exist, and the commands that belong to them."""

import json
import re
from pathlib import Path

import yaml
from mmengine.config import Config

from mmoneformer.checkpoints.model_zoo import BASE_URL
from mmoneformer.registry import METRICS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / 'docs' / 'model_zoo.md').read_text()
PARITY = json.loads((ROOT / 'docs' / 'parity.json').read_text())
QUANTITIES = ('class logits', 'mask logits', 'losses, relative', 'gradient norms, relative')  # in the page's table
ROWS = [line.strip('| ').split(' | ') for line in PAGE.splitlines() if re.match(r'\|.*\.py', line)]
NOT_PUBLISHED = ('swin-t', 'r50_cityscapes', 'three-tasks', 'tiny', 'fsdp', 'convnextv2', 'dino', 'mobilenet', 'lite0')


def config_of(row: list[str]) -> str:
    label, path = re.fullmatch(r'\[`(.*)`\]\(\.\./configs/(.*)\)', row[6]).groups()
    assert label == path
    return path


def test_every_row_has_its_config_and_every_published_config_a_row():
    configs = {path.name for path in (ROOT / 'configs').glob('*.py')}
    assert {config_of(row) for row in ROWS} == {name for name in configs if not any(n in name for n in NOT_PUBLISHED)}


def test_weights_fit_their_config():
    for row in ROWS:
        weights, config = row[7].strip('`'), config_of(row).removesuffix('.py')
        if weights == 'not released':
            continue
        backbone, dataset, *variants = config.removeprefix('oneformer_').split('_')
        assert f'_{backbone.replace("-", "_")}_oneformer_{dataset}_' in weights
        assert ('1280x1280' in weights) == ('1280' in variants)
        assert ('896x896' in weights) == ('896' in variants)
        assert ('pretrain' in weights) == any('pretrained' in variant for variant in variants)
        assert f'python tools/test.py configs/{config}.py checkpoints/{config}.pth\n' in PAGE


def test_the_metafile_has_the_figures_of_the_page():
    (path,) = yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
    models = yaml.safe_load((ROOT / path).read_text())['Models']
    rows = {config_of(row): row for row in ROWS if row[7] != 'not released'}
    for model in models:
        assert model['Config'] == f'configs/{model["Name"]}.py'
        assert model['Weights'].startswith(f'{BASE_URL}/')
        row = rows.pop(f'{model["Name"]}.py')
        found = {name: value for result in model['Results'] for name, value in result['Metrics'].items()}
        assert [str(found.get(name, '-')) for name in ('PQ', 'mask AP', 'mIoU', 'mIoU(ms+flip)')] == row[1:5]
        cfg = Config.fromfile(ROOT / model['Config'])
        metadata = model['Metadata']
        assert (metadata['Iterations'], f'{metadata["Parameters"] // 10**6}M') == (cfg.train_cfg.max_iters, row[5])
        assert Path(model['Weights']).name == row[7].strip('`')
    assert not rows


def test_the_page_says_whose_figures_these_are():
    assert "Every figure on this page is the paper's" in PAGE
    figures = {config_of(row): row[1:5] for row in ROWS}
    assert figures['oneformer_swin-l_ade20k.py'] == ['49.8', '35.9', '57.0', '57.7']
    assert figures['oneformer_dinat-l_coco.py'] == ['58.0', '49.2', '68.1', '-']
    assert all(len(row) == 8 for row in ROWS)


def test_links_and_tools_exist():
    for target in re.findall(r'\]\((.*?)\)', PAGE):
        assert (ROOT / 'docs' / target).exists()
    for tool in set(re.findall(r'tools/[\w/]+(?:\.py|\.sh)?', PAGE)):
        assert (ROOT / tool).exists()


def test_option_for_the_authors_miou_is_one():
    config, option = re.search(r'test\.py (\S+) \S+ --cfg-options (\S+)', PAGE).groups()
    cfg = Config.fromfile(ROOT / config)
    cfg.merge_from_dict(dict([option.split('=')]))
    for loader, folders in ((cfg.test_dataloader, {'img', 'seg', 'labels'}), (cfg.val_dataloader, {'img', 'seg'})):
        assert loader.dataset.data_prefix.keys() == folders
    pipelines = (cfg.test_dataloader.dataset.pipeline, cfg.tta_pipeline)
    assert all(str(pipeline).count("'LoadLabelMap'") == 1 for pipeline in pipelines)


def test_config_for_a_test_server_is_one(tmp_path):
    (code,) = re.findall(r'```python\n(.*?)```', PAGE, re.DOTALL)
    path = tmp_path / 'server.py'
    path.write_text(code)
    cfg = Config.fromfile(path)
    assert cfg.test_dataloader.dataset.data_prefix == {'img': 'test2017/'}
    assert cfg.val_dataloader.dataset.data_prefix.keys() == {'img', 'seg'}
    tasks = [METRICS.build(metric).task for metric in cfg.test_evaluator]
    assert tasks == cfg.model.test_cfg.tasks


def test_parity_of_the_page_is_that_of_the_json():
    rows = [
        [name, *(f'{found[key]["worst"]:.1e}' if key in found else '-' for key in QUANTITIES)]
        for name, found in PARITY['models'].items()
    ]
    head = ['model', *QUANTITIES]
    assert '\n'.join(f'| {" | ".join(line)} |' for line in [head, ['---'] * len(head), *rows]) in PAGE
    versions = ', '.join(f'{name} {version}' for name, version in PARITY['versions'].items())
    assert f'on {PARITY["date"]} with {versions}' in ' '.join(PAGE.split())


def test_parity_is_that_of_all_reference_models():
    small = {path.name.removesuffix('_infer.npz') for path in (ROOT / 'tests/data').glob('*_infer.npz')}
    assert {name for name in PARITY['models'] if not name.startswith('transformers, ')} == small
    assert len(PARITY['models']) > len(small)
    assert all(found['worst'] <= found['bound'] for model in PARITY['models'].values() for found in model.values())
    assert all(len(PARITY['models'][name]) == 10 for name in small)
