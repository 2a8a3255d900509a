"""The character tokenizer: round trips, unknown characters, and files that somebody else made."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudio.data.tokenizers import CharTokenizer, tokenizer_from_json
from genstudio.data.tokenizers import tokenizer as tokenizer_module
from genstudio.errors import DataError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(TEXT.filter(bool))
def test_every_text_survives_encoding_and_decoding(text: str) -> None:
    tokenizer = CharTokenizer.of(text)
    ids = tokenizer.encode(text)
    assert ids.dtype == np.int32
    assert tokenizer.decode(ids) == text
    assert tokenizer.size == len(set(text))
    assert ids.tolist() == [sorted(set(text)).index(character) for character in text]


@given(TEXT.filter(bool), TEXT)
def test_unknown_characters_are_dropped_and_their_places_told(known: str, text: str) -> None:
    tokenizer = CharTokenizer.of(known)
    ids, unknown = tokenizer.encode_lossy(text)
    assert unknown == tuple(i for i, character in enumerate(text) if character not in known)
    assert tokenizer.decode(ids) == "".join(character for character in text if character in known)
    if unknown:
        with pytest.raises(DataError, match=f"first at character {unknown[0]}"):
            tokenizer.encode(text)


def test_encoding_does_not_depend_on_where_the_text_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "wörld 🙂 \n" * 40
    whole = CharTokenizer.of(text).encode(text)
    monkeypatch.setattr(tokenizer_module, "CHUNK", 7)
    assert np.array_equal(CharTokenizer.of(text).encode(text), whole)
    with pytest.raises(DataError, match=r"does not contain 'X' 'Y' .*character 363"):
        CharTokenizer.of(text).encode(text + "   YX")


def test_half_a_surrogate_pair_is_unknown_and_never_part_of_a_vocabulary() -> None:
    tokenizer = CharTokenizer.of("ab")
    ids, unknown = tokenizer.encode_lossy("a\ud800b")
    assert (tokenizer.decode(ids), unknown) == ("ab", (1,))
    with pytest.raises(DataError, match="surrogate"):
        CharTokenizer.of("a\ud800")


def test_markers_follow_the_characters_and_replace_the_line_end() -> None:
    tokenizer = CharTokenizer.of("ann\nbo\n", markers=True)
    assert tokenizer.alphabet == "abno"
    assert (tokenizer.size, tokenizer.begin, tokenizer.end) == (6, 4, 5)
    assert tokenizer.decode([4, 0, 2, 2, 5, 4, 1, 3, 5]) == "ann\nbo\n"
    assert tokenizer.pieces([4, 0, 5]) == ("<bos>", "a", "<eos>")
    plain = CharTokenizer.of("ab")
    assert (plain.begin, plain.end) == (None, None)


def test_every_piece_can_be_seen_on_one_line() -> None:
    text = "".join(map(chr, range(0x400))) + "\u0301\u200b\ufffd\U000e0001🙂"
    tokenizer = CharTokenizer.of(text)
    pieces = tokenizer.pieces(np.arange(tokenizer.size))
    shown = dict(zip(tokenizer.alphabet, pieces, strict=True))
    assert (shown["\n"], shown[" "], shown["\t"], shown["a"]) == ("⏎", "␣", "⇥", "a")
    assert (shown["\x07"], shown["\u200b"], shown["\U000e0001"]) == ("\\x07", "\\u200b", "\\U000e0001")
    assert shown["\u0301"] == "◌\u0301"
    assert all(piece.isprintable() and piece.strip() for piece in pieces)


@pytest.mark.parametrize("ids", [[-1], [4], [2**40], [0.5], [[0]], ["a"]])
def test_ids_of_another_vocabulary_are_refused(ids: list[Any]) -> None:
    tokenizer = CharTokenizer.of("abcd")
    for use in (tokenizer.decode, tokenizer.pieces):
        with pytest.raises(DataError):
            use(ids)


def test_nothing_is_nothing() -> None:
    tokenizer = CharTokenizer.of("abcd")
    assert tokenizer.decode([]) == ""
    assert tokenizer.pieces([]) == ()
    assert len(tokenizer.encode("")) == 0
    assert tokenizer.encode_lossy("")[1] == ()
    with pytest.raises(DataError):
        CharTokenizer.of("")


@given(TEXT.filter(lambda text: bool(text.strip("\n"))), st.booleans())
def test_a_tokenizer_survives_its_file(text: str, markers: bool) -> None:
    tokenizer = CharTokenizer.of(text, markers)
    assert tokenizer_from_json(json.loads(json.dumps(tokenizer.to_json()))) == tokenizer


@given(JSON | st.dictionaries(st.sampled_from(["format", "kind", "alphabet", "markers"]), JSON))
def test_what_somebody_else_made_is_refused(kept: Any) -> None:
    with pytest.raises(DataError):
        tokenizer_from_json(kept)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"format": True},
        {"format": 0},
        {"kind": "bytes"},
        {"alphabet": ""},
        {"alphabet": "aa"},
        {"alphabet": ["a", "b"]},
        {"alphabet": "a\ud800"},
        {"markers": 1},
        {"more": 1},
    ],
)
def test_a_good_file_with_one_wrong_entry_is_refused(change: dict[str, Any]) -> None:
    good = CharTokenizer.of("abc").to_json()
    tokenizer_from_json(good)
    with pytest.raises(DataError):
        tokenizer_from_json({**good, **change})
