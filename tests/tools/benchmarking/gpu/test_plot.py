from benchmarking.gpu.figures import Figure, Work
from benchmarking.gpu.plot import plot_ratios


def test_bars(tmp_path):
    work = Work(network='R50', what='forward', precision='tf32', batch=8)
    figures = [Figure(work=work, implementation=name, runs=[1.0]) for name in ('one', 'another')]
    plot_ratios(list(zip(figures, (0.5, 1.5), strict=True)), tmp_path / 'bars.png')
    assert (tmp_path / 'bars.png').stat().st_size > 5_000
