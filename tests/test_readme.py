"""Every command and example of the README, in order, on a small scale; the rest of it says what is true.

One walk runs in this process and takes seconds; the slow one runs each line in a shell, as a reader would.
"""

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmoneformer.checkpoints.conversion import convert
from mmoneformer.checkpoints.download import is_hub_name
from mmoneformer.checkpoints.model_zoo import released_urls
from mmoneformer.registry import MODELS
from mmoneformer_cli.main import build_parser, main

ROOT = Path(__file__).parents[1]
README = (ROOT / 'README.md').read_text()
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
STEP = re.compile(r'^```python\n(?P<python>.*?)^```|^ {4}(?P<command>\S[^\n]*)', re.DOTALL | re.MULTILINE)
COMMANDS = [step['command'] for step in STEP.finditer(README) if step['command']]
(PREDICTION, CONFIG) = (step['python'] for step in STEP.finditer(README) if step['python'])

NO_LOADERS = ' '.join(
    f'{split}_dataloader.num_workers=0 {split}_dataloader.persistent_workers=False'
    for split in ('train', 'val', 'test')
)
ONE_STEP = f'--cfg-options train_cfg.max_iters=1 train_cfg.val_interval=1 default_hooks.logger.interval=1 {NO_LOADERS}'
TINY_SWIN = (
    'model.backbone.init_cfg=None model.backbone.embed_dims=8 model.backbone.depths=(1,1,1,1) '
    'model.backbone.num_heads=(1,1,2,2) model.panoptic_head.channels=64 model.panoptic_head.num_queries=30 '
    'model.panoptic_head.pixel_decoder.in_channels=[8,16,32,64] '
    'model.panoptic_head.text_mapper.encoder.num_layers=1 model.panoptic_head.text_mapper.encoder.width=64'
)
INSTEAD = {  # of what the README says: what takes seconds, and needs no network and no GPU
    'oneformer_swin-l_coco': 'released.pth',  # a tiny model of random weights
    'iter_800': 'iter_1',
    'iter_20000': 'iter_2',
    'configs/oneformer_swin-l_ade20k.py 8': f'configs/oneformer_tiny_shapes.py 2 {ONE_STEP}',
}
APPENDED = {
    'python tools/make_shapes_dataset.py': '--num-train 4 --num-val 2 --size 64',
    'python tools/train.py configs/oneformer_tiny_shapes.py': ONE_STEP,
    'mmoneformer check-dataset': '--workers 0 --samples 1',
    'mmoneformer train mine.py': f'--cfg-options {TINY_SWIN} {NO_LOADERS}',
    'python tools/benchmark.py': '--quick --rounds 1 --only start-up',
}
SMALL_TEMPLATE = 'max_iters, batch_size, crop_size = 2, 2, (64, 64)\n'  # of the first part, which its user edits
MAY_WARN = 'mmoneformer check-dataset'  # status 1: so small a data set is nothing to train on
NEVER_RUN = {
    'make demo': 'trains for minutes; tests/apis/test_demo.py has its steps',
    'make test': 'is what runs this test',
    'pip install': 'downloads; tests/test_install.py builds and reads the wheel',
    'python tools/convert_checkpoint.py hf://': 'downloads; tests/checkpoints has its parts',
    'mmoneformer serve': 'ends with Ctrl-C; tests/web opens the page in a browser',
}
SHELL_ONLY = {
    'mmoneformer export': 'takes a minute; tests/export has its parts',
    'python -m mmoneformer_deploy': 'needs the exported file; tests/deploy has it',
    'bash tools/dist_train.sh': 'starts two processes',
    'python tools/benchmark.py': 'starts processes; tests/tools/test_benchmark.py has it all',
}


def starts(command: str, table: dict[str, str]) -> str | None:
    """The entry of a table that a command begins with."""
    return next((start for start in table if command.startswith(start)), None)


def scaled(text: str) -> str:
    """Replace what takes long."""
    for theirs, ours in INSTEAD.items():
        text = text.replace(theirs, ours)
    return text


def words_of(command: str) -> list[str]:
    """The words of a command, on a small scale."""
    command = scaled(command)
    start = starts(command, APPENDED)
    return [*shlex.split(command, comments=True), *shlex.split(APPENDED[start] if start else '')]


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A folder with tools and configs, to work in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tools').symlink_to(ROOT / 'tools')
    shutil.copytree(ROOT / 'configs', tmp_path / 'configs')


@pytest.fixture
def pictures(clone):
    """Pictures, a video, and a model of random weights in the place of a released one."""
    frames = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3), np.uint8)
    video = cv2.VideoWriter('drive.mp4', cv2.VideoWriter_fourcc(*'mp4v'), 5, (64, 48))
    Path('photos').mkdir()
    for index, frame in enumerate(frames):
        cv2.imwrite(f'photos/{index}.jpg', frame)
        video.write(frame)
    video.release()
    cv2.imwrite('scan.tif', frames[0])
    config = Config.fromfile(ROOT / 'tests/data/tiny_oneformer.py')
    weights = MODELS.build(dict(config.model, _scope_='mmoneformer')).state_dict()
    torch.save({'state_dict': weights, 'meta': {'cfg': config.pretty_text}}, 'released.pth')


@pytest.fixture
def downloads(clone):
    """Weights as others give them: the authors' file, and a folder of Hugging Face."""
    with np.load(ROOT / 'tests/data/swin_small_weights.npz') as arrays:
        start = 'state_dict/'
        weights = {key.removeprefix(start): torch.from_numpy(arrays[key]) for key in arrays if key.startswith(start)}
    torch.save({'model': weights}, '250_16_swin_l_oneformer_ade20k_160k.pth')
    convert('250_16_swin_l_oneformer_ade20k_160k.pth', 'ours.pth')
    convert('ours.pth', 'shi-labs_oneformer_coco_swin_large')


def edit_template():
    """Edit the copied template, as the comment next to the command asks."""
    path = Path('mine.py')
    first, second = path.read_text().split('# What follows\n')
    path.write_text(first + SMALL_TEMPLATE + second)


def run_here(words: list[str]) -> int:
    """Run a command in this process, which has imported all that it needs."""
    match words:
        case ['python', tool, *arguments]:
            run = runpy.run_path(tool)['main']
        case ['mmoneformer', *arguments, '>', target]:
            with Path(target).open('w') as file, redirect_stdout(file):
                return main(arguments)
        case ['mmoneformer', *arguments]:
            run = main
        case _:
            raise ValueError(f'no way to run {words} here: add it, or a reason to SHELL_ONLY or NEVER_RUN')
    with DefaultScope.overwrite_default_scope('mmoneformer'):
        try:
            return run(arguments) or 0
        except SystemExit as end:
            raise AssertionError(f'{shlex.join(words)}: {end}') from end


def run_in_shell(words: list[str]) -> int:
    """Run a command as a reader would, with the environment's programs first."""
    if words[0] == 'mmoneformer':  # also where this environment is older than the command
        words = ['python', '-m', *words]
    settings = {
        'PATH': os.pathsep.join((str(Path(sys.executable).parent), os.environ['PATH'])),
        'PYTHONPATH': str(ROOT),
        'OMP_NUM_THREADS': '1',
        'PORT': '29641',
    }
    line = ' '.join(word if word == '>' else shlex.quote(word) for word in words)
    done = subprocess.run(['bash', '-c', line], env=os.environ | settings, capture_output=True, text=True, timeout=600)
    print(done.stderr[-3000:])  # pytest shows it where the walk fails
    return done.returncode


def walk(run, commands):
    for command in commands:
        status = run(words_of(command))
        assert status == 0 or (status == 1 and command.startswith(MAY_WARN)), command
        if ' > ' in command:
            edit_template()


def check_what_is_there():
    for folder in ('results', 'vis'):
        assert list(Path(folder).rglob('*.png'))
    for name in ('drive_panoptic.mp4', 'curves.png', 'swin-l_ade20k.pth', 'swin-l_coco.pth'):
        assert Path(name).stat().st_size
    assert Path('work_dirs/mine/check/index.html').exists()
    assert Path('mine_for_hugging_face/config.json').exists()


@pytest.mark.usefixtures('pictures', 'downloads')
def test_the_walk():
    commands = [command for command in COMMANDS if not starts(command, NEVER_RUN) and not starts(command, SHELL_ONLY)]
    walk(run_here, commands)
    check_what_is_there()


@pytest.mark.slow
@pytest.mark.usefixtures('pictures', 'downloads')
def test_the_walk_in_a_shell():
    walk(run_in_shell, [command for command in COMMANDS if not starts(command, NEVER_RUN)])
    check_what_is_there()
    assert Path('model.onnx').stat().st_size


@pytest.mark.usefixtures('pictures')
def test_the_python_example():
    names = {}
    exec(scaled(PREDICTION), names)
    assert len(names['result']['predictions']) == 2
    assert Path('results/0.png').exists()


def test_the_example_of_a_config_is_all_of_it():
    (path,) = re.findall(r'this is `(.*?)` in full', README)
    assert (ROOT / path).read_text() == CONFIG


@pytest.mark.parametrize('command', [command for command in COMMANDS if starts(command, NEVER_RUN)])
def test_what_never_runs_is_there(command):
    match shlex.split(command, comments=True):
        case ['make', target]:
            subprocess.run(['make', '-n', target], cwd=ROOT, check=True, capture_output=True)
        case ['pip', 'install', package]:
            extras = re.findall(r'\w+', package.removeprefix('.'))
            assert package == 'torch' or all(f"'{extra}': " in (ROOT / 'setup.py').read_text() for extra in extras)
        case ['mmoneformer', *arguments]:
            build_parser().parse_args(arguments)
        case ['python', 'tools/convert_checkpoint.py', source, target]:
            build_parser().parse_args(['convert', source, target])
            assert is_hub_name(source)
        case words:
            raise AssertionError(f'{words} is not checked')


def test_released_names_are_released():
    names = re.findall(r"(?:weights=|checkpoint=|--weights )'?(oneformer_\S+?)'?[,)\s]", README)
    assert set(names) <= released_urls().keys()


def test_no_table_has_a_line_without_a_command():
    text = '\n'.join(COMMANDS) + PREDICTION
    assert [entry for entry in INSTEAD if entry not in text] == []
    for table in (APPENDED, NEVER_RUN, SHELL_ONLY):
        assert [start for start in table if not any(command.startswith(start) for command in COMMANDS)] == []


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 200


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r'\]\((?!https?:)([^)#]+)', page.read_text()):
        assert (page.parent / target).exists(), target
