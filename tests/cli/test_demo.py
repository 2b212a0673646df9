from mmoneformer.apis import demo
from mmoneformer_cli.main import main


def test_it_takes_no_arguments(monkeypatch, calls):
    monkeypatch.setattr(demo, 'run_demo', calls.record())
    assert main(['demo']) == 0
    assert calls == [((), {})]
