from benchmarking.gpu.figures import Failure, Figure, Work

WORK = Work(network='Swin-L, 640 x 640', what='training step', precision='tf32', batch=2)


def test_a_figure_has_the_median():
    figure = Figure(work=WORK, implementation='ours', runs=[3.0, 1.0, 2.0], gigabytes=4.0)
    assert figure.seconds == 2.0
    content = figure.as_json()
    assert content['seconds'] == 2.0
    assert content['work']['what'] == 'training step'
    assert content['gigabytes'] == 4.0
    assert str(WORK) == 'Swin-L, 640 x 640: training step, tf32, batch 2'


def test_a_failure_has_the_first_line_of_its_reason():
    failure = Failure.of('a work', RuntimeError('\nCUDA out of memory. Tried a lot.\nmore'))
    assert failure == Failure('a work', 'RuntimeError: CUDA out of memory. Tried a lot.')
    assert Failure.of('a work', KeyError()).reason == 'KeyError'
