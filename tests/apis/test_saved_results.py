"""Files that the inferencer writes, of all images or of those that could be predicted."""

import errno
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmoneformer_drawing import sheet


def picture(height, width):
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), np.uint8)


def test_writes_files(inferencer, images, tmp_path):
    out = tmp_path / 'out'
    inferencer([images / 'a', images / 'b', picture(30, 40)], out_dir=out)
    names = ['one', 'two', 'one_2', '000003']
    endings = ['.png', '.json', '_panoptic.png', '_semantic.png']
    expected = {name + ending for name in names for ending in endings} | {'panoptic.json', 'instances.json'}
    assert {path.name for path in out.iterdir()} == expected
    ids = cv2.imread(str(out / 'one_panoptic.png'))[..., ::-1].astype(int) @ [1, 256, 65536]
    segments = json.loads((out / 'one.json').read_text())['panoptic']['segments_info']
    assert {segment['id']: segment['area'] for segment in segments} == {
        number: (ids == number).sum() for number in np.unique(ids) if number
    }
    height, width = cv2.imread(str(out / 'one.png')).shape[:2]
    assert width > 4 * height


def test_writes_files_and_gives_data_samples(inferencer, images, tmp_path):
    inferencer(images / 'b', tasks=['instance'], out_dir=tmp_path / 'out', return_datasamples=True)
    assert {path.name for path in (tmp_path / 'out').iterdir()} == {'one.png', 'one.json', 'instances.json'}


class Fails:
    """A function that fails for images of a height, and is another one for the others."""

    def __init__(self, function, height, size_of):
        self.function, self.height, self.size_of = function, height, size_of

    def __call__(self, *args, **kwargs):
        if self.height in self.size_of(*args, **kwargs):
            raise KeyError('of a library')
        return self.function(*args, **kwargs)


@pytest.fixture(params=['pipeline', 'model', 'drawing'])
def fails_for_two(request, inferencer, monkeypatch):
    """Something that fails for two.png, which has a height of 64 pixels."""
    if request.param == 'pipeline':
        failing = Fails(inferencer.reader.pipeline, 64, lambda loaded: loaded['img'].shape)
        monkeypatch.setattr(inferencer.reader, 'pipeline', failing)
    elif request.param == 'model':
        failing = Fails(inferencer.model.forward, 64, lambda data_samples, **_: [s.ori_shape[0] for s in data_samples])
        monkeypatch.setattr(inferencer.model, 'forward', failing)
    else:
        failing = Fails(sheet.draw_sheet, 64, lambda image, *_, **__: image.shape)
        monkeypatch.setattr(sheet, 'draw_sheet', failing)


@pytest.mark.parametrize('batch_size', [1, 3])
def test_skips_whatever_fails(inferencer, images, fails_for_two, tmp_path, batch_size):
    sources = [images / 'a', images / 'b']
    options = dict(batch_size=batch_size, tasks=['panoptic'])
    count, (failure,) = inferencer.save(sources, tmp_path / 'out', on_error='skip', **options)
    assert (count, failure.number, Path(failure.name).name) == (2, 1, 'two.png')
    written = json.loads((tmp_path / 'out/panoptic.json').read_text())['images']
    assert [image['file_name'] for image in written] == ['one', 'one_2']
    with pytest.raises(KeyError):
        inferencer.save(sources, tmp_path / 'out', **options)


def test_a_full_disk_is_not_skipped(inferencer, images, tmp_path, monkeypatch):
    def write_bytes(path, content):
        raise OSError(errno.ENOSPC, 'No space left on device', str(path))

    monkeypatch.setattr('mmoneformer_deploy.image_files.write_bytes', write_bytes)
    with pytest.raises(OSError, match=r"No space left on device: '.*one_panoptic\.png'"):
        inferencer.save(images / 'a', tmp_path / 'out', tasks=['panoptic'], on_error='skip')


def test_results_beside_the_images(inferencer, images):
    """The images are kept, and a second run predicts the same images and replaces the results."""
    folder = images / 'a'
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for _ in range(2):
        assert inferencer.save(folder, folder, tasks=['semantic']) == (2, [])
        results = [f'{name}_2{ending}' for name in ('one', 'two') for ending in ('.json', '.png', '_semantic.png')]
        assert sorted(path.name for path in folder.iterdir()) == sorted([*before, *results])
    assert {name: (folder / name).read_bytes() for name in before} == before
    content = (folder / 'one_2.png').read_bytes()
    inferencer.save([folder / 'one_2.png'], folder, tasks=['semantic'])
    assert (folder / 'one_2.png').read_bytes() == content


def test_what_was_written_before_a_broken_picture_stays(inferencer, images, tmp_path):
    (images / 'a/p.png').write_text('broken')
    with pytest.raises(ValueError, match=r'p\.png'):
        inferencer.save(images / 'a', tmp_path / 'out')
    content = json.loads((tmp_path / 'out/panoptic.json').read_text())
    assert [image['file_name'] for image in content['images']] == ['one']
    assert (tmp_path / 'out/one.png').exists()


def test_saves_without_keeping(inferencer, a_broken_one, tmp_path):
    count, failures = inferencer.save(a_broken_one, tmp_path / 'out', tasks=['semantic'], on_error='skip')
    assert (count, len(failures)) == (2, 1)
    assert {path.name for path in (tmp_path / 'out').iterdir()} == {
        name + ending for name in ('one', 'two') for ending in ('.png', '.json', '_semantic.png')
    }


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob('*.*')}


def test_processes_that_write_change_nothing(inferencer, images, tmp_path):
    for out, num_workers in (('one', 0), ('two', 2)):
        assert inferencer.save([images / 'a', images / 'b'], tmp_path / out, num_workers=num_workers) == (3, [])
    assert contents(tmp_path / 'one') == contents(tmp_path / 'two')
    assert len(contents(tmp_path / 'one')) == 3 * 4 + 2


def test_resumes_a_tree(inferencer, images, tmp_path):
    """Only the image whose json is gone is predicted again; the files are those of a run without a break."""
    out, options = tmp_path / 'out', dict(recursive=True, formats=['json', 'png', 'coco'], resume=True)
    (images / 'a/more').mkdir()
    (images / 'a/two.png').rename(images / 'a/more/two.png')
    assert inferencer.save(images / 'a', out, **options) == (2, [])
    expected = contents(out)
    endings = ('.json', '_panoptic.png', '_semantic.png')
    names = {f'{name}{ending}' for name in ('one', 'more/two') for ending in endings}
    assert set(expected) == names | {'panoptic.json', 'instances.json'}
    (out / 'more/two.json').unlink()
    assert inferencer.save(images / 'a', out, **options) == (1, [])
    assert contents(out) == expected


def test_films_are_not_resumed(inferencer, images, tmp_path):
    with pytest.raises(
        ValueError, match='a film cannot be resumed: the ids of its objects depend on the frames before'
    ):
        inferencer.save(images / 'a', tmp_path / 'out', track=True, resume=True)


def test_tiles_are_written(inferencer, images, tmp_path):
    """With maps of the size of the image, and the same ids in all files."""
    assert inferencer.save(images / 'a', tmp_path / 'out', tile=32, overlap=8, batch_size=2) == (2, [])
    content = json.loads((tmp_path / 'out/one.json').read_text())
    ids = cv2.imread(str(tmp_path / 'out/one_panoptic.png'))[..., ::-1].astype(int) @ [1, 256, 65536]
    assert ids.shape == (40, 60)
    areas = {segment['id']: segment['area'] for segment in content['panoptic']['segments_info']}
    assert areas == {number: (ids == number).sum() for number in np.unique(ids) if number}
    assert {tuple(entry['segmentation']['size']) for entry in content['instances']} == {(40, 60)}
    (one,) = inferencer([images / 'a/one.png'], tile=32, overlap=8)['predictions']
    np.testing.assert_array_equal(ids, one['panoptic']['id_map'])
