import json

from mmoneformer.results.streamed_json import StreamedJson


def test_is_complete_once_closed(tmp_path):
    path = tmp_path / 'x.json'
    file = StreamedJson(path, {'info': {'of': 'ä'}}, 'items')
    for item in ({'id': 1}, [2, 'three']):
        file.append(item)
    assert not path.exists()
    file.close({'count': 2})
    assert json.loads(path.read_text()) == {'info': {'of': 'ä'}, 'items': [{'id': 1}, [2, 'three']], 'count': 2}
    assert [found.name for found in tmp_path.iterdir()] == ['x.json']


def test_without_items(tmp_path):
    StreamedJson(tmp_path / 'x.json', {'a': 1}, 'items').close({'b': 2})
    assert json.loads((tmp_path / 'x.json').read_text()) == {'a': 1, 'items': [], 'b': 2}


def test_replaces_an_earlier_file_only_when_closed(tmp_path):
    path = tmp_path / 'x.json'
    path.write_text('earlier')
    file = StreamedJson(path, {'a': 1}, 'items')
    assert path.read_text() == 'earlier'
    file.close({'b': 2})
    assert json.loads(path.read_text())['b'] == 2
