import pytest

from mmoneformer.tasks import TASKS, Task, check_tasks, target_text

# name: sentence, filler, things only, merges classes (paper, sections 3.1 and 3.2)
PAPER = {
    'panoptic': ('The task is panoptic', 'a panoptic photo', False, False),
    'instance': ('The task is instance', 'an instance photo', True, False),
    'semantic': ('The task is semantic', 'a semantic photo', False, True),
}


def test_table_is_the_papers():
    table = {name: (task.sentence, task.filler, task.things_only, task.merges_classes) for name, task in TASKS.items()}
    assert table == PAPER
    assert all(task.name == name for name, task in TASKS.items())


def test_target_text_is_the_papers():
    assert target_text('traffic light') == 'a photo with a traffic light'


def test_check_tasks_keeps_the_order_and_drops_repetitions():
    assert check_tasks(iter(['semantic', 'panoptic', 'semantic'])) == ('semantic', 'panoptic')


def test_none_stands_for_all_tasks(monkeypatch):
    assert check_tasks(None) == tuple(PAPER)
    monkeypatch.setitem(TASKS, 'part', Task('part', filler='a part photo'))
    assert check_tasks(None) == (*PAPER, 'part')


def test_a_string_is_no_list_of_tasks():
    with pytest.raises(TypeError, match=r"for example \['panoptic'\]"):
        check_tasks('panoptic')


@pytest.mark.parametrize('names', [[], ['panoptic', 'depth']])
def test_unknown_or_no_tasks_name_the_choice(names):
    unknown = names[1:]
    with pytest.raises(ValueError, match='unknown tasks') as error:
        check_tasks(names)
    assert str(unknown) in str(error.value)
    assert str(list(PAPER)) in str(error.value)
