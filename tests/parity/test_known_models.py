"""The records of the package are those of the reference models, on any machine."""

import pytest

from mmoneformer.fingerprint.known_models import known_models
from mmoneformer.fingerprint.model_record import find_differences, record_model


@pytest.mark.parametrize('device', ['cpu'], indirect=True)
def test_equal(reference):
    found = record_model(reference.model)
    assert list(find_differences(found, known_models()[reference.name])) == []
