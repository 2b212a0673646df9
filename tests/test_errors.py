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
