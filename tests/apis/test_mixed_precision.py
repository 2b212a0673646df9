"""Some hundred steps of the demo's training, in each precision (minutes)."""

from pathlib import Path

import pytest

from mmoneformer.apis.train_and_test import load_config, train
from mmoneformer.datasets.shapes.folder import write_shapes

CONFIG = Path(__file__).parents[2] / 'configs' / 'oneformer_tiny_shapes.py'
STEPS = 400
NOISE = {'PQ': 6, 'AP': 8, 'mIoU': 5}  # points; one run differed by 1.1, 3.0 and 0.5

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def metrics_of(tmp_path_factory):
    """Trains in a precision and gives the metrics."""
    data = tmp_path_factory.mktemp('data') / 'shapes'
    write_shapes(data, num_train=400, num_val=50, size=128, seed=0)

    def run(dtype):
        options = {'train_cfg.max_iters': STEPS, 'train_cfg.val_interval': STEPS, 'randomness.seed': 0}
        options |= {f'{split}_dataloader.dataset.data_root': str(data) for split in ('train', 'val')}
        options |= {} if dtype == 'float32' else {'optim_wrapper.dtype': dtype}
        work_dir = str(tmp_path_factory.mktemp(dtype))
        runner = train(load_config(CONFIG, work_dir=work_dir, cfg_options=options), amp=dtype != 'float32')
        scalars = runner.message_hub.log_scalars
        metrics = {name: scalars[f'val/{name}'].current() for name in NOISE}
        print(dtype, metrics)
        return metrics

    return run


@pytest.fixture(scope='module')
def plain(metrics_of):
    return metrics_of('float32')


@pytest.mark.parametrize(
    'dtype',
    [
        'bfloat16',
        pytest.param('float16', marks=pytest.mark.gpu),
    ],
)
def test_metrics_are_those_of_float32(metrics_of, plain, dtype):
    found = metrics_of(dtype)
    assert plain['PQ'] > 50  # something was learnt
    for name, noise in NOISE.items():
        assert found[name] == pytest.approx(plain[name], abs=noise), name
