import json

import numpy as np
import pytest
from PIL import Image

from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.results.folder import TASK_FILES, open_folder
from mmoneformer.tasks import TASKS, Task
from mmoneformer_deploy.task_files import TaskFiles

METAINFO = resolve_metainfo({'classes': ('sky', 'cat'), 'thing_ids': (1,), 'palette': [(70, 130, 180), (220, 20, 60)]})
IMAGE = np.zeros((2, 3, 3), np.uint8)
LABELS = {'label_map': np.array([[0, 1, 1], [0, 0, 1]], np.uint8)}


def test_a_task_that_was_added(monkeypatch, tmp_path):
    monkeypatch.setitem(TASKS, 'part', Task('part', filler='a part photo'))
    monkeypatch.setitem(TASK_FILES, 'part', TaskFiles(key='parts', content=lambda count: {'count': count}))
    with open_folder(tmp_path, METAINFO, draw=lambda image, results: image) as folder:
        files = folder.write('x', {'part': 7, 'semantic': LABELS}, IMAGE, (2, 3))
    assert {path.name for path in files} == {'x.png', 'x.json', 'x_semantic.png'}
    content = json.loads((tmp_path / 'x.json').read_text())
    assert content['parts'] == {'count': 7}
    assert content['semantic'] == {'file_name': 'x_semantic.png'}


def test_the_name_of_a_palette(tmp_path):
    """mmdet's inference functions set one."""
    with open_folder(tmp_path, METAINFO | {'palette': 'coco'}) as folder:
        folder.write('x', {'semantic': LABELS}, IMAGE, (2, 3))
    with Image.open(tmp_path / 'x_semantic.png') as image:
        assert image.convert('RGB').getpixel((0, 0)) == (220, 20, 60)  # of COCO's first class


def test_a_task_without_an_entry(monkeypatch, tmp_path):
    monkeypatch.setitem(TASKS, 'part', Task('part', filler='a part photo'))
    with pytest.raises(KeyError, match=r"task 'part' has no entry in mmoneformer\.results\.folder\.TASK_FILES"):
        open_folder(tmp_path, METAINFO)
