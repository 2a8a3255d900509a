"""The split: the usual one as it always was, the others whole, disjoint, drawn by the seed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudio.data.datasets import TextDataset
from genstudio.data.learnable.tokens import prepare_text
from genstudio.data.shelf import DatasetInfo, find_dataset, open_text
from genstudio.data.split import SplitSettings, arrange, split_items, split_shares
from genstudio.data.work import finished
from genstudio.errors import DataError

STORY = "".join(
    f"Paragraph {number} begins here.\n{'It goes on for a while. ' * (number % 7 + 3)}\n\n" for number in range(200)
)


def parts(text: str, settings: SplitSettings, **options: object) -> tuple[str, str]:
    found = finished(arrange(text, settings, **options))  # type: ignore[arg-type]
    arranged, cut = found.text, found.cut
    for place in range(0, len(arranged), 1 + len(arranged) // 500):
        origin = found.origin(place)
        assert arranged[place] == (text[origin] if origin < len(text) else "\n") or arranged[place] == "\n"
    return arranged[:cut], arranged[cut:]


def dataset(text: str, **details: object) -> TextDataset:
    info = DatasetInfo("x", "x", "text", "imported", Path("x"), len(text.encode()), "0" * 64, details=details)
    return TextDataset(info, text)


def test_the_usual_split_is_what_it_was() -> None:
    text = open_text(find_dataset("shakespeare")).text
    cut = int(0.9 * len(text))
    assert parts(text, SplitSettings()) == (text[:cut], text[cut:])
    names = open_text(find_dataset("names")).text
    train, validation = parts(names, SplitSettings(), lines=True)
    assert train + validation == names and train.endswith("\n")
    assert SplitSettings.of({}) == SplitSettings() and SplitSettings().key("abc") == "abc"
    assert SplitSettings("random").key("abc") != SplitSettings("random", seed=1).key("abc") != "abc"
    plain = finished(prepare_text(dataset(STORY), "none", 16))
    same = finished(prepare_text(dataset(STORY), "none", 16, split=SplitSettings()))
    assert np.array_equal(plain.train, same.train) and np.array_equal(plain.validation, same.validation)


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_random_draws_whole_blocks_once(lines: bool, share: float) -> None:
    text = STORY if not lines else "".join(f"name {number}\n" for number in range(3000))
    train, validation = parts(text, SplitSettings("random", share), lines=lines, context=16)
    assert sorted(train.split("\n") + validation.split("\n")) == sorted([*text.split("\n"), ""])
    assert share * len(text) <= len(validation) <= share * len(text) + 1200
    assert (train, validation) == parts(text, SplitSettings("random", share), lines=lines, context=16)
    assert validation != parts(text, SplitSettings("random", share, seed=1), lines=lines, context=16)[1]
    positions = [text.index(line) for line in validation.split("\n") if line.startswith("Paragraph ")]
    assert positions == sorted(positions)


def test_a_text_without_lines_is_split_all_the_same() -> None:
    text = "".join(random.Random(0).choices("abc", k=20_000))
    train, validation = parts(text, SplitSettings("random", 0.1))
    assert abs(len(validation) - 2000) < 600 and abs(len(train) + len(validation) - len(text)) < 100
    with pytest.raises(DataError, match="fewer than two paragraphs"):
        parts("short", SplitSettings("random"))


def test_by_file_draws_whole_files() -> None:
    texts = [f"file {number} " * (number + 5) + "\n" for number in range(10)]
    text, files, place = "".join(texts), [], 0
    for number, piece in enumerate(texts):
        files.append([f"{number}.txt", place, place + len(piece)])
        place += len(piece)
    for seed in range(5):
        train, validation = parts(text, SplitSettings("file", 0.2, seed), files=files)
        inside = [piece for piece in texts if piece in validation]
        assert "".join(inside) == validation and 0 < len(inside) < 10
        assert "".join(piece for piece in texts if piece not in inside) == train
    both = finished(prepare_text(dataset(text, files=files), "none", 8, split=SplitSettings("file", 0.2)))
    assert len(both.train) + len(both.validation) == len(text)
    for bad in ([], [["a", 0, len(text)]], [["a", 0, 5], ["b", 5, 10**9]], [["a", 0, 5], ["b", 5, 5]], ["x"]):
        with pytest.raises(DataError):
            parts(text, SplitSettings("file"), files=bad)


def test_a_validation_part_below_one_context_is_refused() -> None:
    with pytest.raises(DataError, match="too short"):
        finished(prepare_text(dataset(STORY), "none", 400, split=SplitSettings(share=0.001)))
    drawn = finished(prepare_text(dataset(STORY), "none", 400, split=SplitSettings("random", 0.001)))
    assert len(drawn.validation) > 400, "blocks are longer than a context"


@given(st.integers(2, 500), st.sampled_from(["contiguous", "random"]), st.floats(0.001, 0.999), st.integers(0, 9))
def test_items_are_split_whole_and_disjoint(count: int, how: str, share: float, seed: int) -> None:
    train, validation = split_items(count, SplitSettings(how, share, seed))  # type: ignore[arg-type]
    assert sorted([*train.tolist(), *validation.tolist()]) == list(range(count))
    assert len(train) and len(validation)
    assert len(validation) <= share * count + 1


def test_items_of_a_file_stay_together() -> None:
    groups = [f"file {number % 7}" for number in range(100)]
    train, validation = split_items(100, SplitSettings("file", 0.3), groups)
    assert not {groups[i] for i in train} & {groups[i] for i in validation}
    for bad in (None, ["one"] * 100):
        with pytest.raises(DataError):
            split_items(100, SplitSettings("file"), bad)
    with pytest.raises(DataError):
        SplitSettings("other")  # type: ignore[arg-type]
    with pytest.raises(DataError):
        SplitSettings(share=1.5)


@pytest.mark.parametrize("how", ["contiguous", "random", "file"])
def test_the_shares_of_a_bar_are_those_of_the_split(how: Any) -> None:
    """Counted a second time, character by character, from where each of the validation part stood."""
    text = "".join(f"Paragraph {i} has {'some ' * (i % 7)}words.\n\n" for i in range(900))
    files = [["a", 0, 9_000], ["b", 9_000, 20_000], ["c", 20_000, len(text)]]
    arranged = finished(arrange(text, SplitSettings(how, 0.25, 4), context=16, files=files))
    shares = split_shares(len(text), arranged, 50)
    stood = np.zeros(len(text), bool)
    for place in range(arranged.cut, len(arranged.text)):
        if (origin := arranged.origin(place)) < len(text):
            stood[origin] = True
    edges = np.linspace(0, len(text), 51)
    counted = np.histogram(np.flatnonzero(stood), edges)[0] / np.diff(edges)
    assert np.abs(shares - counted).max() < 2 / np.diff(edges).min()
    assert shares.min() >= 0 and shares.max() <= 1 and 0.2 < shares.mean() < 0.6
