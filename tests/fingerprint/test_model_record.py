import dataclasses
import json
import re

import pytest

from mmoneformer.export.description import hash_weights
from mmoneformer.fingerprint.model_record import (
    architecture_of,
    find_differences,
    read_record,
    write_record,
)


def test_content(model, record):
    assert record.weights_sha256 == hash_weights(model.state_dict())
    assert record.classes == ['sky', 'cat', 'road', 'car']
    assert record.thing_ids == [1, 3]
    assert record.made_with.keys() == {'mmoneformer', 'torch'}


def test_architecture(model):
    assert architecture_of(model) == {
        'backbone': 'ConvNeXt',
        'pixel decoder': 'MSDeformAttnPixelDecoder',
        'queries': len(model.panoptic_head.query_embed),
        'width': 32,
        'decoder layers': 1,
        'parameters': sum(
            value.numel() for name, value in model.state_dict().items() if name in dict(model.named_parameters())
        ),
    }


def test_there_and_back(record, tmp_path):
    write_record(tmp_path / 'x.json', record)
    assert read_record(tmp_path / 'x.json') == record
    assert list(find_differences(read_record(tmp_path / 'x.json'), record)) == []


@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        (dict(file_sha256='0'), 'the file has the SHA-256 ffff.*, and in the record 0$'),
        (dict(weights_sha256='1'), 'the weights have the SHA-256 .*, and in the record 1$'),
        (dict(architecture={'queries': 150}), 'queries: 8, and in the record 150$'),
        (
            dict(thing_ids=[3]),
            r'the classes are sky, cat\*, road and 1 more \(4; \* things\), and in the .* sky, cat, ',
        ),
        (dict(logits={'depth': {'class': [], 'mask': []}}), "has logits of the task 'depth', which the model lacks"),
        (dict(logits={'semantic': {'class': [1], 'mask': [1]}}), 'semantic: logits of 8 queries, and in the record 1'),
        (
            dict(logits={'semantic': {'class': [9] * 8, 'mask': [9] * 8}}),
            'semantic: the logits of 8 of 8 queries are not those of the record',
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else '',
)
def test_differences(record, changes, expected):
    if 'architecture' in changes:
        changes = {'architecture': {**record.architecture, **changes['architecture']}}
    (difference,) = find_differences(record, dataclasses.replace(record, **changes))
    assert re.search(expected, difference), difference


def test_what_a_record_lacks_is_not_compared(record):
    assert not list(find_differences(record, dataclasses.replace(record, file_sha256=None)))


@pytest.mark.parametrize(
    ('changes', 'fault'),
    [
        (dict(classes='cat'), "classes is 'cat'"),
        (dict(thing_ids=['1']), r"thing_ids is \['1'\]"),
        (dict(architecture={'queries': [1]}), 'architecture is '),
        (dict(logits={'semantic': {'class': [1]}}), 'logits is '),
        (dict(logits={'semantic': {'class': [1], 'mask': [float('nan')]}}), 'logits is '),
        (dict(more=1), 'it has architecture, classes, file_sha256 and 5 more, and a record has architecture, '),
    ],
)
def test_what_is_no_record(record, changes, fault, tmp_path):
    path = tmp_path / 'x.json'
    path.write_text(json.dumps(json.loads(record.to_json()) | changes))
    with pytest.raises(
        ValueError, match=rf'x.json is not the record of a model: {fault}.*; write it again with --rec'
    ):
        read_record(path)


@pytest.mark.parametrize('text', ['', '{"a"', '[' * 100_000, '[1]', '\xff'])
def test_damaged_records(text, tmp_path):
    (tmp_path / 'x.json').write_bytes(text.encode('latin-1'))
    with pytest.raises(ValueError, match=r'x.json is not the record of a model: '):
        read_record(tmp_path / 'x.json')
