import pickle

import pytest

from mmoneformer import errors


@pytest.mark.parametrize(
    'error',
    [
        errors.AnnotationError,
        errors.AnnotationSizeError,
        errors.UnknownLabelError,
        errors.UnreadableFileError,
        errors.EmptyDatasetError,
    ],
)
def test_callers_may_catch_value_errors_and_workers_may_send_them(error):
    assert issubclass(error, ValueError)
    copy = pickle.loads(pickle.dumps(error('a.png has label 4')))
    assert (type(copy), str(copy)) == (error, 'a.png has label 4')


@pytest.mark.parametrize(('count', 'text'), [(0, ''), (1, '0'), (3, '0, 1, 2'), (4, '0, 1, 2 and 1 more')])
def test_first_few(count, text):
    assert errors.first_few(range(count)) == text
