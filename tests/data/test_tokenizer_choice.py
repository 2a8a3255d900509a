"""A tokenizer.json as the tokens of a training: any kind, with markers or without, refused in words where it cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio.data.datasets import TextDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable.tokens import from_metadata, metadata, prepare_text
from genstudio.data.tokenizers import BPETokenizer, ByteTokenizer, CharTokenizer, Tokenizer, WordTokenizer
from genstudio.data.tokenizers.foreign import tokenizer_text
from genstudio.data.tokenizers.library import LETTERS
from genstudio.data.tokenizers.tokenizer import BEGIN, END
from genstudio.data.vocabulary import TokenSettings, make_tokenizer, with_markers
from genstudio.data.work import finished
from genstudio.errors import DataError
from genstudio.families import get
from helpers import words

TEXT = (words(40) + "a line\n") * 60
FOREIGN = BPETokenizer((*LETTERS, "th", "<|endoftext|>"), (("t", "h"),), (("<|endoftext|>", 257),), "", "<|endoftext|>")
MADE: dict[str, Tokenizer] = {
    "char": CharTokenizer("".join(sorted(set(TEXT)))),
    "char with markers": CharTokenizer("".join(sorted(set(TEXT) - {"\n"})), markers=True),
    "byte": ByteTokenizer(),
    "word": WordTokenizer.of(TEXT, 30),
    "bpe": finished(make_tokenizer(TEXT, len(TEXT), TokenSettings("bpe", 280), "x")),
    "bpe with markers": finished(make_tokenizer(TEXT, len(TEXT), TokenSettings("bpe", 280, lines=True), "x")),
    "foreign": FOREIGN,
}  # fmt: skip


def saved(tokenizer: Tokenizer, folder: Path) -> str:
    (folder / "tokenizer.json").write_bytes(tokenizer_text(tokenizer))
    return str(folder / "tokenizer.json")


def dataset() -> TextDataset:
    return TextDataset(DatasetInfo("x", "x", "text", "imported", Path("x"), len(TEXT), "0" * 64), TEXT)


BOTH = [(name, lines) for name in MADE for lines in (False, True) if lines or name != "char with markers"]


@pytest.mark.parametrize(("name", "lines"), BOTH)
def test_any_saved_tokenizer_prepares_a_text_and_is_kept(name: str, lines: bool, tmp_path: Path) -> None:
    settings = TokenSettings("file", file=saved(MADE[name], tmp_path))
    data = finished(prepare_text(dataset(), "lines" if lines else "none", 8, settings))
    marks = {data.tokenizer.begin, data.tokenizer.end} - {None}
    assert (data.tokenizer.begin is not None) == lines and bool(marks & set(data.train.tolist())) == lines
    again = from_metadata(metadata(data), lines)
    assert again.tokenizer == data.tokenizer
    back = data.tokenizer.decode(data.train)
    assert back == TEXT[: len(back)]
    assert int(max(data.train.max(), data.validation.max())) < data.tokenizer.size


def test_characters_that_the_file_lacks_are_named(tmp_path: Path) -> None:
    settings = TokenSettings("file", file=saved(CharTokenizer("abc "), tmp_path))
    with pytest.raises(DataError, match="vocabulary"):
        finished(prepare_text(dataset(), "none", 8, settings))


def test_markers_are_added_once_and_taken_away() -> None:
    marked = with_markers(FOREIGN, True)
    assert isinstance(marked, BPETokenizer) and marked.markers and marked.size == FOREIGN.size + 1
    assert marked.special == (("<|endoftext|>", 257), (BEGIN, 258)) and with_markers(marked, True) == marked
    plain = with_markers(marked, False)
    assert plain.begin is None and plain.end is None and plain.size == marked.size
    assert np.array_equal(plain.encode("that"), FOREIGN.encode("that"))
    taken = BPETokenizer((*LETTERS, "<b", "<bo", "<bos", BEGIN), (("<", "b"), ("<b", "o"), ("<bo", "s"), ("<bos", ">")))
    with pytest.raises(DataError, match="ordinary"):
        with_markers(taken, True)
    assert with_markers(MADE["bpe with markers"], True).special[-1][0] == END  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "no file"), (b"{}", "cannot be read"), (b"\x89PNG", "not JSON"), (b"[" * 100_000, "JSON")],
)
def test_what_is_no_tokenizer_is_refused_by_name(content: bytes | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        finished(prepare_text(dataset(), "none", 8, TokenSettings("file", file=str(path))))
    assert caught.value.path == path


def test_a_file_must_be_chosen() -> None:
    config: Any = get("gpt").config
    (problem,) = config.problems({"tokenizer": "file"})
    assert problem.field == "tokenizer_file"
    assert not config.problems({"tokenizer": "file", "tokenizer_file": "x.json"})
