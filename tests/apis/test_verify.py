import shutil
from pathlib import Path

import pytest
import torch

from mmoneformer.apis.verify import record_path, verify
from mmoneformer.checkpoints.checksums import sha256_of
from mmoneformer.fingerprint import known_models
from mmoneformer.fingerprint.model_record import read_record

DATA = Path(__file__).parents[1] / 'data'


@pytest.fixture
def checkpoint(tmp_path):
    return Path(shutil.copy(DATA / 'exported.pth', tmp_path))


def change(path, key, value):
    stored = torch.load(path)
    stored['state_dict'][key] += value
    torch.save(stored, path)


def test_record_and_compare(checkpoint):
    path, record, differences = verify(checkpoint)
    assert (path, differences) == (checkpoint, {})
    assert record.file_sha256 == sha256_of(checkpoint)
    assert not record_path(checkpoint).exists()

    assert verify(checkpoint, record=True).differences == {}
    assert read_record(checkpoint.with_name('exported.pth.record.json')) == record
    assert verify(checkpoint).differences == {'exported.pth.record.json': []}


def test_a_changed_file(checkpoint):
    verify(checkpoint, record=True)
    change(checkpoint, 'panoptic_head.query_embed', 1)
    (sentences,) = verify(checkpoint).differences.values()
    assert [sentence.split(' has')[0].split(' have')[0] for sentence in sentences[:2]] == ['the file', 'the weights']
    assert len(sentences) == 5  # and the logits of three tasks
    assert verify(checkpoint, record=True).differences == {}
    assert verify(checkpoint).differences == {'exported.pth.record.json': []}


def test_weights_that_no_logit_depends_on(checkpoint):
    verify(checkpoint, record=True)
    change(checkpoint, 'panoptic_head.contrastive_loss.logit_scale', 1)
    (sentences,) = verify(checkpoint).differences.values()
    assert len(sentences) == 2


def test_known_models(checkpoint, monkeypatch):
    """A known one is found whatever its file is called, and must be what its name says."""
    record = verify(checkpoint).record
    table = {'oneformer_small': record}
    monkeypatch.setattr(known_models, 'known_models', lambda: table)
    assert verify(checkpoint).differences == {'the known model oneformer_small': []}
    change(checkpoint, 'panoptic_head.contrastive_loss.logit_scale', 1)
    assert verify(checkpoint).differences == {}


def test_a_damaged_record_is_found_before_the_model_is_built(checkpoint):
    record_path(checkpoint).write_text('{}')
    checkpoint.write_text('no checkpoint')
    with pytest.raises(ValueError, match='exported.pth.record.json is not the record of a model: it has '):
        verify(checkpoint)
