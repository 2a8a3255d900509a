"""A tokenizer.json that somebody else made: opened, or refused in words; it never harms the program."""

from __future__ import annotations

import contextlib
import copy
import json
import multiprocessing
import random
import time
from pathlib import Path
from typing import Any

import pytest

from genstudio.data.tokenizers import BPETokenizer, ByteTokenizer, Tokenizer, WordTokenizer, tokenizer_from_json
from genstudio.data.tokenizers.child import waited, worker
from genstudio.data.tokenizers.foreign import open_tokenizer, tokenizer_text
from genstudio.data.tokenizers.library import LETTERS, byte_level
from genstudio.data.tokenizers.model_folder import LARGEST_FILE
from genstudio.data.work import finished
from genstudio.errors import DataError

MERGES = [["t", "h"], ["th", "e"], ["Ġ", "the"], ["a", "t"]]
SLOW = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}


def good(special: dict[str, int] | None = None) -> dict[str, Any]:
    tokens = [*LETTERS, *("".join(merge) for merge in MERGES)]
    return byte_level({token: index for index, token in enumerate(tokens)}, MERGES, special or {})


def changed(*path: Any, to: Any = None, gone: bool = False) -> dict[str, Any]:
    kept = json.loads(json.dumps(good()))
    place = kept
    for name in path[:-1]:
        place = place[name]
    if gone:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return kept


def opened(path: Path, kept: Any) -> Tokenizer:
    path.write_bytes(kept if isinstance(kept, bytes) else json.dumps(kept).encode())
    return finished(open_tokenizer(path))


def test_what_gpt_2_and_others_write_is_opened(tmp_path: Path) -> None:
    kept = good({"<|endoftext|>": 260})
    kept["model"]["vocab"]["<|endoftext|>"] = 260
    kept["model"]["merges"] = [" ".join(merge) for merge in MERGES]
    kept["post_processor"] = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False}
    del kept["model"]["ignore_merges"], kept["pre_tokenizer"]["use_regex"]
    kept["model"]["continuing_subword_prefix"] = ""
    found = opened(tmp_path / "tokenizer.json", kept)
    assert isinstance(found, BPETokenizer) and (found.size, found.end, found.begin) == (261, 260, None)
    assert found.decode([*found.encode("the the at"), 260]) == "the the at\n"
    assert found.pieces([260]) == ("<|endoftext|>",)
    assert [found.tokens[i] for i in found.encode("the the at").tolist()] == ["the", "Ġthe", "Ġ", "at"]


def test_what_was_saved_is_opened_again(tmp_path: Path) -> None:
    for tokenizer in (ByteTokenizer(True), WordTokenizer.of("the cat, the hat", 50), tokenizer_from_json(good())):
        assert opened(tmp_path / "t.json", tokenizer_text(tokenizer)) == tokenizer
    assert not multiprocessing.active_children()


WRONG = {
    "a merge longer than any token": changed("model", "merges", to=[["the", "Ġthe"]]),
    "a merge of a token that is not there": changed("model", "merges", to=[["zzz", "t"]]),
    "a merge twice": changed("model", "merges", to=[["t", "h"], ["t", "h"]]),
    "a merge of three": changed("model", "merges", to=[["t", "h", "e"]]),
    "a regular expression of its own": changed("pre_tokenizer", to=SLOW),
    "a sequence of regular expressions": changed(
        "pre_tokenizer", to={"type": "Sequence", "pretokenizers": [SLOW, {"type": "ByteLevel"}]}
    ),
    "a normalizer": changed("normalizer", to={"type": "NFC"}),
    "a missing byte": changed("model", "vocab", "a", gone=True),
    "an id twice": changed("model", "vocab", "a", to=1),
    "an id far away": changed("model", "vocab", "a", to=10**9),
    "a negative id": changed("model", "vocab", "a", to=-1),
    "an id that is true": changed("model", "vocab", "a", to=True),
    "a letter for no byte": changed("model", "vocab", "漢", to=260),
    "dropout": changed("model", "dropout", to=0.5),
    "byte fallback": changed("model", "byte_fallback", to=True),
    "a prefix": changed("model", "continuing_subword_prefix", to="##"),
    "an unknown entry": changed("model", "more", to=1),
    "WordPiece": changed("model", "type", to="WordPiece"),
    "words cut otherwise": {**changed("model", "type", to="WordLevel")},
    "an added token that is not special": changed("added_tokens", to=[{"content": "x", "id": 260, "special": False}]),
    "an added token without id": changed("added_tokens", to=[{"content": "x", "special": True}]),
    "another version": changed("version", to="2.0"),
    "no model": changed("model", gone=True),
    "a list": [1, 2],
    "a number": 7,
}


@pytest.mark.parametrize("what", WRONG)
def test_everything_else_is_refused_in_words(what: str) -> None:
    tokenizer_from_json(good())
    with pytest.raises(DataError) as error:
        tokenizer_from_json(WRONG[what])
    assert error.value.message and error.value.hint


@pytest.mark.parametrize("what", ["a merge longer than any token", "a regular expression of its own"])
def test_the_two_known_attacks_end(what: str, tmp_path: Path) -> None:
    """A merge that overflows the library's table is a panic there, the expression takes exponential time."""
    with pytest.raises(DataError):
        opened(tmp_path / "t.json", WRONG[what])
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000, b"\0" * 1000, b"nonsense", b'"\\ud800"']
)
def test_what_is_no_json_is_refused(raw: bytes, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        opened(tmp_path / "t.json", raw)


def test_what_is_no_file_or_too_large_is_refused_at_once(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(DataError):
            finished(open_tokenizer(path))
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(DataError, match="too large"):
        finished(open_tokenizer(large))


def panics(connection: Any) -> None:
    raise SystemExit(101)


def hangs(connection: Any) -> None:
    while True:
        time.monotonic()


def test_a_process_that_dies_or_hangs_is_told_and_gone() -> None:
    with worker(panics) as talk, pytest.raises(DataError, match="ended before"):
        finished(waited(talk, 0.0))
        talk.receive()
    with worker(hangs) as talk:
        finished(waited(talk, 0.0, seconds=1.0))
        assert not talk.said(0)
    assert not multiprocessing.active_children()


def mutated(rng: random.Random) -> Any:
    """A good file with a few of its values or bytes changed."""
    kept = json.loads(json.dumps(good({"<s>": 260, "</s>": 261})))
    junk: list[Any] = [None, True, -1, 0, 1e308, "", "x", "\ud800", [], {}, [[]], "Ġ", 10**30, ["t", "h"], SLOW]
    for _ in range(rng.randrange(1, 4)):
        place: Any = kept
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = rng.choice(keys)
            inner = place[key]
            if isinstance(inner, (dict, list)) and inner and rng.random() < 0.7:
                place = inner
                continue
            if rng.random() < 0.2 and isinstance(place, dict):
                del place[key]
            else:
                place[key] = copy.deepcopy(rng.choice(junk))
            break
    if rng.random() < 0.3:
        raw = bytearray(json.dumps(kept).encode())
        for _ in range(rng.randrange(1, 6)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        with contextlib.suppress(ValueError):
            return json.loads(raw)
    return kept


def survive(count: int) -> int:
    rng, refused = random.Random(0), 0
    for _ in range(count):
        try:
            tokenizer = tokenizer_from_json(mutated(rng))
            text = "the cat at 漢 the"
            assert tokenizer.decode(tokenizer.encode_lossy(text)[0])
        except DataError:
            refused += 1
    return refused


def test_a_hundred_mutated_files_are_opened_or_refused() -> None:
    assert 50 < survive(100) < 100


@pytest.mark.slow
def test_five_thousand_mutated_files_are_opened_or_refused() -> None:
    assert 2_500 < survive(5_000) < 5_000
