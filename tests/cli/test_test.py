import pytest
import torch
from mmengine.config import Config

from mmoneformer.apis import train_and_test
from mmoneformer.config_files import config_path
from mmoneformer_cli.main import main


@pytest.fixture
def evaluated(monkeypatch, calls, tmp_path):
    """The calls of ``evaluate``; in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setattr(train_and_test, 'evaluate', calls.record())
    return calls


def test_a_name_and_options(evaluated):
    words = 'oneformer_tiny_shapes x.pth --tasks semantic --tta --show-dir images --work-dir here'
    assert main(['test', *words.split()]) == 0
    (((cfg, checkpoint), options),) = evaluated
    assert (cfg.work_dir, checkpoint) == ('here', 'x.pth')
    assert options == dict(tasks=['semantic'], tta=True, show_dir='images', tile=None, overlap=None)


def test_the_config_in_the_checkpoint(evaluated):
    text = Config.fromfile(config_path('oneformer_tiny_shapes')).pretty_text
    torch.save({'meta': {'cfg': text}, 'state_dict': {}}, 'x.pth')
    assert main(['test', 'x.pth']) == 0
    (((cfg, checkpoint), options),) = evaluated
    assert (cfg.max_iters, cfg.work_dir, checkpoint) == (800, 'work_dirs/x', 'x.pth')
    assert options == dict(tasks=None, tta=False, show_dir=None, tile=None, overlap=None)


@pytest.mark.parametrize(('side', 'tile'), [('512', 512), ('auto', 'auto')])
def test_tiles(evaluated, side, tile):
    assert main(['test', 'oneformer_tiny_shapes', 'x.pth', '--tile', side, '--overlap', '64']) == 0
    assert (evaluated[0][1]['tile'], evaluated[0][1]['overlap']) == (tile, 64)
