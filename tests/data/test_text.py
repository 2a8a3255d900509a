"""Splitting, encoding and counting texts."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudio.data.datasets import TextDataset
from genstudio.data.learnable.tokens import all_validation, from_metadata, metadata, prepare_text
from genstudio.data.shelf import DatasetInfo, find_dataset, open_dataset
from genstudio.data.text import excerpt, statistics
from genstudio.data.tokenizers import CharTokenizer
from genstudio.data.tokenizers import tokenizer as tokenizer_module
from genstudio.data.work import finished
from genstudio.errors import DataError

LINES = st.lists(st.text("ab é🙂", max_size=12), min_size=4, max_size=60).map("\n".join)


def dataset(text: str) -> TextDataset:
    info = DatasetInfo("d", "D", "text", "imported", Path("d.txt"), len(text.encode()), "0" * 64, "", "", "")
    return TextDataset(info, text)


def test_the_split_is_nine_tenths_and_loses_nothing() -> None:
    text = "the cat sat on the mat. " * 50
    data = finished(prepare_text(dataset(text), "none", 8))
    assert len(data.train) == int(0.9 * len(text))
    both = np.concatenate([data.train, data.validation])
    assert data.tokenizer.decode(both) == text
    assert data.train.dtype == np.uint16
    assert data.validation_characters == len(data.validation) - 1
    assert (data.dataset_id, data.dataset_hash) == ("d", "0" * 64)


def wrapped(text: str, tokenizer: CharTokenizer) -> list[int]:
    """The plain way of putting markers around lines."""
    ids: list[int] = []
    for line in text.split("\n"):
        if line:
            ids += [tokenizer.begin, *tokenizer.encode(line).tolist(), tokenizer.end]  # type: ignore[list-item]
    return ids


@given(LINES, st.integers(1, 9))
def test_lines_are_wrapped_wherever_the_text_is_cut(text: str, chunk: int) -> None:
    if len(set(text)) < 2:
        return
    patch = pytest.MonkeyPatch()
    patch.setattr(tokenizer_module, "CHUNK", chunk)
    try:
        data = finished(prepare_text(dataset(text), "lines", 1))
    except DataError as error:
        assert "too short" in error.message or "does not encode a character" in error.message
        return
    finally:
        patch.undo()
    tokenizer = data.tokenizer
    assert isinstance(tokenizer, CharTokenizer)
    assert np.concatenate([data.train, data.validation]).tolist() == wrapped(text, tokenizer)
    assert data.train[-1] == tokenizer.end
    assert data.validation[0] == tokenizer.begin
    spoken = tokenizer.decode(data.validation[1:])
    assert data.validation_characters == len(spoken)


def test_the_split_of_lines_is_at_the_line_end_nearest_to_nine_tenths() -> None:
    text = "a" * 82 + "\n" + "b" * 10 + "\n" + "c" * 5 + "\n"
    data = finished(prepare_text(dataset(text), "lines", 2))
    assert data.tokenizer.decode(data.train) == "a" * 82 + "\n" + "b" * 10 + "\n"


def test_progress_goes_from_zero_to_one_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer_module, "CHUNK", 64)
    done = list(prepare_text(dataset("ab cd\n" * 300), "none", 8))
    assert done == sorted(done)
    assert len(done) > 40
    assert done[0] >= 0 and done[-1] == 1


@pytest.mark.parametrize("markers", ["none", "lines"])
def test_a_text_with_nothing_to_learn_is_refused(markers: Literal["none", "lines"]) -> None:
    for text in ("", "aaaa" * 1000, "\n" * 1000):
        with pytest.raises(DataError):
            finished(prepare_text(dataset(text), markers, 8))


@pytest.mark.parametrize("context", [8, 64])
def test_the_shortest_text_that_will_do_is_the_one_named(context: int) -> None:
    with pytest.raises(DataError, match=f"context of {context} needs {context + 1}") as error:
        finished(prepare_text(dataset("ab" * 20), "none", context))
    assert f"at least {10 * (context + 1)} characters" in error.value.hint
    enough = "ab" * (5 * (context + 1))
    assert len(finished(prepare_text(dataset(enough), "none", context)).validation) == context + 1
    with pytest.raises(DataError):
        finished(prepare_text(dataset(enough[:-10]), "none", context))


def test_a_run_keeps_enough_to_write_with() -> None:
    data = finished(prepare_text(dataset("ab cd\n" * 300), "lines", 8))
    kept = metadata(data)
    again = from_metadata(kept)
    assert again.tokenizer == data.tokenizer
    assert len(again.train) == len(again.validation) == 0
    with pytest.raises(DataError):
        from_metadata({})


def test_another_text_is_scored_in_the_vocabulary_of_the_model() -> None:
    tokenizer = CharTokenizer.of("abcd\n")
    data = finished(all_validation(dataset("abba\ncd"), tokenizer))
    assert tokenizer.decode(data.validation) == "abba\ncd"
    assert data.validation_characters == 6
    with pytest.raises(DataError, match=r"'x' .*first at character 2"):
        finished(all_validation(dataset("abx"), tokenizer))
    with pytest.raises(DataError, match="too short"):
        finished(all_validation(dataset("a"), tokenizer))


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=120), st.integers(1, 9))
def test_statistics_agree_with_plain_python(text: str, chunk: int) -> None:
    patch = pytest.MonkeyPatch()
    patch.setattr(tokenizer_module, "CHUNK", chunk)
    try:
        found = finished(statistics(text))
    finally:
        patch.undo()
    lines = text.removesuffix("\n").split("\n")
    assert (found.bytes, found.characters, found.lines) == (len(text.encode()), len(text), len(lines))
    assert (found.words, found.vocabulary) == (len(text.split()), len(set(text)))
    assert found.longest_line == max(map(len, lines))
    if found.longest_line:
        assert found.longest_line_number == 1 + [len(line) for line in lines].index(found.longest_line)
    assert dict(found.top) == dict(Counter(text))
    assert [count for _, count in found.top] == sorted((count for _, count in found.top), reverse=True)


def test_odd_characters_are_found() -> None:
    found = finished(statistics("fine\ttext\n\x00\x00\ufffd\ue000"))
    assert found.odd == (("\x00", 2), ("\ue000", 1), ("\ufffd", 1))


def test_an_excerpt_follows_its_seed_and_is_part_of_the_text() -> None:
    text = open_dataset(find_dataset("shakespeare")).text
    excerpts = {excerpt(text, seed) for seed in range(20)}
    assert len(excerpts) > 15
    assert all(piece in text for piece in excerpts)
    assert excerpt(text, 3) == excerpt(text, 3)
    assert excerpt("") == ""


def test_the_shipped_texts_can_be_trained_on() -> None:
    shakespeare = finished(prepare_text(open_dataset(find_dataset("shakespeare")), "none", 256))
    assert shakespeare.tokenizer.size == 64
    names = finished(prepare_text(open_dataset(find_dataset("names")), "lines", 32))
    assert names.tokenizer.size == 28
    validation = names.tokenizer.decode(names.validation).splitlines()
    train = set(names.tokenizer.decode(names.train).splitlines())
    assert not train & set(validation)
    first = Counter(name[0] for name in validation)
    assert len(first) > 18, "the last tenth is a stretch of the alphabet"
    assert math.isclose(len(validation) / (len(train) + len(validation)), 0.1, abs_tol=0.01)
