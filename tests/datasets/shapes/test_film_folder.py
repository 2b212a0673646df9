import json

import cv2
import numpy as np
import pytest

from mmoneformer.datasets.shapes.classes import CLASSES
from mmoneformer.datasets.shapes.film_folder import write_films
from mmoneformer.datasets.shapes.films import LENGTH, RATE
from mmoneformer.video_files import Video

OPTIONS = {'num_films': 2, 'size': 32, 'seed': 1}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data') / 'new' / 'films'
    assert write_films(folder, **OPTIONS)
    return folder


@pytest.fixture(scope='module')
def content(folder):
    return json.loads((folder / 'annotations/panoptic_films.json').read_text())


def test_annotation_describes_the_maps(folder, content):
    categories = {category['id'] for category in content['categories']}
    for image, annotation in zip(content['images'], content['annotations'], strict=True):
        assert annotation['image_id'] == image['id']
        ids = cv2.imread(str(folder / 'panoptic_films' / annotation['file_name'])).astype(int) @ [65536, 256, 1]
        assert ids.shape == (image['height'], image['width'])
        assert cv2.imread(str(folder / 'films' / image['file_name'])).shape == (*ids.shape, 3)
        for info in annotation['segments_info']:
            assert info['area'] == (ids == info['id']).sum()
            assert info['category_id'] in categories


def test_images_belong_to_films(content):
    assert [video['id'] for video in content['videos']] == [1, 2]
    assert [image['id'] for image in content['images']] == list(range(1, 2 * LENGTH + 1))
    assert [(image['video_id'], image['frame_id']) for image in content['images']] == [
        (film, frame) for film in (1, 2) for frame in range(LENGTH)
    ]


def test_ids_stay_in_a_film(content):
    of_films = [{}, {}]
    for image, annotation in zip(content['images'], content['annotations'], strict=True):
        for info in annotation['segments_info']:
            labels = of_films[image['video_id'] - 1]
            assert labels.setdefault(info['id'], info['category_id']) == info['category_id']
    assert all(4 < len(labels) < 15 for labels in of_films)


def test_the_video_has_the_frames(folder, content):
    for film in content['videos']:
        video = Video(folder / 'films' / film['file_name'])
        frames = list(video.frames())
        assert (video.rate, len(frames)) == (RATE, film['length'])
        images = [cv2.imread(str(path)) for path in sorted((folder / 'films' / film['name']).iterdir())]
        assert np.abs(np.array(frames, int) - images).mean() < 12


def test_a_film_depends_on_its_number_alone(folder, tmp_path):
    write_films(tmp_path / 'one', **OPTIONS | {'num_films': 1})
    for path in (tmp_path / 'one').rglob('000001/*'):
        assert path.read_bytes() == (folder / path.relative_to(tmp_path / 'one')).read_bytes()


def test_existing_folder_is_kept(folder):
    assert not write_films(folder, **OPTIONS)
    with pytest.raises(FileExistsError, match='films exists with other content'):
        write_films(folder, **OPTIONS | {'seed': 2})


def test_failure_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(CLASSES, 'shapes', ['not a category'])
    with pytest.raises(AttributeError):
        write_films(tmp_path / 'films', **OPTIONS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('wrong', [{'num_films': 0}, {'size': 31}, {'seed': -1}])
def test_numbers_out_of_range(tmp_path, wrong):
    with pytest.raises(ValueError, match='the number of films must be at least 1'):
        write_films(tmp_path / 'films', **OPTIONS | wrong)


def test_unknown_classes(tmp_path):
    with pytest.raises(ValueError, match='unknown classes'):
        write_films(tmp_path / 'films', **OPTIONS, classes='letters')
