import json

import numpy as np
import pytest

from mmoneformer.apis import demo
from mmoneformer.tasks import TASKS


def test_a_folder_that_is_no_clone(tmp_path):
    with pytest.raises(FileNotFoundError, match='is not there: the demo needs a clone'):
        demo.run_demo(tmp_path)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A folder with the demo's config; what takes minutes is stood in for."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'configs').mkdir()
    (tmp_path / demo.CONFIG).write_text(
        "train_cfg = dict()\nmax_iters = 8\nmodel = dict(test_cfg=dict())\ntest_evaluator = [dict(type='x')]\n"
    )
    asked = {'tokens': [], 'any_token': []}

    def write_shapes(folder, **settings):
        (folder / 'val').mkdir(parents=True)
        (folder / 'val/1.jpg').touch()

    def train(cfg):
        asked['val_interval'] = cfg.train_cfg.val_interval
        (tmp_path / demo.WORK_DIR / 'training').mkdir(parents=True)
        (tmp_path / demo.WORK_DIR / 'training/last_checkpoint').write_text('last.pth')

    def evaluate(cfg, checkpoint):
        asked['tokens'].append(cfg.model.test_cfg.tokens)
        asked['any_token'] += [evaluator.any_token for evaluator in cfg.test_evaluator]
        offset = list(TASKS).index(cfg.model.test_cfg.tokens['panoptic'])
        names = [name for names in demo.METRICS_OF_TASK.values() for name in names]
        return {name: np.float64(10 * place + offset) for place, name in enumerate(names)}

    monkeypatch.setattr(demo, 'write_shapes', write_shapes)
    monkeypatch.setattr(demo, 'train', train)
    monkeypatch.setattr(demo, 'evaluate', evaluate)
    monkeypatch.setattr(
        demo, 'OneFormerInferencer', lambda weights: lambda images, out_dir: asked.update(images=images)
    )
    return tmp_path, asked


def test_each_metric_is_that_of_its_own_token(clone):
    folder, asked = clone
    demo.run_demo(folder)
    report = json.loads((folder / demo.WORK_DIR / 'metrics.json').read_text())
    report.pop('seconds_of_training')
    assert report == {'PQ': 0, 'SQ': 10, 'RQ': 20, 'PQ_things': 30, 'PQ_stuff': 40, 'AP': 51, 'mIoU': 62}
    assert asked['tokens'] == [dict.fromkeys(TASKS, token) for token in TASKS]
    assert asked['any_token'] == [True] * 3
    assert asked['val_interval'] > 8  # never: the evaluation comes later
    assert asked['images'] == ['data/shapes/val/1.jpg']
