"""The checks: each finds what was planted, as often as it was planted, and is silent on clean data."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio.data.checks import Example, Finding, check, languages, similar
from genstudio.data.datasets import ImageDataset, PairDataset, PointDataset, TaskDataset, TextDataset
from genstudio.data.shelf import DatasetInfo, find_dataset, open_dataset
from genstudio.data.split import SplitSettings
from genstudio.data.tokenizers import code_points
from genstudio.data.work import finished

WORDS = [a + b for a, b in itertools.product(["ba", "ko", "ti", "re", "mu", "lan", "so", "vi"], repeat=2)]


def info(kind: str, **details: Any) -> DatasetInfo:
    return DatasetInfo("x", "x", kind, "imported", Path("x"), 1, "0" * 64, details=details)  # type: ignore[arg-type]


def paragraph(seed: int, words: int = 40) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words)) + "."


def text_of(paragraphs: list[str]) -> TextDataset:
    return TextDataset(info("text"), "\n\n".join(paragraphs) + "\n")


def rules(dataset: Any, **options: Any) -> dict[str, Finding]:
    found = finished(check(dataset, **options))
    assert all(f.sentence and f.repair and f.rule and f.level in ("error", "warning", "info") for f in found)
    assert all(
        len(f.examples) <= 5 and all("\n" not in e.words and len(e.words) <= 120 for e in f.examples) for f in found
    )
    if isinstance(dataset, TextDataset):
        assert all(stands_there(dataset.text, e) for f in found for e in f.examples if e.place is not None)
        assert all(e.place is not None for f in found for e in f.examples)
    levels = [("error", "warning", "info").index(finding.level) for finding in found]
    assert levels == sorted(levels)
    return {finding.rule: finding for finding in found}


def stands_there(text: str, example: Example) -> bool:
    """Whether the words of an example are what stands at its place, or the words around it."""
    assert example.place is not None and 0 <= example.place < len(text) and example.length > 0
    near = " ".join(text[max(0, example.place - 21) : example.place + example.length + 21].split())
    words = example.words.removesuffix("…")
    quoted = words[1] if words[:1] == "'" else words
    return quoted.casefold() in near.casefold() or near.casefold() in words.casefold()


def found_with(dataset: Any, words: str, **options: Any) -> Finding | None:
    return next((finding for rule, finding in rules(dataset, **options).items() if words in rule), None)


CLEAN = [paragraph(seed) for seed in range(300)]


def test_a_clean_text_has_nothing_to_complain_of() -> None:
    assert rules(text_of(CLEAN), context=64, parameters=100_000) == {}
    assert rules(open_dataset(find_dataset("shakespeare")), context=64, parameters=800_000) == {}


def test_too_little_text_for_context_and_model() -> None:
    small = text_of(CLEAN[:3])
    finding = found_with(small, "for a context of 512", context=512)
    assert finding is not None and finding.level == "error" and "5,130" in finding.rule
    assert found_with(small, "at most two parameters", parameters=10_000) is not None
    assert found_with(small, "at most two parameters", parameters=100) is None
    assert found_with(TextDataset(info("text"), "aaaa"), "something to learn") is not None
    assert found_with(TextDataset(info("text"), ""), "something to learn") is not None
    long = found_with(
        text_of(CLEAN), "validation at least one context", context=10_000, split=SplitSettings(share=0.01)
    )
    assert long is not None and long.level == "error"


def test_planted_repetitions_are_counted() -> None:
    again = text_of([*CLEAN, *CLEAN[:7], paragraph(999)])
    same = found_with(again, "no repeated lines", split=SplitSettings(share=0.001))
    assert same is not None and same.count == 7
    rng = random.Random(0)
    near = []
    for seed in range(9):
        words = CLEAN[seed * 3].split()
        words[rng.randrange(len(words))] = "changed"
        near.append(" ".join(words))
    finding = found_with(
        text_of([*CLEAN, *near, paragraph(999)]), "more than a quarter", split=SplitSettings(share=0.001)
    )
    assert finding is not None and finding.count == 9


def test_what_stands_in_both_parts_is_found() -> None:
    leaky = text_of([*CLEAN, CLEAN[5]])
    finding = found_with(leaky, "consecutive validation characters occur in training")
    assert finding is not None and abs(finding.count - (len(CLEAN[5]) - 49)) < 10
    assert CLEAN[5][:30] in finding.examples[0].words or finding.examples[0].words[:30] in CLEAN[5]
    assert found_with(text_of(CLEAN), "consecutive validation characters occur in training") is None


def test_letters_that_validation_alone_has() -> None:
    finding = found_with(text_of([*CLEAN, "Ω and Ω, then ж"]), "every validation character")
    assert finding is not None and finding.count >= 2 and finding.examples[0].words.startswith("'Ω' (2 times)")


def test_a_wrong_encoding_is_seen_afterwards() -> None:
    broken = "Größe und Schärfe".encode().decode("cp1252")
    finding = found_with(text_of([*CLEAN, broken]), "wrongly decoded")
    assert finding is not None and finding.count == 3 and "UTF-8" in finding.repair
    assert found_with(text_of([*CLEAN, "Größe, Ärger, Âme, ÅÄÖ, Ñandú"]), "wrongly decoded") is None
    lost = found_with(text_of([*CLEAN, "Gr\ufffd\ufffde"]), "replacement characters")
    assert lost is not None and lost.count == 2


def test_rolling_hashes_tell_stretches_apart() -> None:
    codes = code_points("abcabcabd" * 20)
    for width in (1, 2, 3, 7, 8, 50):
        hashes = similar.rolling(codes, width)
        text = "abcabcabd" * 20
        groups: dict[str, int] = {}
        for place, value in enumerate(hashes.tolist()):
            assert groups.setdefault(text[place : place + width], value) == value
        assert len(hashes) == len(text) - width + 1 and len(set(groups.values())) == len(groups)


def pictures(count: int = 400, **more: Any) -> ImageDataset:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 6, 6, 3), dtype=np.uint8).repeat(2, 1).repeat(2, 2)
    return ImageDataset(info("images", **more.pop("details", {})), pixels, **more)


def test_clean_pictures_have_nothing_to_complain_of() -> None:
    assert rules(pictures()) == {}


def changed(edit: Any, **more: Any) -> ImageDataset:
    pixels = pictures().pixels.copy()
    edit(pixels)
    return ImageDataset(info("images"), pixels, **more)


def test_planted_pictures_are_counted() -> None:
    def same(pixels: Any) -> None:
        pixels[390:395] = pixels[:5]
        pixels[100:103] = [[[[7, 7, 7]]]]

    found = rules(changed(same))
    assert found["no single-colour pictures"].count == 3
    assert found["no duplicate pictures"].count == 5 + 2
    assert found["no picture in both training and validation"].count == 5
    assert found["no picture in both training and validation"].examples[0] == Example("picture 391", 390)

    def near(pixels: Any) -> None:
        pixels[200:206] = np.clip(pixels[:6].astype(int) + 3, 0, 255)

    finding = rules(changed(near))["no near-duplicate pictures"]
    assert finding.count == 6 and finding.examples[0] == Example("picture 201", 200)


def test_classes_sizes_and_broken_files() -> None:
    labels = np.repeat([0, 1, 2], [300, 92, 8]).astype(np.int64)
    found = rules(pictures(labels=labels, classes=("a", "b", "c")))
    assert found["at least 10 pictures per class"].examples[0].words == "c: 8"
    labels = np.repeat([0, 1], [350, 50]).astype(np.int64)
    labels[:4] = -1
    found = rules(pictures(labels=labels, classes=("a", "b")))
    assert found["every picture has a class"].count == 4
    assert "with 50 to 346 pictures" in found["no class more than 4 times as large as another"].sentence
    details = {"broken": [["a.png", "is empty"]], "broken_count": 1, "sizes": [[4, 4, 3], [12, 12, 397]]}
    found = rules(pictures(details=details))
    assert found["every file can be read"].examples == (Example("a.png is empty"),)
    assert found["no picture is enlarged more than twice"].count == 3
    assert "pictures of one size" in found
    assert "at least 200 pictures" in rules(pictures(20))
    assert found_with(pictures(), "split", split=SplitSettings("file")) is not None


ENGLISH = [
    "the cat and the dog were in the house with her",
    "you have to do this for me but not now",
    "it was on the table",
]
GERMAN = [
    "die Katze und der Hund sind nicht in dem Haus",
    "du musst das für mich tun und auch für sie",
    "es ist auf dem Tisch",
]


def pairs(left: list[str], right: list[str]) -> PairDataset:
    return PairDataset(info("pairs"), tuple(left), tuple(right), ("en", "de"))


def many(sentences: list[str], count: int = 1200) -> list[str]:
    return [f"{sentences[number % 3]} {paragraph(number, 6)}" for number in range(count)]


def test_clean_pairs_have_nothing_to_complain_of() -> None:
    assert rules(pairs(many(ENGLISH), many(GERMAN))) == {}


def test_planted_pairs_are_counted() -> None:
    left, right = many(ENGLISH), many(GERMAN)
    right[3], left[4] = "", "   "
    left[10:15], right[10:15] = right[10:15], left[10:15]
    for place in range(20, 26):
        right[place] = right[place] * 6
    left[30], right[30] = left[31], right[31]
    left[40] = right[40]
    found = rules(pairs(left, right))
    assert found["no side is empty"].count == 2
    assert found["a length ratio within 3 times the usual"].count == 6
    assert found["no duplicate pairs"].count == 1
    assert found["the sides differ"].count == 1
    assert found["one language per side"].count >= 5
    assert found["one language per side"].examples[0].words.startswith(("German", "English"))


def test_another_script_is_seen() -> None:
    usual, strange = finished(languages.strangers([*ENGLISH, "Привет, как дела", "日本語のテキスト"]))
    assert usual == "English" and strange == [(3, "Cyrillic"), (4, "Japanese")]


def test_toy_tasks_with_wrong_answers() -> None:
    questions = [f"{a}+{b}=" for a in range(20) for b in range(20)]
    answers = [str(a + b) for a in range(20) for b in range(20)]
    assert rules(TaskDataset(info("tasks"), tuple(questions), tuple(answers))) == {}
    twice = TaskDataset(info("tasks"), (*questions, "1+1="), (*answers, "3"))
    found = rules(twice)
    assert found["one answer per question"].level == "error" and found["no question in both training and validation"].count == 1


def test_points() -> None:
    points = np.random.default_rng(0).normal(size=(1000, 2)).astype(np.float32)
    assert rules(PointDataset(info("points"), points)) == {}
    far = points.copy()
    far[7] = [500, 0]
    assert found_with(PointDataset(info("points"), far), "15 spreads").count == 1  # type: ignore[union-attr]
    assert found_with(PointDataset(info("points"), points * np.float32([1, 99])), "similar scale") is not None
    flat = points * np.float32([1, 0])
    assert found_with(PointDataset(info("points"), flat), "both directions") is not None
    assert found_with(PointDataset(info("points"), points[:20]), "at least 500") is not None


@pytest.mark.parametrize("kind", ["text", "pairs", "images", "points", "tasks"])
def test_nearly_nothing_is_still_checked(kind: str) -> None:
    one = {
        "text": TextDataset(info("text"), "ab"),
        "pairs": PairDataset(info("pairs"), ("a",), ("b",), ("x", "y")),
        "images": ImageDataset(info("images"), np.zeros((1, 2, 3, 1), np.uint8)),
        "points": PointDataset(info("points"), np.zeros((2, 2), np.float32)),
        "tasks": TaskDataset(info("tasks"), ("a",), ("b",)),
    }[kind]
    assert rules(one)


@pytest.mark.parametrize("how", ["contiguous", "random"])
def test_examples_stand_where_they_say_in_every_split(how: Any) -> None:
    """The places are those of the dataset, whatever order the split brought it into."""
    odd = [*CLEAN[:100], CLEAN[5], CLEAN[7][:-9] + "a dog.", *CLEAN[100:], "Ω and ψ: " + CLEAN[5]]
    odd[50] += " Ã¼ber \ufffd"
    found = rules(text_of(odd), context=8, split=SplitSettings(how, 0.2, 3))
    assert sum(len(finding.examples) for finding in found.values()) >= 5
    kinds = {rule.split()[0] for rule in found}
    assert {"no", "every"} <= kinds


def test_a_place_that_is_wrong_is_noticed() -> None:
    text = text_of(CLEAN).text
    assert stands_there(text, Example(CLEAN[3][:60], text.index(CLEAN[3]), len(CLEAN[3])))
    assert not stands_there(text, Example(CLEAN[3][:60], text.index(CLEAN[9]), len(CLEAN[9])))


def test_rows_points_and_classes_have_places() -> None:
    left = [f"sentence number {i} of this list" for i in range(1200)]
    right = [f"oración número {i} de esta lista" for i in range(1200)]
    right[700] = " "
    pairs = PairDataset(info("pairs"), tuple(left), tuple(right), ("en", "es"))
    empty = found_with(pairs, "no side is empty")
    assert empty is not None and empty.examples[0].place == 700
    points = np.random.default_rng(0).normal(size=(800, 2)).astype(np.float32)
    points[123] = 1000
    far = found_with(PointDataset(info("points"), points), "15 spreads")
    assert far is not None and [e.place for e in far.examples] == [123]


def test_control_characters_are_counted_named_and_placed() -> None:
    strange = paragraph(3) + "a\x0bb" + paragraph(4) + "\x1b[0m" + paragraph(5) + "\x85" + paragraph(6)
    dataset = text_of([strange, *map(paragraph, range(7, 12))])
    finding = rules(dataset)["no control characters"]
    assert (finding.level, finding.count) == ("info", 3)
    assert [dataset.text[example.place or 0] for example in finding.examples] == ["\x0b", "\x1b", "\x85"]
    assert "no control characters" not in rules(text_of([*map(paragraph, range(7, 12))]))
