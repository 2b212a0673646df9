import json

import numpy as np
import pytest
from mmengine.visualization import LocalVisBackend

from mmoneformer.training_log.run_curves import read_run


def write_log(work_dir, start, entries):
    """Write a log as a start of a training does, with mmengine's own writer."""
    backend = LocalVisBackend(str(work_dir / start / 'vis_data'))
    for step, scalars in entries:
        backend.add_scalars(scalars, step=step)
    return work_dir / start / 'vis_data/scalars.json'


def curve(run, key):
    return list(zip(*(part.tolist() for part in run.curves[key]), strict=True))


def test_curves_of_a_log(tmp_path):
    log = write_log(tmp_path, '1', [(5, dict(loss=3.0, iter=5)), (10, dict(loss=2.0, iter=10)), (10, dict(PQ=40.0))])
    run = read_run(log)
    assert run.name == 'scalars'
    assert set(run.curves) == {'loss', 'PQ'}
    assert curve(run, 'loss') == [(5, 3), (10, 2)]
    assert curve(run, 'PQ') == [(10, 40)]


def test_a_resumed_run_is_one(tmp_path):
    write_log(tmp_path, '20260101_000000', [(5, dict(loss=5.0)), (10, dict(loss=4.0)), (15, dict(loss=9.0))])
    write_log(tmp_path, '20260102_000000', [(15, dict(loss=3.0)), (20, dict(loss=2.0))])
    run = read_run(tmp_path)
    assert run.name == tmp_path.name
    assert curve(run, 'loss') == [(5, 5), (10, 4), (15, 3), (20, 2)]


def test_validations_that_are_counted_in_epochs_stand_behind_their_iteration(tmp_path):
    log = write_log(tmp_path, '1', [(5, dict(loss=3.0)), (0, dict(PQ=1.0)), (10, dict(loss=2.0)), (1, dict(PQ=2.0))])
    assert curve(read_run(log), 'PQ') == [(5, 1), (10, 2)]


def test_a_line_that_was_cut_off_is_left_out(tmp_path):
    log = write_log(tmp_path, '1', [(5, dict(loss=3.0))])
    with log.open('a') as file:
        file.write('{"loss": 2.0, "st')
    assert curve(read_run(log), 'loss') == [(5, 3)]


def test_values_that_are_not_finite_are_kept(tmp_path):
    log = write_log(tmp_path, '1', [(5, dict(AP=float('nan')))])
    assert np.isnan(read_run(log).curves['AP'].values).all()


def test_a_folder_without_log(tmp_path):
    with pytest.raises(FileNotFoundError, match='vis_data'):
        read_run(tmp_path)


def test_another_json(tmp_path):
    file = tmp_path / 'annotation.json'
    file.write_text(json.dumps({'images': []}) + '\n')
    with pytest.raises(ValueError, match='no json log of mmengine'):
        read_run(file)
