"""Texts without spaces: byte pairs learn from bounded pieces and apply to words of any length, words say what to choose."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from genstudio.data.datasets import TextDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable.tokens import prepare_text
from genstudio.data.tokenizers import BPETokenizer, tokenizer_from_json
from genstudio.data.tokenizers.child import shortened, train_bpe
from genstudio.data.vocabulary import TokenSettings
from genstudio.data.work import finished
from genstudio.errors import DataError


def run(seed: int, letters: str, count: int) -> str:
    return "".join(random.Random(seed).choices(letters, k=count))


@pytest.mark.parametrize("seed", range(20))
def test_pieces_are_the_text_and_none_has_a_long_run(seed: int) -> None:
    rng = random.Random(seed)
    parts = [run(seed + n, rng.choice(["ACGT", "0123456789", " ", "é漢", "-=", "ab cd"]), rng.choice([3, 900, 1024, 1025, 9000]))
             for n in range(8)]  # fmt: skip
    text = "\n".join(parts)
    pieces = shortened(text)
    assert "".join(pieces) == text
    for piece in pieces:
        for letters in (str.isalpha, str.isdigit, str.isspace):
            inside = "".join("x" if letters(c) else "." for c in piece)
            assert max(map(len, inside.split("."))) <= 1024


def test_a_text_with_spaces_is_one_piece() -> None:
    text = "To be, or not to be: that is the question.\n" * 500
    assert shortened(text) == [text] and shortened("") == [""]


def learnt(text: str, vocabulary: int = 300) -> BPETokenizer:
    return finished(train_bpe([lambda: text], vocabulary, lines=False))


@pytest.mark.parametrize("letters", ["ACGT", "0123456789"])
def test_byte_pairs_of_a_text_without_spaces_are_those_of_its_pieces(letters: str) -> None:
    text = run(3, letters, 20_000)
    tokenizer = learnt(text)
    spaced = learnt("".join(piece + "\n" for piece in shortened(text)))
    assert tokenizer.size == 300 and tokenizer.merges == spaced.merges
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text and len(ids) < len(text) / 1.5
    again = tokenizer_from_json(json.loads(json.dumps(tokenizer.to_json())))
    assert (again.encode(text) == ids).all()


def test_words_of_a_text_without_spaces_say_what_to_choose() -> None:
    text = run(5, "ACGT", 30_000)
    info = DatasetInfo("dna", "DNA", "text", "imported", Path("dna"), len(text), "0" * 64, count=len(text))
    with pytest.raises(DataError, match="has almost no spaces") as error:
        finished(prepare_text(TextDataset(info, text), "none", 16, TokenSettings("word", min_count=1)))
    assert "characters" in error.value.hint
    short = "one two three four " * 3
    with pytest.raises(DataError, match="too short"):
        finished(prepare_text(TextDataset(info, short), "none", 64, TokenSettings("word", min_count=1)))
