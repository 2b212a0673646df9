import runpy
from pathlib import Path

import numpy as np
import pytest

from mmoneformer.results.as_dict import as_dict
from mmoneformer.tasks import TASKS
from mmoneformer.visualization import draw_sheet
from mmoneformer.web.exported_model import ExportedModel
from mmoneformer_deploy import Session

SMALL = runpy.run_path(str(Path(__file__).parents[1] / 'data/small_network.py'))


@pytest.fixture(scope='module')
def file(tmp_path_factory):
    return SMALL['write_small_network'](tmp_path_factory.mktemp('exported') / 'small.onnx')


def test_gives_data_samples(file, image):
    """They become the dict again that the session returns."""
    model, expected = ExportedModel(file), Session(file)(image)
    (found,) = model.stream([image], tasks=list(TASKS))
    results = as_dict(found.sample, model.metainfo, list(TASKS))
    np.testing.assert_array_equal(results['panoptic'].pop('id_map'), expected['panoptic'].pop('id_map'))
    np.testing.assert_array_equal(results['semantic']['label_map'], expected['semantic']['label_map'])
    assert results['panoptic'] == expected['panoptic']
    assert results['panoptic']['segments']
    assert results['instance'] == expected['instance']
    assert draw_sheet(image, found.sample, model.metainfo, list(TASKS)).std() > 0


def test_no_instance(file, image, monkeypatch):
    model = ExportedModel(file)
    empty = {'labels': [], 'class_names': [], 'scores': [], 'bboxes': [], 'masks': []}
    monkeypatch.setattr(model, '_session', lambda image, tasks: {'instance': empty})
    (found,) = model.stream([image], tasks=['instance'])
    assert as_dict(found.sample, model.metainfo, ['instance'])['instance'] == empty
    assert draw_sheet(image, found.sample, model.metainfo, ['instance']).size
