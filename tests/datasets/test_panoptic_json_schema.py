import json
import os
import re
import sys
import tempfile
from copy import deepcopy
from functools import cache
from pathlib import Path

import cv2
import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from mmoneformer.datasets.panoptic_dataset import PanopticSegDataset
from mmoneformer.datasets.panoptic_json_schema import read_content

CONTENT = {
    'categories': [
        {'id': 7, 'name': 'car', 'isthing': 1, 'color': [1, 2, 3]},
        {'id': 3, 'name': 'road', 'isthing': False, 'color': [4, 5, 6]},
    ],
    'images': [
        {'id': 11, 'file_name': 'a/one.png', 'height': 6, 'width': 10},
        {'id': 5, 'file_name': 'two.png', 'height': 6, 'width': 10},
    ],
    'annotations': [
        {'image_id': 5, 'file_name': 'two.png', 'segments_info': [{'id': 9, 'category_id': 3, 'iscrowd': 0}]},
        {'image_id': 11, 'file_name': 'a/one.png', 'segments_info': [{'id': 70000, 'category_id': 7}]},
    ],
}
CATEGORY, IMAGE, SEGMENTS = ('categories', 0), ('images', 1), ('annotations', 0, 'segments_info')


def changed(place: tuple, value) -> dict:
    content = deepcopy(CONTENT)
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return content


def read(folder: Path, content) -> dict:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / 'ann.json').write_text(text)
    return read_content(str(folder / 'ann.json'))


def test_content_passes_unchanged(tmp_path):
    assert read(tmp_path, CONTENT) == CONTENT
    without = {key: CONTENT[key] for key in ('categories', 'images')}
    assert read(tmp_path, without) == without
    named = changed((*IMAGE, 'id'), 'aachen_000000_000019') | {'info': {'year': None}}
    assert read(tmp_path, named) == named


@pytest.mark.parametrize(
    ('place', 'value', 'message'),
    [
        (('categories',), {}, "'categories' of the file must be a list, got {}"),
        (CATEGORY, 'car', "categories[0] must be an object, got 'car'"),
        ((*CATEGORY, 'id'), True, "'id' of categories[0] must be an integer, got True"),
        ((*CATEGORY, 'name'), None, "'name' of categories[0] must be a non-empty string, got None"),
        ((*CATEGORY, 'isthing'), 2, "'isthing' of categories[0] must be 0 or 1, got 2"),
        ((*CATEGORY, 'color'), [0, 0, 256], "'color' of categories[0] must be three integers in 0..255, got [0,"),
        ((*IMAGE, 'height'), -5, "'height' of images[1] must be a number of pixels, at least 1, got -5"),
        ((*IMAGE, 'width'), 10.0, "'width' of images[1] must be a number of pixels, at least 1, got 10.0"),
        ((*IMAGE, 'width'), float('nan'), 'at least 1, got nan'),
        ((*IMAGE, 'id'), '../../up', "'id' of images[1] must be an integer, or a string without slashes"),
        ((*IMAGE, 'file_name'), ['x'], "'file_name' of images[1] must be a non-empty string, got ['x']"),
        (SEGMENTS, {}, "'segments_info' of annotations[0] must be a list of at most 65535 segments, got {}"),
        ((*SEGMENTS, 0, 'id'), '9', "'id' of annotations[0].segments_info[0] must be an integer, got '9'"),
        ((*SEGMENTS, 0, 'iscrowd'), 'no', "'iscrowd' of annotations[0].segments_info[0] must be 0 or 1, got 'no'"),
    ],
)
def test_value_that_cannot_be(tmp_path, place, value, message):
    with pytest.raises(ValueError, match=rf'ann\.json is not a COCO-panoptic json: .*{re.escape(message)}'):
        read(tmp_path, changed(place, value))


@pytest.mark.parametrize('place', [CATEGORY, IMAGE, SEGMENTS[:-1], (*SEGMENTS, 0), ()])
def test_what_is_lacking_is_named(tmp_path, place):
    content = deepcopy(CONTENT)
    entry = content
    for key in place:
        entry = entry[key]
    key = next(iter(entry))
    del entry[key]
    with pytest.raises(ValueError, match=rf"ann\.json is not a COCO-panoptic json: .* no '{key}', which must be a"):
        read(tmp_path, content)


def test_more_segments_than_a_map_can_number(tmp_path):
    many = [{'id': n, 'category_id': 3} for n in range(1, 65537)]
    assert len(read(tmp_path, changed(SEGMENTS, many[:-1]))['annotations'][0]['segments_info']) == 65535
    with pytest.raises(ValueError, match='at most 65535'):
        read(tmp_path, changed(SEGMENTS, many))


@pytest.mark.parametrize(
    'text', ['', '{"images": [', 'null', '[' * 10**5, '9' * 5000, '\ud800'.encode('utf-16', 'surrogatepass')]
)
def test_file_that_is_no_json_of_this_kind(tmp_path, text):
    path = tmp_path / 'ann.json'
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=r'ann\.json is no'):
        read_content(str(path))


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.json'):
        read_content(str(tmp_path / 'none.json'))


def test_name_of_a_pickle_does_not_make_it_one(tmp_path):
    (tmp_path / 'ann.pkl').write_bytes(b'cbuiltins\nprint\n(tR.')
    with pytest.raises(ValueError, match='is not a valid json'):
        read_content(str(tmp_path / 'ann.pkl'))


# Contents with faults of any kind, on their way to the images

SECRET = 'secret.png'
names = st.sampled_from(
    [
        f'../{SECRET}',
        f'a/../../{SECRET}',
        f'..\\{SECRET}',
        '/etc/passwd',
        'file:///etc/passwd',
        'http://127.0.0.1:9/x.png',
        's3://bucket/x.png',
        'a',
        '.',
        'two.png/',
        'two\0.png',
        '~/two.png',
        'C:\\two.png',
        'x' * 5000,
    ]
)
numbers = st.one_of(
    st.integers(-3, 12), st.sampled_from([1 << 24, -(1 << 70), 1 << 70, 70000]), st.floats(), st.booleans()
)
scalars = st.one_of(st.none(), numbers, names, st.text(max_size=5))
junk = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


def places(content, place=()):
    """Ways to all values inside."""
    keys = content if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else ()
    for key in keys:
        yield (*place, key)
        yield from places(content[key], (*place, key))


@st.composite
def faulty(draw):
    """The content with some of it replaced, removed or repeated."""
    content = deepcopy(CONTENT)
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(list(places(content))))
        inner = content
        for key in way:
            inner = inner[key]
        fault = draw(st.sampled_from(['replace', 'remove', 'repeat']))
        if fault == 'replace':
            inner[last] = draw(junk)
        elif fault == 'remove':
            del inner[last]
        elif isinstance(inner, list):
            inner.append(deepcopy(inner[last]))
        if not list(places(content)):
            break
    return content


@cache
def opened() -> list[str]:
    """Paths that are opened or listed from now on; an audit hook stays for good."""
    paths: list[str] = []

    def note(event, args):
        if event in ('open', 'os.listdir', 'os.scandir') and isinstance(args[0], str | bytes | os.PathLike):
            paths.append(os.fsdecode(args[0]))

    sys.addaudithook(note)
    return paths


def write_files(folder: Path) -> None:
    (folder / 'root/img/a').mkdir(parents=True)
    (folder / 'root/seg/a').mkdir(parents=True)
    picture = np.zeros((6, 10, 3), np.uint8)
    for name in ('root/img/a/one.png', 'root/img/two.png', 'root/seg/a/one.png', 'root/seg/two.png', SECRET):
        cv2.imwrite(str(folder / name), picture)
    cv2.imwrite(str(folder / 'root' / SECRET), picture)  # inside the root, but of neither folder


def fault_of(root: Path, test_mode: bool) -> Exception | None:
    """What reading the annotation and all images raises."""
    try:
        dataset = PanopticSegDataset(
            ann_file='ann.json',
            data_root=str(root),
            data_prefix={'img': 'img', 'seg': 'seg'},
            pipeline=[{'type': 'LoadImageFromFile'}, {'type': 'LoadPanopticMap'}],
            serialize_data=False,
            test_mode=test_mode,
        )
        for index in range(len(dataset)):
            dataset[index]
    except (ValueError, FileNotFoundError) as error:
        return error
    return None


@hypothesis.settings(max_examples=400, deadline=None, derandomize=True, database=None)
@hypothesis.given(content=faulty(), test_mode=st.booleans())
def test_faults_are_named_and_nothing_outside_is_read(content, test_mode):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder)
        (folder / 'root/ann.json').write_text(json.dumps(content))
        opened().clear()
        fault = fault_of(folder / 'root', test_mode)
        assert fault is None or re.search(r'ann\.json|root/(img|seg)/', str(fault))
        assert not [path for path in opened() if SECRET in path or 'passwd' in path]
