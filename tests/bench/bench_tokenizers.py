"""How long 100 MB take with each tokenizer, and the learning of byte pairs on 10 MB; run with `-m bench -s`."""

from __future__ import annotations

import time

import numpy as np
import pytest

from genstudio.data.encoding import cuts, encode_part
from genstudio.data.shelf import find_dataset, open_text
from genstudio.data.vocabulary import TokenSettings, make_tokenizer
from genstudio.data.work import Work, finished

SIZE = 100_000_000


def slowest(work: Work[object]) -> tuple[object, float, float]:
    """Result, seconds in all, seconds of the longest slice."""
    began = last = time.perf_counter()
    longest = 0.0
    while True:
        try:
            next(work)
        except StopIteration as end:
            now = time.perf_counter()
            return end.value, now - began, max(longest, now - last)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now


@pytest.fixture(scope="module")
def long_text() -> str:
    """100 MB of words drawn with the frequencies of Shakespeare's, so that it is no mere repetition."""
    text = open_text(find_dataset("shakespeare")).text
    units = np.array([text[a:b] for a, b in _words(text)], object)
    rng = np.random.default_rng(0)
    return "".join(units[rng.integers(0, len(units), SIZE // 5)])[:SIZE]


def _words(text: str) -> list[tuple[int, int]]:
    ends = [i for i, letter in enumerate(text) if letter in " \n"]
    return list(zip([0, *ends], [*ends, len(text)], strict=True))


@pytest.mark.bench
@pytest.mark.parametrize("kind", ["char", "byte", "word", "bpe"])
@pytest.mark.parametrize("lines", [False, True], ids=["plain", "lines"])
def test_encoding_100_mb(kind: str, lines: bool, long_text: str) -> None:
    learnt = open_text(find_dataset("shakespeare")).text
    tokenizer = finished(make_tokenizer(learnt, len(learnt), TokenSettings(kind, 4096, 2, lines), "x"))  # type: ignore[arg-type]
    found, seconds, longest = slowest(encode_part(tokenizer, long_text, 0, len(long_text)))
    print(
        f"\n{kind:6} lines={lines!s:6} {seconds:6.2f} s, longest slice {1e3 * longest:4.0f} ms, {len(found.ids):,} tokens"
    )  # type: ignore[attr-defined]
    assert seconds < 60


@pytest.mark.bench
def test_the_library_alone(long_text: str) -> None:
    """What the library takes for a tenth of it, in the same stretches: with one thread and with all."""
    import os

    learnt = open_text(find_dataset("shakespeare")).text
    tokenizer = finished(make_tokenizer(learnt, len(learnt), TokenSettings("bpe", 4096), "x"))
    pieces = [long_text[a:b] for a, b in cuts(long_text, 0, SIZE // 10)]
    for parallel in ("false", "true"):
        os.environ["TOKENIZERS_PARALLELISM"] = parallel
        began = time.perf_counter()
        tokenizer.encode_units(pieces)  # type: ignore[attr-defined]
        print(f"\nlibrary, parallel={parallel}: {10 * (time.perf_counter() - began):.1f} s for 100 MB")
    del os.environ["TOKENIZERS_PARALLELISM"]


@pytest.mark.bench
@pytest.mark.parametrize("vocabulary", [1024, 8192])
def test_learning_byte_pairs_on_10_mb(vocabulary: int, long_text: str) -> None:
    part = long_text[: SIZE // 10]
    made, seconds, longest = slowest(make_tokenizer(part, len(part), TokenSettings("bpe", vocabulary), str(vocabulary)))
    print(f"\nbyte pairs, {vocabulary:,} tokens, 10 MB: {seconds:.2f} s, longest slice {1e3 * longest:.0f} ms")
    assert made.size == vocabulary and seconds < 60  # type: ignore[attr-defined]
