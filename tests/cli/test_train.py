import pytest

from mmoneformer.apis import train_and_test
from mmoneformer_cli.main import main


@pytest.fixture
def trained(monkeypatch, calls, tmp_path):
    """The calls of ``train``; in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setattr(train_and_test, 'train', calls.record())
    return calls


def test_a_name(trained):
    assert main(['train', 'oneformer_tiny_shapes']) == 0
    (((cfg,), options),) = trained
    assert (cfg.model.type, cfg.work_dir, cfg.launcher) == ('OneFormer', 'work_dirs/oneformer_tiny_shapes', 'none')
    assert options == dict(amp=False, resume=False)


def test_options(trained):
    words = 'oneformer_tiny_shapes --work-dir here --amp --resume --cfg-options train_dataloader.batch_size=3'
    assert main(['train', *words.split()]) == 0
    (((cfg,), options),) = trained
    assert (cfg.work_dir, cfg.train_dataloader.batch_size) == ('here', 3)
    assert options == dict(amp=True, resume=True)


def test_a_checkpoint_to_resume_from(trained):
    assert main(['train', 'oneformer_tiny_shapes', '--resume', 'iter_5.pth']) == 0
    assert trained[0][1]['resume'] == 'iter_5.pth'


def test_an_unknown_name(trained):
    with pytest.raises(SystemExit, match='^error: no config file .* did you mean oneformer_tiny_shapes'):
        main(['train', 'oneformer_tiny_shape'])
    assert not trained
