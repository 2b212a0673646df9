from types import SimpleNamespace

import pytest

from mmoneformer import apis
from mmoneformer.apis import video
from mmoneformer_cli.main import main


@pytest.fixture
def run(monkeypatch, calls):
    """Runs the command; the calls are that of the inferencer and that of ``predict_video``."""

    def run(*words):
        monkeypatch.setattr(apis, 'OneFormerInferencer', calls.record(SimpleNamespace()))
        monkeypatch.setattr(video, 'predict_video', calls.record(7))
        assert main(['video', *words]) == 0
        return calls

    return run


def test_defaults(run, capsys):
    made, ((_, source, out), options) = run('a.mp4', '--weights', 'x.pth')
    assert made == ((None, 'x.pth', 'auto'), dict(precision='float32'))
    assert (source, out) == ('a.mp4', 'work_dirs/video_demo.mp4')
    assert options == dict(tasks=['panoptic'], batch_size=1, max_frames=None, show=False, track=False, object_files={})
    assert capsys.readouterr().out == '7 frames: work_dirs/video_demo.mp4\n'


def test_options(run):
    words = '0 --weights x.pth --tasks instance --batch-size 4 --max-frames 9 --track --out c.mp4'
    _, ((_, source, out), options) = run(*words.split(), '--json', 'a.json', '--mots', 'b.txt')
    assert (source, out) == (0, 'c.mp4')
    assert options == dict(
        tasks=['instance'],
        batch_size=4,
        max_frames=9,
        show=False,
        track=True,
        object_files={'json': 'a.json', 'mots': 'b.txt'},
    )


def test_an_interruption(monkeypatch, capsys):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(apis, 'OneFormerInferencer', lambda *args, **kwargs: None)
    monkeypatch.setattr(video, 'predict_video', interrupted)
    assert main(['video', 'a.mp4', '--weights', 'x.pth', '--out', 'b.mp4']) == 130
    assert capsys.readouterr().err == 'interrupted: b.mp4 has the frames up to here\n'
