import re

import pytest

from mmoneformer.datasets.json_schema import (
    FILE_ID,
    ID,
    INTEGER,
    SIZE,
    YES_OR_NO,
    check_entries,
    check_entry,
    check_unique,
    read_json,
)
from mmoneformer.errors import AnnotationError, UnreadableFileError


@pytest.mark.parametrize(
    ('rule', 'values', 'others'),
    [
        (INTEGER, (0, -3), (True, 1.0, '1', None)),
        (SIZE, (1, 70000), (0, -1, 2.0, True, '3')),
        (ID, (0, 'a/1'), ('', None, 1.5, False)),
        (FILE_ID, (0, 'a 1'), ('a/1', 'a\\1', None)),
        (YES_OR_NO, (0, 1, True, False), (2, 1.0, '1', None)),
    ],
)
def test_rules(rule, values, others):
    assert all(map(rule.fits, values))
    assert not any(map(rule.fits, others))


def test_the_place_is_named():
    check_entries([{'id': 1, 'more': None}], {'id': INTEGER}, 'images')
    with pytest.raises(AnnotationError, match=re.escape("'id' of images[1] must be an integer, got 'x'")):
        check_entries([{'id': 1}, {'id': 'x'}], {'id': INTEGER}, 'images')
    with pytest.raises(AnnotationError, match="the file has no 'id', which must be an integer"):
        check_entry({}, {'id': INTEGER}, 'the file')
    check_entry({}, {'id': INTEGER._replace(required=False)}, 'the file')
    with pytest.raises(AnnotationError, match=r'the file must be an object, got \[\]'):
        check_entry([], {}, 'the file')


def test_repeated_value():
    check_unique([{'id': 1}, {'id': '1'}], 'id', 'images')
    with pytest.raises(AnnotationError, match=re.escape("'id' of images[1] and images[2] is 7 (2 times in all)")):
        check_unique([{'id': 1}, {'id': 7}, {'id': 7}], 'id', 'images')


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16'])
def test_encodings_of_other_programs(tmp_path, encoding):
    (tmp_path / 'a.json').write_bytes('{"name": "Straße"}'.encode(encoding))
    assert read_json(str(tmp_path / 'a.json')) == {'name': 'Straße'}


@pytest.mark.parametrize('content', [b'', b'{"a": [', b'\xff\xfe\x00\xd8', b'[' * 10**5])
def test_file_that_is_no_json(tmp_path, content):
    (tmp_path / 'a.json').write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r'a\.json is not a valid json, write or download it again'):
        read_json(str(tmp_path / 'a.json'))
