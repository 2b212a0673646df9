import pytest

from mmoneformer.datasets.missing_files import check_inside, missing_files, name_hint
from mmoneformer.errors import AnnotationError


def test_missing_files_in_their_order(tmp_path, monkeypatch):
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a/1.jpg').touch()
    (tmp_path / 'a/folder.jpg').mkdir()
    names = ['a/2.jpg', 'a/1.jpg', 'b/1.jpg', 'a/folder.jpg', 's3://a/1.jpg']
    expected = ['a/2.jpg', 'b/1.jpg', 'a/folder.jpg']
    monkeypatch.chdir(tmp_path)
    assert missing_files(names) == expected
    (tmp_path / '1.jpg').touch()
    assert missing_files(['1.jpg', '2.jpg']) == ['2.jpg']


@pytest.mark.parametrize(
    ('names', 'hint'),
    [
        (['a/1.jpg', 'b.jpg'], ''),
        (['a/100%.jpg'], ''),
        (['a/1.jpg', 'train\\1.jpg'], '; a backslash separates folders on Windows alone: write / in the names'),
        (['a/my%20dog.jpg'], "; names are quoted as in a URL: write 'my dog.jpg', without %20 and alike"),
    ],
)
def test_what_may_be_wrong_with_names(names, hint):
    assert name_hint(names) == hint


def test_names_that_lead_out_of_their_folder():
    check_inside('a/..b/c.jpg', 'train', 'x.json')
    for name in ('/a.jpg', '../a.jpg', 'a/../../b.jpg', 's3://a.jpg'):
        with pytest.raises(AnnotationError, match=r'^x\.json names a file outside of train: .*jpg$'):
            check_inside(name, 'train', 'x.json')
    with pytest.raises(AnnotationError, match='a backslash separates folders on Windows alone'):
        check_inside('..\\..\\a.jpg', 'train', 'x.json')
