import re
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / 'tools'


@pytest.fixture
def profile_work(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    import profile_model

    yield profile_model
    sys.modules.pop('profile_model')


@pytest.mark.parametrize('work', ['forward', 'training'])
def test_parts_add_up(profile_work, work):
    from benchmarking.comparisons import SWIN_T
    from benchmarking.settings import Settings

    table = profile_work.profile_work(profile_work.MAKERS[work], SWIN_T.under(Settings(quick=True)), rows=5)
    seconds = {name: float(value) for name, value in re.findall(r'^(.+?) +([\d.]+) s +[\d.]+%$', table, re.M)}
    total = seconds.pop('total')
    assert sum(seconds.values()) == pytest.approx(total, abs=0.01)
    assert seconds['backbone'] > 0
    assert ('panoptic_head.set_loss' in seconds) == (work == 'training')
    assert 'aten::' in table
