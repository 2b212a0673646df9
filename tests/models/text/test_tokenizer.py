import json
from pathlib import Path

import numpy as np
import pytest

import mmoneformer  # noqa: F401
from mmoneformer.metainfo import KNOWN_DATASETS
from mmoneformer.models.text import tokenizer as module
from mmoneformer.models.text.tokenizer import CONTEXT_LENGTH, VOCABULARY_SIZE, Tokenizer, clean, load_vocabulary
from mmoneformer.tasks import target_text

REFERENCE = Path(__file__).parents[2] / 'data' / 'tokenizer.npz'
START, END = VOCABULARY_SIZE - 2, VOCABULARY_SIZE - 1


@pytest.fixture(scope='module')
def reference():
    """Ids that the authors' tokenizer gives."""
    return np.load(REFERENCE)


def test_strings_as_the_authors_tokenizer(reference):
    texts = json.loads(str(reference['strings_json']))
    np.testing.assert_array_equal(Tokenizer()(texts).numpy(), reference['ids'])
    assert [Tokenizer().encode(text) for text in texts] == json.loads(str(reference['raw_ids_json']))


@pytest.mark.parametrize('dataset', KNOWN_DATASETS)
def test_class_names_as_the_authors_tokenizer(reference, dataset):
    names = json.loads(str(reference[f'classes_{dataset}_json']))
    ids = Tokenizer()([target_text(name) for name in names]).numpy()
    expected = reference[f'classes_{dataset}_ids']
    np.testing.assert_array_equal(ids[:, : expected.shape[1]], expected)
    assert not ids[:, expected.shape[1] :].any()


def test_text_of_any_length_keeps_start_and_end():
    ids = Tokenizer()(['', 'cat ' * 75, 'cat ' * 76])
    (cat,) = Tokenizer().encode('cat')
    assert ids.shape == (3, CONTEXT_LENGTH)
    assert ids[0].tolist() == [START, END] + [0] * 75
    assert ids[1].tolist() == ids[2].tolist() == [START] + [cat] * 75 + [END]


def test_no_text_gives_no_row():
    assert Tokenizer()([]).shape == (0, CONTEXT_LENGTH)


def test_every_token_has_its_own_id():
    ids, ranks = load_vocabulary()
    assert sorted(ids.values()) == list(range(VOCABULARY_SIZE))
    assert len(ranks) == VOCABULARY_SIZE - 2 * 256 - 2


def test_clean_resolves_entities_twice_and_white_space():
    assert clean(' A &amp;lt;B&amp;gt;\t\n C ') == 'a <b> c'


@pytest.mark.parametrize('installed', [False, True])
def test_missing_vocabulary_names_the_package_to_install(monkeypatch, tmp_path, installed):
    class Spec:
        submodule_search_locations = [str(tmp_path)]

    monkeypatch.setattr(module, 'find_spec', lambda name: Spec if installed else None)
    load_vocabulary.cache_clear()
    with pytest.raises(FileNotFoundError, match='pip install "mmsegmentation'):
        load_vocabulary()
