import pytest

from mmoneformer.metainfo import distinct_colors, resolve_metainfo

PETS = {'classes': ['sky', 'cat', 'dog'], 'thing_ids': [1, 2], 'palette': [[0, 128, 255], [9, 8, 7], [1, 2, 3]]}

# number of classes and of things of the released models
COUNTS = {'ade20k': (150, 100), 'cityscapes': (19, 8), 'coco': (133, 80), 'mapillary': (65, 37)}


@pytest.mark.parametrize('name', COUNTS)
def test_known_data_sets_have_the_recipes_counts(name):
    metainfo = resolve_metainfo(name)
    assert (len(metainfo['classes']), len(metainfo['thing_ids'])) == COUNTS[name]


def test_a_mapping_is_completed_and_left_alone():
    given = {'classes': ['sky', 'cat'], 'thing_ids': [1]}
    metainfo = resolve_metainfo(given)
    assert metainfo['classes'] == ('sky', 'cat')
    assert metainfo['thing_ids'] == (1,)
    assert len(set(metainfo['palette'])) == 2
    assert set(given) == {'classes', 'thing_ids'}


def test_a_given_palette_is_kept():
    assert resolve_metainfo(PETS)['palette'] == [(0, 128, 255), (9, 8, 7), (1, 2, 3)]


def test_a_resolved_metainfo_resolves_to_itself():
    resolved = resolve_metainfo(PETS)
    assert resolve_metainfo(resolved) == resolved


@pytest.mark.parametrize(
    ('metainfo', 'message'),
    [
        ('ade', "unknown data set 'ade': choose one of .*'ade20k'"),
        ({'classes': ['sky']}, r"lacks \['thing_ids'\]; it has \['classes'\]"),
        (PETS | {'classes': []}, '0 classes, but a data set needs 1 to 255, as label maps have 8 bits per pixel'),
        (PETS | {'classes': [str(index) for index in range(256)]}, '256 classes'),
        (PETS | {'classes': ['sky', 'cat', 'sky']}, r"repeated: \['sky'\]"),
        (PETS | {'thing_ids': [1, 3]}, r'in 0\.\.2, got \[1, 3\]'),
        (PETS | {'thing_ids': [-1]}, r'got \[-1\]'),
        (PETS | {'thing_ids': [1, 1]}, r'unique.*got \[1, 1\]'),
        (PETS | {'palette': [[0, 0, 0]]}, '1 colors for 3 classes'),
        (PETS | {'classes': 'cat'}, r"'classes' of the metainfo is the text 'cat': .* needs a comma, \('cat',\)"),
        ([PETS, {'classes': 'cat'}], "is the text 'cat'"),
        (PETS | {'classes': {'cat'}}, 'give a tuple or a list of class names'),
        (PETS | {'classes': 3}, "'classes' of the metainfo is 3: give a tuple"),
        (PETS | {'classes': ['sky', 1, 2]}, 'has 1, 2: class names are texts in quotes'),
        (PETS | {'thing_ids': 0}, r"'thing_ids' of the metainfo is 0: .* needs a comma, as in \(0,\)"),
        (PETS | {'thing_ids': ['cat']}, "has 'cat': these are indices into classes"),
    ],
)
def test_faults_are_named(metainfo, message):
    with pytest.raises(ValueError, match=message):
        resolve_metainfo(metainfo)


def test_made_up_colors_differ_and_are_rgb():
    colors = distinct_colors(255)
    assert len(set(colors)) == 255
    assert all(0 <= value <= 255 for color in colors for value in color)


def test_lists_are_merged_by_name():
    merged = resolve_metainfo(
        [
            {'classes': ['sky', 'cat'], 'thing_ids': [1], 'palette': [[1, 2, 3], [4, 5, 6]]},
            {'classes': ['road', 'car', 'cat ']},  # does not say what is countable
            {'classes': ['car'], 'thing_ids': [0]},
        ]
    )
    assert merged['classes'] == ('sky', 'cat', 'road', 'car')
    assert merged['thing_ids'] == (1, 3)
    assert merged['palette'] == [(1, 2, 3), (4, 5, 6), *distinct_colors(4)[2:]]


def test_known_data_sets_can_be_merged():
    merged = resolve_metainfo(['cityscapes', {'classes': ['car', 'cat'], 'thing_ids': [0, 1]}])
    alone = resolve_metainfo('cityscapes')
    assert merged['classes'] == (*alone['classes'], 'cat')
    assert merged['thing_ids'] == (*alone['thing_ids'], 19)
    assert merged['palette'][:19] == alone['palette']


def test_thing_here_and_stuff_there():
    with pytest.raises(ValueError, match="class 'water' is a thing in one list of classes and stuff in another"):
        resolve_metainfo(
            [{'classes': ['water'], 'thing_ids': []}, {'classes': ['boat', 'water'], 'thing_ids': [0, 1]}]
        )
