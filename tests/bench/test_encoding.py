"""How long 100 MB of text take, and how much memory; run with `-m bench -s`."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio.data.learnable.tokens import prepare_text
from genstudio.data.shelf import find_dataset, import_text, open_dataset
from genstudio.data.text import statistics
from genstudio.data.tokenizers import CharTokenizer
from genstudio.data.work import finished
from genstudio.evaluation.ngram import kneser_ney

SIZE = 100_000_000


def slowest(work: Generator[float, None, Any]) -> tuple[Any, float, float]:
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
    text = open_dataset(find_dataset("shakespeare")).text
    return (text * (SIZE // len(text) + 1))[:SIZE]


@pytest.mark.bench
def test_100_mb(long_text: str, tmp_path: Path) -> None:
    rows: list[tuple[str, float, float]] = []
    path = tmp_path / "long.txt"
    path.write_text(long_text, encoding="utf-8", newline="\n")
    tracemalloc.start()
    info, seconds, longest = slowest(import_text(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    rows.append(("import", seconds, longest))
    began = time.perf_counter()
    dataset = open_dataset(info)
    rows.append(("open", time.perf_counter() - began, time.perf_counter() - began))
    data, seconds, longest = slowest(prepare_text(dataset, "none", 64))
    rows.append(("split and encode", seconds, longest))
    rows.append(("statistics", *slowest(statistics(dataset.text))[1:]))
    tokenizer = CharTokenizer.of(dataset.text)
    began = time.perf_counter()
    ids = tokenizer.encode(dataset.text)
    encoding = time.perf_counter() - began
    rows.append(("encode in one call", encoding, encoding))
    table = {character: index for index, character in enumerate(tokenizer.alphabet)}
    began = time.perf_counter()
    plain = [table[character] for character in dataset.text[: SIZE // 10]]
    loop = 10 * (time.perf_counter() - began)
    rows.append(("a Python loop (from a tenth)", loop, loop))
    print(f"\n{'100 MB of text':32}{'seconds':>9}{'longest slice, ms':>19}")
    for name, seconds, longest in rows:
        print(f"{name:32}{seconds:9.2f}{1e3 * longest:19.0f}")
    print(f"peak of the import: {peak / 1e6:.0f} MB")
    assert plain == ids[: SIZE // 10].tolist()
    assert np.array_equal(data.train, ids[: len(data.train)])
    assert encoding < loop
    assert peak < 30e6


@pytest.mark.bench
def test_kneser_ney_of_shakespeare() -> None:
    data = finished(prepare_text(open_dataset(find_dataset("shakespeare")), "none", 64))
    value, seconds, longest = slowest(kneser_ney(data.train, data.validation, data.tokenizer.size))
    print(f"\nKneser-Ney, context 6: {value:.4f} nats in {seconds:.2f} s, longest slice {1e3 * longest:.0f} ms")
    assert value == pytest.approx(1.5165, abs=0.02)
