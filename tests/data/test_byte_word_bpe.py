"""Byte, word and byte-pair tokenizers: round trips, their files, and the library's own opinion of them."""

from __future__ import annotations

import json
import random
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genstudio.data.shelf import find_dataset, open_dataset
from genstudio.data.tokenizers import (
    BPETokenizer,
    ByteTokenizer,
    CharTokenizer,
    Tokenizer,
    WordTokenizer,
    continuation,
    texts,
    to_library,
    tokenizer_from_json,
)
from genstudio.data.tokenizers.bpe import units_of
from genstudio.data.tokenizers.child import train_bpe
from genstudio.data.tokenizers.words import words_of
from genstudio.data.work import finished
from genstudio.errors import DataError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
SPACED = st.text(" \n\t\r\u3000\x1c'’.,ab漢1é\u0301🙂", max_size=60)
SENTENCES = "the cat sat on the mat\n" * 3 + open_dataset(find_dataset("shakespeare")).text[:30_000]  # type: ignore[union-attr]


def trained(vocabulary: int, lines: bool = False, text: str = SENTENCES) -> BPETokenizer:
    return finished(train_bpe([lambda: text], vocabulary, lines))


@pytest.fixture(scope="module")
def bpe() -> BPETokenizer:
    return trained(400)


@pytest.fixture(scope="module")
def marked() -> BPETokenizer:
    return trained(330, lines=True)


def random_text(rng: random.Random) -> str:
    """Any code points but surrogates, of all planes and of the few that people write with."""
    planes = [(0x20, 0x7F), (0xA0, 0x250), (0x300, 0x3000), (0x3000, 0xD800), (0xE000, 0x110000)]
    usual = [chr(rng.choice(range(*rng.choice(planes)))) for _ in range(rng.randrange(80))]
    return "".join(letter if rng.random() < 0.9 else rng.choice(" \n\t\r'’") for letter in usual)


def round_trips(bpe: BPETokenizer, count: int) -> None:
    rng = random.Random(0)
    for _ in range(count):
        text = random_text(rng)
        for tokenizer in (bpe, ByteTokenizer()):
            assert tokenizer.decode(tokenizer.encode(text)) == text


def test_any_text_survives_bytes_and_byte_pairs(bpe: BPETokenizer) -> None:
    round_trips(bpe, 300)


@pytest.mark.slow
def test_ten_thousand_texts_survive_bytes_and_byte_pairs(bpe: BPETokenizer) -> None:
    round_trips(bpe, 10_000)


def test_a_tokenizer_that_drops_spaces_is_caught(bpe: BPETokenizer) -> None:
    class Careless(BPETokenizer):
        def encode(self, text: str) -> Any:
            return super().encode(" ".join(text.split()))

    with pytest.raises(AssertionError):
        round_trips(Careless(bpe.tokens, bpe.merges), 300)


@given(TEXT)
def test_bytes_are_the_bytes_of_utf_8(text: str) -> None:
    assert ByteTokenizer().encode(text).tolist() == list(text.encode())


@given(st.one_of(TEXT, SPACED))
def test_words_give_the_text_back_up_to_unknown_ones(text: str) -> None:
    known = WordTokenizer.of(text + " x", 10_000)
    assert known.decode(known.encode(text)) == text
    few = WordTokenizer.of("the cat sat, on the mat. the cat", 12)
    ids, unknown = few.encode_lossy(text)
    assert ids.tolist() == few.encode(text).tolist()
    decoded = few.decode(ids)
    gone = "".join("\0" if place in unknown else letter for place, letter in enumerate(text.replace("\0", "?")))
    pieces = [piece for piece in gone.split("\0") if piece]
    for piece in pieces:
        assert piece in decoded
    assert (few.unknown in ids.tolist()) == bool(unknown)
    assert decoded.replace("<unk>", "") == "".join(pieces)


def test_what_a_word_is() -> None:
    assert words_of("Don't go, it’s 12  o'clock!\n漢字 naïve e\u0301t") == [
        "Don't", " go", ",", " it’s", " 12", " ", " o'clock", "!", "\n", "漢", "字", " naïve", " e\u0301t",
    ]  # fmt: skip


def test_rare_words_are_unknown_and_signs_stay() -> None:
    tokenizer = WordTokenizer.of("the cat, the dog; the end", 100, min_count=2)
    assert set(tokenizer.words) == {" ", ",", ";", "the", " the"}
    assert tokenizer.decode(tokenizer.encode("a cat, the owl")) == "<unk> <unk>, the <unk>"
    ids, unknown = tokenizer.encode_lossy("a cat, the owl")
    assert unknown == (0, 2, 3, 4, 11, 12, 13)
    assert tokenizer.pieces(ids)[:3] == ("<unk>", "␣", "<unk>")


def test_the_most_frequent_words_come_first_and_ties_by_name() -> None:
    tokenizer = WordTokenizer.of("b b a a c c c d", 6)
    assert tokenizer.words == (" ", "b", *tokenizer.words[2:]) and tokenizer.size == 6
    assert WordTokenizer.of("xx bb bb aa aa cc", 5).words == (" ", " aa", " bb", " cc")


@given(st.one_of(TEXT, SPACED))
@settings(max_examples=300, deadline=None)
def test_units_are_encoded_as_the_library_encodes_the_whole(text: str) -> None:
    bpe = shared()
    assert "".join(units_of(text)) == text
    assert "".join(units_of(text, lines=True)) == text
    assert bpe.encode(text).tolist() == shared_library().encode(text, add_special_tokens=False).ids


@cache
def shared() -> BPETokenizer:
    return trained(400)


@cache
def shared_library() -> Any:
    return _library(shared())


def _library(tokenizer: Tokenizer) -> Any:
    from tokenizers import Tokenizer as Library

    return Library.from_str(json.dumps(to_library(tokenizer)))


def test_a_cut_inside_of_a_token_is_caught(bpe: BPETokenizer) -> None:
    longest = max(bpe.token_bytes, key=len).decode()
    cut = np.concatenate([bpe.encode(longest[:2]), bpe.encode(longest[2:])])
    assert cut.tolist() != bpe.encode(longest).tolist()


def test_a_text_without_spaces_is_cut_in_bounded_units(bpe: BPETokenizer) -> None:
    assert max(map(len, units_of("x" * 250_000))) == 100_000
    assert bpe.decode(bpe.encode("ab" * 150_000)) == "ab" * 150_000


def test_training_twice_gives_the_same(bpe: BPETokenizer) -> None:
    assert trained(400) == bpe
    assert bpe.size == 400 and len(bpe.merges) == 400 - 256
    assert trained(60_000).size < 5_000


def test_a_shorter_vocabulary_is_the_beginning_of_a_longer(bpe: BPETokenizer, marked: BPETokenizer) -> None:
    assert bpe.shortened(300) == trained(300)
    assert marked.shortened(300) == trained(300, lines=True)
    assert marked.shortened(9_999) == marked


def test_lines_are_never_merged_over_their_end(marked: BPETokenizer) -> None:
    assert (marked.begin, marked.end, marked.size) == (328, 329, 330)
    assert not any("\n" in piece.decode("utf-8", "replace") and len(piece) > 1 for piece in marked.token_bytes)
    ids = [marked.begin, *marked.encode("the cat"), marked.end]
    assert marked.decode(ids) == "the cat\n"
    assert marked.encode("<bos>").tolist() != [marked.begin]


def every_kind(bpe: BPETokenizer, marked: BPETokenizer) -> list[Tokenizer]:
    word = WordTokenizer.of(SENTENCES, 5_000)
    return [
        CharTokenizer.of(SENTENCES), CharTokenizer.of(SENTENCES, markers=True), ByteTokenizer(), ByteTokenizer(True),
        word, WordTokenizer(word.words, True), bpe, marked,
    ]  # fmt: skip


def test_every_kind_keeps_the_protocol(bpe: BPETokenizer, marked: BPETokenizer) -> None:
    for tokenizer in every_kind(bpe, marked):
        ids = tokenizer.encode("the cat sat")
        assert ids.dtype == np.int32 and tokenizer.decode(ids) == "the cat sat"
        assert len(tokenizer.pieces(np.arange(tokenizer.size))) == tokenizer.size
        assert all(piece.isprintable() and piece for piece in tokenizer.pieces(np.arange(tokenizer.size)))
        assert (tokenizer.begin is None) == (tokenizer.end is None)
        if tokenizer.begin is not None:
            assert tokenizer.decode([tokenizer.begin, *ids, tokenizer.end]) == "the cat sat\n"
        assert "".join(texts(tokenizer, ids.tolist())) == continuation(tokenizer, ids) == "the cat sat"
        assert tokenizer.encode_lossy("")[1] == () and len(tokenizer.encode("")) == 0 and tokenizer.decode([]) == ""
        for wrong in ([tokenizer.size], [-1], [0.5]):
            with pytest.raises(DataError):
                tokenizer.decode(wrong)  # type: ignore[arg-type]


def test_every_kind_survives_its_file_and_other_programs_read_it(bpe: BPETokenizer, marked: BPETokenizer) -> None:
    for tokenizer in every_kind(bpe, marked):
        for kept in (tokenizer.to_json(), to_library(tokenizer)):
            assert tokenizer_from_json(json.loads(json.dumps(kept))) == tokenizer
        library = _library(tokenizer)
        text = "the cat sat on the mat"
        assert library.encode(text, add_special_tokens=False).ids == tokenizer.encode(text).tolist()
        assert library.decode(tokenizer.encode(text).tolist()) == text
        assert library.get_vocab_size() == tokenizer.size


@given(TEXT)
@settings(max_examples=50, deadline=None)
def test_streamed_text_never_shows_half_of_a_character(text: str) -> None:
    for tokenizer in (ByteTokenizer(), shared()):
        ids = tokenizer.encode(text).tolist()
        pieces = texts(tokenizer, ids)
        assert len(pieces) == len(ids) and "".join(pieces) == text
        assert texts(tokenizer, ids[: len(ids) // 2]) == pieces[: len(ids) // 2]
        assert all(text.startswith("".join(pieces[:count])) for count in range(len(pieces)))


def test_bytes_that_begin_no_character_become_a_sign_and_an_unfinished_end_waits() -> None:
    tokenizer = ByteTokenizer()
    euro = tokenizer.encode("€").tolist()
    assert texts(tokenizer, euro) == ("", "", "€")
    assert texts(tokenizer, euro[:2]) == ("", "")
    assert continuation(tokenizer, [*euro[:2], ord("a")]) == "\ufffda"
    assert tokenizer.decode(euro[:2]) == "\ufffd"


def test_half_a_surrogate_pair_is_left_out_and_told(bpe: BPETokenizer) -> None:
    for tokenizer in (bpe, ByteTokenizer()):
        ids, unknown = tokenizer.encode_lossy("a\ud800b")
        assert (tokenizer.decode(ids), unknown) == ("ab", (1,))
        with pytest.raises(DataError, match="surrogate"):
            tokenizer.encode("a\ud800")


def test_pieces_show_what_is_no_whole_character(bpe: BPETokenizer) -> None:
    assert ByteTokenizer().pieces([0x20, 0x0A, 0xC3, 0x41]) == ("␣", "⏎", "\\xc3", "A")
    assert "␣the" in bpe.pieces(np.arange(bpe.size))


def test_closing_the_training_kills_its_process(tmp_path: Path) -> None:
    import multiprocessing

    work = train_bpe([lambda: SENTENCES] * 50, 5_000, False)
    assert 0 <= next(work) < 1
    assert len(multiprocessing.active_children()) == 1
    work.close()
    assert not multiprocessing.active_children()
    assert not list(tmp_path.rglob("*.json"))


def test_marks_of_every_script_stay_in_their_word() -> None:
    for word in ("नमस्ते", "e\u0301te\u0301", "مُحَمَّد"):
        assert words_of(f"a {word} b") == ["a", f" {word}", " b"]
        assert any(unicodedata.category(letter)[0] == "M" for letter in word)
