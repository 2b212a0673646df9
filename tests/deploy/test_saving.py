import errno
import json
import os
import select
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from mmoneformer_deploy.drawing import draw_sheet
from mmoneformer_deploy.image_files import Written
from mmoneformer_deploy.result_folder import ResultFolder
from mmoneformer_deploy.run_lengths import encode_edges, find_edges
from mmoneformer_deploy.saving import Output, Saving
from mmoneformer_deploy.share import Share
from mmoneformer_deploy.task_files import TASK_FILES
from mmoneformer_deploy.workers import Copies, copy_process

CLASSES = {'classes': ('sky', 'cat'), 'thing_ids': (1,), 'palette': [(70, 130, 180), (220, 20, 60)]}
SIZE = (4, 6)
TASKS = ['panoptic', 'instance']
ENDINGS = ('.png', '.json', '_panoptic.png')


class Found(NamedTuple):
    number: int
    source: str


def output(found):
    """A cat that is found.number + 1 pixels large."""
    id_map = np.zeros(SIZE, np.int32)
    id_map.ravel()[: found.number + 1] = 1
    segment = {'id': 1, 'label': 1, 'is_thing': True, 'area': found.number + 1, 'score': 0.5, 'bbox': [0, 0, 6, 1]}
    mask = encode_edges(find_edges(id_map.T > 0), SIZE)
    instances = {'labels': [1], 'scores': [0.5], 'bboxes': [[0, 0, 6, 4]], 'masks': [mask]}
    results = {'panoptic': {'id_map': id_map, 'segments': [segment]}, 'instance': instances}
    return Output(results, np.full((*SIZE, 3), found.number, np.uint8), SIZE, kept=found.number)


@pytest.fixture
def saving(tmp_path):
    def start(**options):
        draw = partial(draw_sheet, classes=CLASSES)
        formats = options.pop('formats', ('json', 'png', 'coco', 'pictures'))
        folder = ResultFolder(tmp_path, CLASSES, tasks=TASK_FILES, draw=draw, formats=formats)
        return Saving(folder, tasks=TASKS, **options)

    return start


def save(saving, sources, failures=None, predict=lambda found: found):
    """Numbers of what was written."""
    with saving:
        found = (predict(Found(number, source)) for number, source in saving.left(saving.part(sources)))
        return list(saving.write(found, output, failures))


def panoptic(folder):
    content = json.loads((folder / 'panoptic.json').read_text())
    areas = [annotation['segments_info'][0]['area'] for annotation in content['annotations']]
    return [image['file_name'] for image in content['images']], areas


@pytest.mark.parametrize('num_workers', [0, 2])
def test_saves_in_order(saving, tmp_path, num_workers):
    sources = [f'{folder}/{name}.jpg' for name in 'xyz' for folder in 'ab']
    assert save(saving(num_workers=num_workers), map(Path, sources)) == list(range(6))
    names = ['x', 'x_2', 'y', 'y_2', 'z', 'z_2']
    assert {path.name for path in tmp_path.iterdir()} == {name + ending for name in names for ending in ENDINGS} | {
        'panoptic.json',
        'instances.json',
    }
    assert panoptic(tmp_path) == (names, [1, 2, 3, 4, 5, 6])
    for number, (name, source) in enumerate(zip(names, sources, strict=True)):
        ids = np.asarray(Image.open(tmp_path / f'{name}_panoptic.png'))
        assert (ids[..., 0] == 1).sum() == number + 1
        about = json.loads((tmp_path / f'{name}.json').read_text())['image']
        assert about == {'file_name': source, 'height': 4, 'width': 6}


def test_an_interruption_leaves_what_was_given_out(saving, tmp_path):
    def predict(found):
        if found.number == 3:
            raise KeyboardInterrupt
        return found

    with pytest.raises(KeyboardInterrupt):
        save(saving(num_workers=1), map(Path, 'abcd'), predict=predict)
    assert panoptic(tmp_path) == (['a', 'b', 'c'], [1, 2, 3])
    assert not list(tmp_path.glob('.*'))


def test_one_that_cannot_be_written_is_skipped(saving, tmp_path):
    failures = []
    (tmp_path / '.b_panoptic.part.png').mkdir(parents=True)
    (tmp_path / '.b_panoptic.part.png/x').touch()
    assert save(saving(), map(Path, 'abc'), failures) == [0, 2]
    assert [(failure.number, failure.name) for failure in failures] == [(1, 'b')]
    assert panoptic(tmp_path) == (['a', 'c'], [1, 3])


def test_a_full_disk_is_not_skipped(saving, monkeypatch):
    def write_bytes(path, content):
        raise OSError(errno.ENOSPC, 'No space left on device', str(path))

    monkeypatch.setattr('mmoneformer_deploy.image_files.write_bytes', write_bytes)
    with pytest.raises(OSError, match='No space left'):
        save(saving(), map(Path, 'abc'), [])


def test_resumes(saving, tmp_path):
    """Images that are complete are left out, but not of the COCO files, whose order stays."""
    sources = [Path(name) for name in ('a', 'b', 'c', 'd')]
    assert save(saving(), sources) == [0, 1, 2, 3]
    expected = (tmp_path / 'panoptic.json').read_bytes(), (tmp_path / 'instances.json').read_bytes()
    (tmp_path / 'b_panoptic.png').unlink()
    (tmp_path / 'c.json').write_text('{"info": {"description": "written by mmoneformer"}, "name": 7}')
    assert save(saving(resume=True), sources) == [1, 2]
    assert ((tmp_path / 'panoptic.json').read_bytes(), (tmp_path / 'instances.json').read_bytes()) == expected
    assert save(saving(resume=True), sources) == []
    assert ((tmp_path / 'panoptic.json').read_bytes(), (tmp_path / 'instances.json').read_bytes()) == expected


def test_files_of_another_image_are_not_complete(saving, tmp_path):
    save(saving(), [Path('a/x'), Path('b/x')])
    assert save(saving(resume=True), [Path('b/x'), Path('a/x')]) == [0, 1]


def test_results_of_other_tasks_are_not_complete(saving):
    first = saving(resume=True)
    save(first, [Path('x')])
    second = saving(resume=True)
    second._tasks = ['panoptic', 'semantic']
    with second:
        assert [number for number, _ in second.left(enumerate([Path('x')]))] == [0]


def test_resuming_needs_the_jsons(saving):
    with pytest.raises(ValueError, match='to resume, json files are read that the formats .* lack: add json'):
        saving(resume=True, formats=['png'])


def test_keeps_subfolders(saving, tmp_path):
    sources = [tmp_path / 'in' / name for name in ('x.jpg', 'sub/x.jpg', 'sub/deeper/.y.jpg', 'sub/x.png')]
    save(saving(roots=[tmp_path / 'in']), sources)
    names = ['x', 'sub/x', 'sub/deeper/_y', 'sub/x_2']
    assert panoptic(tmp_path)[0] == names
    assert all((tmp_path / f'{name}{ending}').is_file() for name in names for ending in ENDINGS)
    file_names = [found['file_name'] for found in json.loads((tmp_path / 'panoptic.json').read_text())['annotations']]
    assert file_names == [f'{name}_panoptic.png' for name in names]


def test_processes_share_the_images(saving, tmp_path):
    """Two, as threads that wait for each other; one image fails, and all is as if one process had done it."""
    sources = [Path(f'{folder}/{name}.jpg') for name in 'xyz' for folder in 'ab']

    def predict(found):
        if found.number == 3:
            raise ValueError('broken')
        return found

    def run(rank):
        failures, share = [], Share(rank, 2, Meeting.of(rank))
        with saving(share=share) as one:
            found = (Found(number, source) for number, source in one.left(one.part(sources)))
            numbers = list(one.write(found, lambda found: output(predict(found)), failures))
        return numbers, [failure.number for failure in failures]

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(run, range(2)))
    assert found == [([0, 2, 4], []), ([1, 5], [3])]
    assert panoptic(tmp_path) == (['x', 'x_2', 'y', 'z', 'z_2'], [1, 2, 3, 5, 6])


class Meeting:
    """Gathers what two threads give."""

    barrier, given = Barrier(2, timeout=20), [None, None]

    @classmethod
    def of(cls, rank):
        def gather(own):
            cls.given[rank] = own
            cls.barrier.wait()
            everything = list(cls.given)
            cls.barrier.wait()
            return everything

        return gather


def test_what_cannot_be_shared(saving):
    share = Share(0, 2, lambda own: [own, own])
    with pytest.raises(ValueError, match='for the COCO files of several processes, json files are read'):
        saving(share=share, formats=['coco', 'png'])
    with pytest.raises(TypeError, match='images that several processes share must be known before: give a list'):
        saving(share=share).part(iter([Path('x')]))


def test_lets_go_of_what_is_written(saving):
    """Results of large images are not kept while the next one is predicted."""
    alive = []

    def predict(found):
        assert not any(reference() is not None for reference in alive)
        return found

    def converted(found):
        made = output(found)
        alive.append(weakref.ref(made.results['panoptic']['id_map']))
        return made._replace(kept=None)

    with saving() as started:
        found = (predict(Found(number, source)) for number, source in started.left(enumerate('abc')))
        assert sum(1 for _ in started.write(found, converted, None)) == 3


def write_of(folder):
    def write(number, source, name):
        results, image, size, _ = output(Found(number, source))
        return folder.files.write(name, results, image, {'file_name': str(source), 'height': 4, 'width': 6})

    return write


def test_what_predicts_in_the_pool_is_finished_in_order(saving, tmp_path):
    failures = []
    opened = saving()
    write = write_of(opened._folder)

    def work(number, source, name):
        if number == 1:
            raise KeyError('b')
        return write(number, source, name)

    with opened:
        count = len(list(opened.predict_and_write(opened.left(enumerate(map(Path, 'abc'))), work, failures)))
    assert (count, [failure.number for failure in failures]) == (2, [1])
    assert panoptic(tmp_path) == (['a', 'c'], [1, 3])


PIPES = []  # of processes that are started afterwards: that an image was begun, and that the pool was stopped


@pytest.mark.skipif(sys.platform != 'linux', reason='other systems cannot copy a process safely')
def test_after_an_error_no_process_begins_an_image(saving, tmp_path, monkeypatch):
    PIPES[:] = (begun, _), (_, stopped) = os.pipe(), os.pipe()
    stop = Copies.stop
    monkeypatch.setattr(Copies, 'stop', lambda pool: (os.read(begun, 1), stop(pool), os.write(stopped, b'.')))
    sources = [tmp_path / name for name in 'abc']
    opened = saving(num_workers=1, start=lambda count: copy_process(count, int))
    with pytest.raises(KeyError, match='a'), opened:
        list(opened.predict_and_write(opened.left(enumerate(sources)), touch, None))
    assert [source.exists() for source in sources] == [False, True, False]


def touch(number, source, name):
    """The first fails; the next one lasts until the pool is stopped."""
    if number == 0:
        raise KeyError(name)
    (_, begin), (stopped, _) = PIPES
    os.write(begin, b'.')
    select.select([stopped], [], [], 5)
    source.touch()
    return Written([], {'name': name, 'image': {'height': 4, 'width': 6}})
