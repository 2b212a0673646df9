import pytest

from mmoneformer.models.inference_config import InferenceConfig
from mmoneformer.tasks import TASKS, Task


def test_all_tasks_are_the_default(monkeypatch):
    monkeypatch.setitem(TASKS, 'part', Task('part', filler='a part photo'))
    assert InferenceConfig(max_per_image=5).tasks == ('panoptic', 'instance', 'semantic', 'part')


@pytest.mark.parametrize('arguments', [dict(tasks=['depth']), dict(tokens={'semantic': 'depth'})], ids=str)
def test_unknown_tasks(arguments):
    with pytest.raises(ValueError, match='depth'):
        InferenceConfig(max_per_image=5, **arguments)
