import dataclasses

import pytest

from mmoneformer.checkpoints.model_zoo import released_urls
from mmoneformer.fingerprint.known_models import find_known, known_models


def test_a_model_is_found_by_its_weights_or_its_name():
    for name, record in known_models().items():
        assert find_known('work/mine.pth', record.weights_sha256) == (name, record)
        assert find_known(name, 'other weights') == (name, record)
    assert find_known('work/mine.pth', 'other weights') is None


def test_names_are_those_of_released_models_and_of_the_parity_tests():
    assert {name.removesuffix('_small') for name in known_models() if name not in released_urls()} == {
        'convnext',
        'dinat',
        'r50',
        'swin',
    }


def test_no_two_models_have_the_same_weights():
    hashes = [record.weights_sha256 for record in known_models().values()]
    assert len(set(hashes)) == len(hashes)


@pytest.mark.parametrize('name', known_models())
def test_records_fit_any_file(name):
    """That of a converted model differs with the version of torch that wrote it."""
    record = known_models()[name]
    assert record.file_sha256 is None
    assert len(record.weights_sha256) == 64
    assert dataclasses.asdict(record)['architecture']['queries'] == len(record.logits['semantic']['class'])
