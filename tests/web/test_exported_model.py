import runpy
from pathlib import Path

import numpy as np
import pytest

from mmoneformer.tasks import TASKS
from mmoneformer.visualization import draw_sheet
from mmoneformer.web.exported_model import ExportedModel
from mmoneformer_deploy import Session

SMALL = runpy.run_path(str(Path(__file__).parents[1] / 'data/small_network.py'))


@pytest.fixture(scope='module')
def file(tmp_path_factory):
    return SMALL['write_small_network'](tmp_path_factory.mktemp('exported') / 'small.onnx')


def test_gives_what_the_session_returns(file, image):
    model, expected = ExportedModel(file), Session(file)(image)
    (found,) = model.stream([image], tasks=list(TASKS))
    results = found.as_dicts(model.metainfo, list(TASKS))
    np.testing.assert_equal(results, expected)
    assert results['panoptic']['segments']
    assert draw_sheet(image, results, model.metainfo).std() > 0


def test_no_instance(file, image, monkeypatch):
    model = ExportedModel(file)
    empty = {'instance': {'labels': [], 'class_names': [], 'scores': [], 'bboxes': [], 'masks': []}}
    monkeypatch.setattr(model, '_session', lambda image, tasks: empty)
    (found,) = model.stream([image], tasks=['instance'])
    assert draw_sheet(image, found.as_dicts(model.metainfo, ['instance']), model.metainfo).size
