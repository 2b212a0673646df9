import cv2
import numpy as np
import pytest

from mmoneformer.training_log.curve_plot import plot_runs, smooth
from mmoneformer.training_log.run_curves import Curve, Run


def run(name='a', **curves):
    return Run(name, {key: Curve(np.arange(len(values)), np.array(values)) for key, values in curves.items()})


def test_known_curves_are_drawn_in_a_fixed_order(tmp_path):
    runs = [run('a', lr=[1, 2], other=[0, 1], loss=[2, 1]), run('b', PQ=[3, 4])]
    assert plot_runs(runs, tmp_path / 'new' / 'curves.png') == ['loss', 'lr', 'PQ']
    picture = cv2.imread(str(tmp_path / 'new/curves.png'))
    assert picture.shape == (330, 1518, 3)


def test_runs_are_overlaid_in_colors_of_their_own(tmp_path):
    plot_runs([run('a', PQ=[0, 0, 0]), run('b', PQ=[9, 9, 9])], tmp_path / 'curves.png')
    picture = cv2.imread(str(tmp_path / 'curves.png'))
    blue, orange = (180, 119, 31), (14, 127, 255)
    rows = [np.flatnonzero((picture[40:] == color).all(-1).any(1)) for color in (blue, orange)]
    assert rows[1].min() < rows[0].min()  # the larger values stand above


def test_keys_are_those_asked_for(tmp_path):
    runs = [run(other=[0, 1], loss=[2, 1])]
    assert plot_runs(runs, tmp_path / 'curves.png', ['other']) == ['other']
    with pytest.raises(ValueError, match=r"\['depth'\]: there are \['loss', 'other'\]"):
        plot_runs(runs, tmp_path / 'curves.png', ['loss', 'depth'])


def test_nothing_to_draw(tmp_path):
    with pytest.raises(ValueError, match='a curve'):
        plot_runs([run()], tmp_path / 'curves.png')


def test_smoothing_has_no_bias_and_leaves_out_nan():
    np.testing.assert_allclose(smooth(np.full(100, 3.0)), 3.0)
    noise = np.random.default_rng(0).normal(5, 1, 2000)
    assert smooth(noise)[200:].std() < 0.25
    values = np.full(100, 2.0)
    values[[0, 50]] = np.nan
    smoothed = smooth(values)
    assert np.isnan(smoothed[0])
    np.testing.assert_allclose(smoothed[1:], 2.0)


def test_short_curves_are_not_smoothed():
    values = np.array([3.0, 1.0, 2.0])
    np.testing.assert_allclose(smooth(values), values)
