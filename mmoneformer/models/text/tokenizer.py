"""CLIP's tokenizer: byte pair encoding (arXiv 1508.07909) of lower-case text.

The vocabulary is a file of mmsegmentation.
"""

import html
from collections.abc import Sequence
from functools import lru_cache
from gzip import open as open_gzip
from importlib.util import find_spec
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

import ftfy
import regex
import torch
from torch import Tensor

CONTEXT_LENGTH = 77
VOCABULARY_SIZE = 49408
START, END = '<|startoftext|>', '<|endoftext|>'
WORD_END = '</w>'
WORD_PATTERN = regex.compile(
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+", regex.IGNORECASE
)


class Vocabulary(NamedTuple):
    """Token ids, and ranks of the merges: of two pairs of tokens, the one with the lower rank is merged first."""

    ids: dict[str, int]
    ranks: dict[tuple[str, str], int]


class Tokenizer:
    """Converts texts to token ids of CLIP's vocabulary, which is loaded at first use, once per process."""

    def encode(self, text: str) -> list[int]:
        """Return the token ids of a text of any length, without start and end tokens."""
        return [token for word in WORD_PATTERN.findall(clean(text)) for token in _encode_word(word)]

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Return the token ids of texts, padded to the same length.

        Args:
            texts: N texts.

        Returns:
            int64 [N, CONTEXT_LENGTH]: start token, text, end token, zeros. Texts that are too long are cut before the
            end token.
        """
        ids = load_vocabulary().ids
        rows = torch.zeros(len(texts), CONTEXT_LENGTH, dtype=torch.int64)
        for row, text in zip(rows, texts, strict=True):
            tokens = [ids[START], *self.encode(text)[: CONTEXT_LENGTH - 2], ids[END]]
            row[: len(tokens)] = torch.tensor(tokens)
        return rows


def clean(text: str) -> str:
    """Repair the encoding, unescape HTML entities twice, collapse white space, convert to lower case."""
    text = html.unescape(html.unescape(ftfy.fix_text(text)))
    return ' '.join(text.split()).lower()


@lru_cache(maxsize=1)
def load_vocabulary() -> Vocabulary:
    """Read the merges, which determine the vocabulary.

    Raises:
        FileNotFoundError: If mmsegmentation or its vocabulary file is missing.
    """
    letters = byte_letters().values()
    num_merges = VOCABULARY_SIZE - 2 * len(letters) - 2
    with open_gzip(_vocabulary_file(), 'rt', encoding='utf-8') as file:
        lines = islice(file, 1, 1 + num_merges)  # the first line is a header, the last ones are unused
        merges = [(left, right) for left, right in (line.split() for line in lines)]
    tokens = [*letters, *(letter + WORD_END for letter in letters), *map(''.join, merges), START, END]
    return Vocabulary(
        ids={token: index for index, token in enumerate(tokens)},
        ranks={pair: rank for rank, pair in enumerate(merges)},
    )


@lru_cache(maxsize=1)
def byte_letters() -> dict[int, str]:
    """Return a visible character for each of the 256 bytes, in the order of the vocabulary.

    Bytes that are visible characters of Latin-1 come first and represent themselves; the others are represented by
    the characters from 256 on.
    """
    visible = [*range(ord('!'), ord('~') + 1), *range(ord('¡'), ord('¬') + 1), *range(ord('®'), ord('ÿ') + 1)]
    others = [byte for byte in range(256) if byte not in visible]
    return {byte: chr(byte) for byte in visible} | {byte: chr(256 + index) for index, byte in enumerate(others)}


def _vocabulary_file() -> Path:
    spec = find_spec('mmseg')
    for package in (spec.submodule_search_locations or ()) if spec else ():
        file = Path(package) / 'utils' / 'bpe_simple_vocab_16e6.txt.gz'
        if file.is_file():
            return file
    raise FileNotFoundError(
        "CLIP's vocabulary, mmseg/utils/bpe_simple_vocab_16e6.txt.gz, is not installed: "
        'pip install "mmsegmentation>=1.2"'
    )


@lru_cache(maxsize=65536)
def _encode_word(word: str) -> tuple[int, ...]:
    """Merge the bytes of a word, the pair with the lowest rank first, until no pair can be merged."""
    ids, ranks = load_vocabulary()
    if word in (START, END):
        return (ids[word],)
    letters = byte_letters()
    tokens = [letters[byte] for byte in word.encode()]
    tokens[-1] += WORD_END
    while len(tokens) > 1:
        pair = min(pairwise(tokens), key=lambda pair: ranks.get(pair, len(ranks)))
        if pair not in ranks:
            break
        tokens = _merge(tokens, pair)
    return tuple(ids[token] for token in tokens)


def _merge(tokens: list[str], pair: tuple[str, str]) -> list[str]:
    """Join each occurrence of the pair, from left to right."""
    merged: list[str] = []
    joined = True  # whether the last token was just merged, and cannot be merged again
    for token in tokens:
        if not joined and (merged[-1], token) == pair:
            merged[-1] += token
            joined = True
        else:
            merged.append(token)
            joined = False
    return merged
