"""Pairs as a model learns from them: split without a leak, encoded, padded; and every kind of bad pair is said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio.data import shelf
from genstudio.data.datasets import PairDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable.pairs import (
    MOST_TOKENS,
    PairData,
    encode_source,
    from_metadata,
    metadata,
    prepare_pairs,
)
from genstudio.data.split import SplitSettings, split_items
from genstudio.data.vocabulary import TokenSettings
from genstudio.data.work import finished
from genstudio.errors import DataError
from genstudio.families import get


def dataset(pairs: Sequence[tuple[str, str]]) -> PairDataset:
    left, right = zip(*pairs, strict=True)
    info = DatasetInfo("pairs", "Pairs", "pairs", "imported", Path(), 0, "0" * 64, count=len(pairs))
    return PairDataset(info, left, right, ("English", "Spanish"))


def prepared(pairs: Sequence[tuple[str, str]], context: int = 20, kind: str = "char", **options: Any) -> PairData:
    settings = TokenSettings(kind, 300, 1, lines=True)  # type: ignore[arg-type]
    return finished(prepare_pairs(dataset(pairs), context, settings, **options))


MANY = [(f"{letter}{number}", f"{number}{letter}x") for letter in "abc" for number in range(10)]


@pytest.mark.parametrize("kind", ["char", "byte", "word", "bpe"])
@pytest.mark.parametrize("shared", [True, False])
def test_ids_are_those_of_each_text_between_its_markers(kind: str, shared: bool) -> None:
    data = prepared(MANY, kind=kind, shared=shared)
    assert (data.tokenizer is data.source_tokenizer) == shared
    for part in (data.train, data.held):
        for row, (source, target) in enumerate(part.texts):
            ids, unknown = encode_source(data.source_tokenizer, source)
            assert part.sources[row].tolist() == ids.tolist() and not (unknown and kind != "word")
            wanted, _ = data.tokenizer.encode_lossy(target)
            assert part.targets[row].tolist() == [data.tokenizer.begin, *wanted.tolist(), data.tokenizer.end]
    assert len(data.train) + len(data.held) == len(MANY)


def leak(data: PairData) -> int:
    known = {source for source, _ in data.train.texts}
    return sum(source in known for source, _ in data.held.texts)


@pytest.mark.parametrize("how", ["random", "contiguous"])
def test_no_source_is_on_both_sides_of_the_split(how: Any) -> None:
    """The twin splits pairs without asking for their source, and leaks."""
    pairs = [(source, f"{target}{again}") for again in range(4) for source, target in MANY]
    split = SplitSettings(how, 0.2)
    data = prepared(pairs, split=split)
    assert leak(data) == 0 and len(data.held) == 24
    train, held = split_items(len(pairs), split)
    assert {pairs[row][0] for row in train} & {pairs[row][0] for row in held}


def test_every_shipped_set_of_pairs_splits_without_a_leak() -> None:
    for name in ("verses-en-es", "toy-en-es"):
        opened = shelf.open_dataset(shelf.find_dataset(name))
        data = finished(prepare_pairs(opened, 128, TokenSettings("char", lines=True)))  # type: ignore[arg-type]
        assert leak(data) == 0 and len(data.train) + len(data.held) + data.left_out.long == opened.info.count


def test_padding_stands_behind_the_end_and_nothing_else() -> None:
    data = prepared(MANY + [("a longer source", "y")])
    rows = np.arange(len(data.train))
    ids, padding = data.train.sources.padded(rows)
    assert ids.shape == padding.shape and np.array_equal((~padding).sum(1), data.train.sources.lengths)
    for row in rows:
        assert ids[row][~padding[row]].tolist() == data.train.sources[row].tolist() and not ids[row][padding[row]].any()


def test_empty_sides_and_too_long_ones_are_left_out_and_counted() -> None:
    pairs = [*MANY, ("", "x"), ("y", "  "), ("z" * 10_000, "short"), ("short", "w" * 30)]
    data = prepared(pairs)
    assert (data.left_out.empty, data.left_out.long, data.left_out.longest) == (2, 2, 10_001)
    assert len(data.train) + len(data.held) == len(MANY)
    assert max(data.train.sources.lengths.max(), data.train.targets.lengths.max() - 1) <= 20


def test_what_cannot_be_learnt_from_is_refused_in_words() -> None:
    for pairs, words in (
        ([(a, "") for a, _ in MANY], "The side 'Spanish' is empty in every pair"),
        ([("", b) for _, b in MANY], "The side 'English' is empty in every pair"),
        ([("", "a"), ("b", "")], "No pair has text on both sides"),
        ([("same", b) for _, b in MANY], "All pairs have the same source"),
        ([(a * 5000, b) for a, b in MANY], "longer than 20 tokens"),
    ):
        with pytest.raises(DataError, match=words) as error:
            prepared(pairs)
        assert error.value.hint
    assert "at least" not in error.value.hint  # no model can be set to read 10,001 tokens
    (most,) = (low_high.high for low_high in get("seq2seq").config.settings() if low_high.name == "context")
    assert most == MOST_TOKENS
    with pytest.raises(DataError, match="shortest has") as error:
        prepared([(a * 20, b) for a, b in MANY])
    assert "a longest sentence of at least 41 tokens" in error.value.hint


def test_languages_without_a_letter_in_common_share_a_vocabulary_or_have_two() -> None:
    pairs = [(f"{a}{b}", f"{'かきくけこ'[i]}{'αβγδε'[j]}") for i, a in enumerate("abcde") for j, b in enumerate("fghij")]
    both, two = prepared(pairs), prepared(pairs, shared=False)
    assert both.tokenizer.size == 22 and (two.source_tokenizer.size, two.tokenizer.size) == (12, 12)


def test_line_ends_within_a_side_are_spaces() -> None:
    data = prepared([*MANY, ("two\nlines", "dos\nlíneas")], context=40, split=SplitSettings("contiguous", 0.04))
    assert ("two lines", "dos líneas") in data.held.texts + data.train.texts


def test_metadata_is_enough_to_translate() -> None:
    data = prepared(MANY, shared=False)
    back = from_metadata(metadata(data), shared=False)
    assert back.tokenizer == data.tokenizer and back.source_tokenizer == data.source_tokenizer
    assert back.names == data.names and back.natural and not len(back.train)
    with pytest.raises(DataError):
        from_metadata({}, shared=True)
