"""Long texts in slices, the tokenizer of a text, and its cache."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from genstudio import paths
from genstudio.data import encoding
from genstudio.data.datasets import TextDataset
from genstudio.data.encoding import encode_part
from genstudio.data.learnable.tokens import all_validation, from_metadata, metadata, prepare_text
from genstudio.data.shelf import DatasetInfo
from genstudio.data.tokenizers import ByteTokenizer, Tokenizer
from genstudio.data.tokenizers.files import tokenizer_from_json
from genstudio.data.vocabulary import TokenSettings, make_tokenizer
from genstudio.data.work import finished
from genstudio.errors import DataError
from helpers import words

SETTINGS = [TokenSettings(kind, 300, 1, lines) for kind in ("char", "byte", "word", "bpe") for lines in (False, True)]
EVERY = pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: f"{s.kind}-{'lines' if s.lines else 'plain'}")


def text_of(seed: int = 0) -> str:
    rng = random.Random(seed)
    letters = "  \n\n\t.,'é漢🙂\u3000" + "abcdefgh" * 4
    return words(300) + "".join(rng.choice(letters) for _ in range(3_000)) + words(100, 1).replace(" cat", "\ncat")


def dataset(text: str, name: str = "d") -> TextDataset:
    info = DatasetInfo(name, "D", "text", "imported", Path("d.txt"), len(text.encode()), "0" * 64, "", "", "")
    return TextDataset(info, text)


def plain(tokenizer: Tokenizer, text: str) -> list[int]:
    """The plain way of encoding a text whole."""
    if tokenizer.begin is None:
        return tokenizer.encode(text).tolist()
    lines = [line for line in text.split("\n") if line]
    return [i for line in lines for i in (tokenizer.begin, *tokenizer.encode(line).tolist(), tokenizer.end or 0)]


@EVERY
def test_pieces_of_any_length_give_what_the_whole_gives(
    settings: TokenSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = text_of()
    tokenizer = finished(make_tokenizer(text, len(text), settings, ""))
    wanted = plain(tokenizer, text)
    for span in (1, 7, 100, 1 << 20):
        monkeypatch.setattr(encoding, "SPAN", span)
        found = finished(encode_part(tokenizer, text, 0, len(text)))
        assert found.ids.tolist() == wanted
        assert found.ids.dtype == np.uint16
        spoken = tokenizer.decode(found.ids[1:])
        if settings.kind == "word":
            spoken = text if not settings.lines else "\n".join(line for line in text.split("\n") if line) + "\n"
            spoken = spoken if settings.lines else spoken[len(tokenizer.decode(found.ids[:1])) :]
        assert found.characters == len(spoken.replace("\ufffd", ""))


@EVERY
def test_a_prepared_text_is_split_encoded_and_kept(settings: TokenSettings) -> None:
    text = text_of()
    markers = "lines" if settings.lines else "none"
    data = finished(prepare_text(dataset(text), markers, 8, settings))  # type: ignore[arg-type]
    again = finished(prepare_text(dataset(text), markers, 8, settings, data.tokenizer))  # type: ignore[arg-type]
    assert np.array_equal(data.train, again.train) and np.array_equal(data.validation, again.validation)
    assert from_metadata(json.loads(json.dumps(metadata(data)))).tokenizer == data.tokenizer
    if settings.kind != "word" and not settings.lines:
        assert data.tokenizer.decode(np.concatenate([data.train, data.validation])) == text
    scored = finished(all_validation(dataset("the cat\nsat on"), data.tokenizer))
    assert scored.validation_characters > 0 and not len(scored.train)
    other = not settings.lines
    if settings.kind in ("word", "bpe"):
        with pytest.raises(DataError, match="does not match"):
            finished(prepare_text(dataset(text), "lines" if other else "none", 8, settings, data.tokenizer))


@pytest.mark.parametrize("kind", ["word", "bpe"])
def test_the_validation_part_teaches_the_tokenizer_nothing(kind: str) -> None:
    train = words(900)
    one, two = (
        finished(prepare_text(dataset(train[:4500] + end), "none", 8, TokenSettings(kind, 300, 1)))  # type: ignore[arg-type]
        for end in ("zzz " * 125, "the " * 125)
    )
    assert one.tokenizer == two.tokenizer
    leaked = finished(make_tokenizer(train[:4500] + "zzz " * 125, 5000, TokenSettings(kind, 300, 1), "x"))  # type: ignore[arg-type]
    assert leaked != one.tokenizer


@pytest.mark.parametrize("kind", ["word", "bpe"])
def test_the_cache_is_used_and_what_is_damaged_in_it_is_made_again(kind: str) -> None:
    text, settings = words(900), TokenSettings(kind, 300, 1)  # type: ignore[arg-type]
    first = finished(make_tokenizer(text, 4000, settings, "hash"))
    (place,) = (paths.cache() / "tokenizers").glob("*.json")
    assert tokenizer_from_json(json.loads(place.read_text())) == first
    assert finished(make_tokenizer("other " * 1000, 4000, settings, "hash")) == first
    for broken in ("", "{}", json.dumps(ByteTokenizer().to_json()), '{"model": 1}'):
        place.write_text(broken)
        assert finished(make_tokenizer(text, 4000, settings, "hash")) == first
    finished(make_tokenizer(text, 3000, settings, "hash"))
    assert len(list((paths.cache() / "tokenizers").glob("*.json"))) == 2


def test_cancelling_leaves_no_half_tokenizer_in_the_cache() -> None:
    work = make_tokenizer(words(60_000), 200_000, TokenSettings("bpe", 2000), "hash")
    next(work)
    work.close()
    assert not list(paths.cache().rglob("*"))


def test_unknown_words_are_counted() -> None:
    text = words(900) + "rare " * 3 + words(90, 2)
    data = finished(prepare_text(dataset(text), "none", 8, TokenSettings("word", 12, 1)))
    assert data.validation_unknown == int((data.validation == 0).sum())


def test_sizes_to_expect() -> None:
    assert [s.size(65) for s in SETTINGS] == [65, 66, 256, 258, 300, 300, 300, 300]
    assert TokenSettings.of({"tokenizer": "bpe", "vocabulary": 99, "markers": "lines", "layers": 3}) == TokenSettings(
        "bpe", 99, 2, True
    )
    assert TokenSettings.of({"tokenizer": "nonsense"}) == TokenSettings()
