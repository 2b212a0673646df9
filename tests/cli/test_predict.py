from io import BytesIO, TextIOWrapper
from types import SimpleNamespace

import pytest

import mmoneformer_deploy
from mmoneformer import apis
from mmoneformer_cli.main import main

DEFAULTS = dict(
    tasks=['panoptic', 'instance', 'semantic'],
    on_error='stop',
    formats=['json', 'png', 'coco', 'pictures'],
    resume=False,
    recursive=False,
    num_workers=None,
)


@pytest.fixture
def predict(monkeypatch, calls):
    """Runs the command; the calls are that of the inferencer and that of its ``save``."""

    def run(*words, failures=()):
        inferencer = SimpleNamespace(save=calls.record((2, failures)))
        monkeypatch.setattr(apis, 'OneFormerInferencer', calls.record(inferencer))
        assert main(['predict', *words]) == 0
        return calls

    return run


def test_defaults(predict, capsys):
    (_, ((inputs, out_dir), options)) = predict('a.jpg', 'b.jpg', '--weights', 'x.pth')
    assert (inputs, out_dir) == (['a.jpg', 'b.jpg'], 'work_dirs/image_demo')
    assert options == DEFAULTS | dict(batch_size=1, track=False, tile=None)
    assert capsys.readouterr().out == '2 images: work_dirs/image_demo\n'


def test_options(predict, capsys):
    words = '--weights x.pth --config c.py --device cuda:1 --precision float16 --tasks semantic --batch-size 4'
    made, (_, options) = predict(
        'a', *words.split(), '--on-error', 'skip', '--out-dir', 'here', '--track', failures=['b.jpg']
    )
    assert made == (('c.py', 'x.pth', 'cuda:1'), dict(precision='float16', show_progress=True))
    assert options == DEFAULTS | dict(tasks=['semantic'], batch_size=4, on_error='skip', track=True, tile=None)
    assert capsys.readouterr().out == '2 images, 1 skipped: here\n'


def test_an_exported_file(monkeypatch, calls, capsys):
    monkeypatch.setattr(mmoneformer_deploy, 'Session', calls.record(SimpleNamespace(save=calls.record((1, [])))))
    assert main(['predict', 'a.jpg', '--weights', 'x.onnx', '--tasks', 'semantic', '--out-dir', 'here']) == 0
    assert calls == [(('x.onnx',), {}), ((['a.jpg'], 'here'), DEFAULTS | dict(tasks=['semantic']))]
    assert capsys.readouterr().out == '1 images: here\n'


def test_options_that_do_not_apply_to_an_exported_file(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(['predict', 'a.jpg', '--weights', 'x.xml', '--precision', 'float16', '--batch-size', '4'])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith('error: --precision, --batch-size: x.xml is an exported file')


def test_options_of_many_images(predict):
    words = 'a --weights x.pth --recursive --resume --formats json pictures coco --no-pictures --workers 3'
    _, (_, options) = predict(*words.split())
    expected = DEFAULTS | dict(formats=['json', 'coco'], resume=True, recursive=True, num_workers=3)
    assert options == expected | dict(batch_size=1, track=False, tile=None)


def test_a_list_in_a_file(predict, tmp_path):
    (tmp_path / 'list.txt').write_text('b.jpg\r\n\nmit Leerzeichen.png\n', encoding='utf-8-sig')
    _, ((inputs, _), _) = predict('a.jpg', '--list', str(tmp_path / 'list.txt'), '--weights', 'x.pth')
    assert inputs == ['a.jpg', 'b.jpg', 'mit Leerzeichen.png']


def test_a_list_on_stdin_is_read_line_by_line(predict, monkeypatch):
    lines = iter(['b.jpg\n', 'c.jpg\n'])
    monkeypatch.setattr('sys.stdin', lines)
    _, ((inputs, _), _) = predict('--list', '-', '--weights', 'x.pth')
    assert next(inputs) == 'b.jpg'
    assert next(lines) == 'c.jpg\n'


def test_names_on_stdin_may_have_bytes_that_are_not_utf_8(predict, monkeypatch):
    monkeypatch.setattr('sys.stdin', TextIOWrapper(BytesIO('Größe.jpg\n'.encode('latin-1')), encoding='utf-8'))
    _, ((inputs, _), _) = predict('--list', '-', '--weights', 'x.pth')
    assert list(inputs) == ['Gr\udcf6\udcdfe.jpg']


def test_nothing_to_predict(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(['predict', '--weights', 'x.onnx'])
    assert stopped.value.code == 2
    assert 'there is nothing to predict: give images' in capsys.readouterr().err


def test_options_of_tiles(predict):
    words = 'a.tif --tile 1024 --overlap 256 --context --bands 4 3 2 --range 0 3000 --polygons gpkg --weights x.pth'
    _, (_, options) = predict(*words.split())
    tiling = dict(tile=1024, overlap=256, context=True, bands=[4, 3, 2], value_range=[0, 3000], polygons='gpkg')
    assert options == DEFAULTS | dict(batch_size=1, track=False) | tiling


def test_options_of_tiles_without_tiles(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(['predict', 'a.jpg', '--weights', 'x.pth', '--overlap', '256', '--context'])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith('error: --overlap, --context: this is for tiles, so add --tile')
