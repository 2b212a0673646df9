import pytest

from mmoneformer.apis import launched
from mmoneformer.apis.launched import join_processes, this_share


def test_alone():
    assert join_processes('none')
    assert this_share() is None


def test_a_process_that_no_launcher_started(monkeypatch):
    for name in ('RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT', 'LOCAL_RANK'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RuntimeError, match="the launcher 'pytorch' did not start this process, .*dist_predict.sh"):
        join_processes('pytorch')


def test_the_share_of_a_process(monkeypatch):
    for name, value in (('is_distributed', True), ('get_rank', 1), ('get_world_size', 3)):
        monkeypatch.setattr(launched, name, lambda value=value: value)
    share = this_share()
    assert (share.rank, share.count) == (1, 3)
    assert share.part('abcde') == ['b', 'e']
