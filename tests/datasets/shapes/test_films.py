import numpy as np
import pytest

from mmoneformer.datasets.shapes.classes import CLASSES
from mmoneformer.datasets.shapes.films import LENGTH, draw_film

SIDE = 40


@pytest.fixture(scope='module')
def films():
    return [list(draw_film(np.random.default_rng([0, index]), SIDE)) for index in range(3)]


def centers(film, segment_id):
    """Middle of a segment in each frame; nan where it is hidden."""
    middles = []
    for scene in film:
        places = np.argwhere(scene.ids == segment_id)
        middles.append(places.mean(0) if len(places) else (np.nan, np.nan))
    return np.array(middles)


def test_frames_are_scenes(films):
    for film in films:
        assert len(film) == LENGTH
        assert len({scene.ids.shape for scene in film}) == 1
        for scene in film:
            assert set(np.unique(scene.ids)) - {0} == {segment.id for segment in scene.segments}
            assert scene.image.shape == (*scene.ids.shape, 3)
            assert 0 <= scene.image.min() <= scene.image.max() <= 255


def test_an_id_is_one_thing_throughout(films):
    """Of one class, and one color: the color of its pixels hardly changes where it is well visible."""
    for film in films:
        classes, colors = {}, {}
        for scene in film:
            for segment in scene.segments:
                mask = scene.ids == segment.id
                assert classes.setdefault(segment.id, segment.category) is segment.category
                if segment.category.isthing and mask.sum() > 0.9 * segment.area > 30:
                    colors.setdefault(segment.id, []).append(scene.image[mask].mean(0))
        assert all(np.std(seen, axis=0).max() < 15 for seen in colors.values())


def test_things_move_cross_hide_leave_and_enter(films):
    moved = hidden = entered = left = crossed = 0
    for film in films:
        things = {segment.id for scene in film for segment in scene.segments if segment.category.isthing}
        seen = np.array([[(scene.ids == thing).any() for scene in film] for thing in things])
        for thing, is_seen in zip(things, seen, strict=True):
            path = centers(film, thing)[is_seen]
            moved += np.ptp(path, axis=0).max() > SIDE / 4
            first, last = np.flatnonzero(is_seen)[[0, -1]]
            hidden += not is_seen[first:last].all()
            entered, left = entered + (first > 0), left + (last < LENGTH - 1)
        for scene in film:
            areas = {segment.id: segment.area for segment in scene.segments if segment.category.isthing}
            crossed += any((scene.ids == thing).sum() < 0.7 * area for thing, area in areas.items())
    assert moved > 6
    assert hidden > 2
    assert min(entered, left) > 1
    assert crossed > 30


def test_films_follow_their_seed():
    first, again, other = (next(draw_film(np.random.default_rng(seed), 32)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.image, again.image)
    assert first.image.shape != other.image.shape or (first.image != other.image).any()


@pytest.mark.parametrize('classes', CLASSES)
def test_shorter_films_of_any_classes(classes):
    film = list(draw_film(np.random.default_rng(0), 32, CLASSES[classes], length=3))
    assert len(film) == 3
    assert {segment.category for scene in film for segment in scene.segments} <= set(CLASSES[classes])
