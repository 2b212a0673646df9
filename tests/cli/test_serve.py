import pytest

from mmoneformer.web import server
from mmoneformer_cli.main import main


def test_loopback_and_twenty_megabytes_by_default(monkeypatch):
    asked = {}
    monkeypatch.setattr(server, 'serve', lambda weights, **settings: asked.update(weights=weights, **settings))
    assert main(['serve', '--weights', 'a.pth', 'b.pth']) == 0
    assert asked == {
        'weights': ['a.pth', 'b.pth'],
        'host': '127.0.0.1',
        'port': 7860,
        'device': 'auto',
        'max_mb': 20,
    }


def test_without_gradio(monkeypatch):
    monkeypatch.setattr(server, 'find_spec', lambda name: None)
    with pytest.raises(SystemExit, match=r"^error: the page needs gradio: pip install 'mmoneformer\[web\]'"):
        main(['serve', '--weights', 'a.pth'])
