"""Documents as files: everything comes back, and what is damaged or made to harm gives a clear error."""

from __future__ import annotations

import copy
import gc
import json
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio.errors import DataError
from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.document_files import as_json, as_markdown, as_text, read_json
from genstudio.sampling.segments import Made, Segment, Written, written
from genstudio.sampling.tree import Node, Tree
from genstudio.snapshots.text import Chosen
from genstudio.tasks.document import OpenDocument, SaveDocument
from helpers import result, run_task

MADE = Made("runs/one", "one, step 10", 10, SamplingOptions(0.7, 5, 0.9), 3)


def tokens(texts: tuple[str, ...], made: Made = MADE) -> tuple[Segment, ...]:
    n = len(texts)
    ids = np.arange(n, dtype=np.int32)
    table = np.stack([ids, ids + 1], axis=1)
    chances = np.linspace(0.9, 1e-7, n)
    both = np.stack([chances, 1 - chances], axis=1)
    chosen = Chosen(
        ids, tuple(f"<{i}>" for i in ids), chances, np.log(chances), np.ones(n, np.int32), np.full(n, np.nan), table,
        both, both, {int(i): f"<{i}>" for i in table.ravel()},
    )  # fmt: skip
    return written(texts, chosen, made)


def some_tree() -> Tree:
    tree = Tree.of("Once *upon*\na 😀").branched(10, tokens((" the", "", "é", "\n", "end ")))
    tree = tree.branched(12, tokens(("X", "Y")))
    return tree.renamed(tree.path[-1].id, "first")


def read(data: bytes) -> Tree:
    work = read_json(data)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def file_of(tree: Tree) -> bytes:
    return "".join(as_json(tree)).encode("utf-8", "surrogatepass")


def shape(tree: Tree) -> list[Any]:
    return [(n.text, n.name, n.chosen, [c.text for c in n.children]) for n, _ in tree.nodes()]


def test_everything_comes_back() -> None:
    before = some_tree()
    after = read(file_of(before))
    assert shape(after) == shape(before) and after.text == before.text
    old, new = ([s for n, _ in t.nodes() for s in n.segments if isinstance(s, Written)] for t in (before, after))
    for one, other in zip(old, new, strict=True):
        assert one.made == other.made and one.texts == other.texts and one.tokens.names == other.tokens.names
        for name in ("ids", "ranks", "alternatives"):
            assert np.array_equal(getattr(one.tokens, name), getattr(other.tokens, name))
        for name in ("probabilities", "logprobs", "entropies", "before", "after"):
            np.testing.assert_allclose(getattr(one.tokens, name), getattr(other.tokens, name), rtol=1e-8)


def test_the_layout_of_the_file_does_not_matter() -> None:
    whole = json.loads(file_of(some_tree()))
    for text in (json.dumps(whole, indent=3, sort_keys=True), "\ufeff" + json.dumps(whole), json.dumps(whole)):
        assert shape(read(text.encode())) == shape(some_tree())


def refused(data: bytes) -> None:
    try:
        tree = read(data)
    except DataError as error:
        assert error.message.startswith("This document cannot be opened: ") and error.hint
    else:
        assert tree.text == "".join(s.text for s in tree.segments())
        read(file_of(tree))


def test_a_truncated_file_is_refused_wherever_it_ends() -> None:
    data = file_of(some_tree())
    for end in [*range(0, len(data.rstrip()) - 1, 7), len(data.rstrip()) - 1]:
        with pytest.raises(DataError, match="cannot be opened"):
            read(data[:end])


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(place for key, item in inside for place in places(item, (*way, key)))]


HOSTILE: list[Any] = [
    None, True, -1, 0, 1, 2**31, 2**63, 10**400, 1.5, float("nan"), float("inf"), "", "²", "x" * 1000, "\ud800", [], {},
    [[]], [None], ["a"], [[1, 2], [3]], {"1": {}}, {"²": "x"}, [[[]]],
]  # fmt: skip


@pytest.mark.thorough
def test_any_value_in_any_place_is_refused_or_harmless() -> None:
    whole = json.loads(file_of(some_tree()))
    every = places(whole)[1:]
    for way in every:
        for bad in (*HOSTILE, "gone", "twice"):
            other = copy.deepcopy(whole)
            inside = other
            for key in way[:-1]:
                inside = inside[key]
            if bad == "gone":
                del inside[way[-1]]
            elif bad == "twice" and isinstance(inside, list):
                inside.append(inside[way[-1]])
            else:
                inside[way[-1]] = bad
            refused(json.dumps(other).encode())


def test_random_bytes_in_a_file_are_refused_or_harmless() -> None:
    rng, data = random.Random(3), file_of(some_tree())
    for _ in range(1500):
        broken = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(broken))
            broken[at : at + rng.choice([0, 1, 1, 9])] = bytes(rng.choices(b'\xff\x00{}[],:"0-9eNu\\', k=rng.randint(0, 3)))
        refused(bytes(broken))


def with_nodes(nodes: list[dict[str, Any]]) -> bytes:
    every = [{"name": "", "chosen": 0, "segments": [], **node} for node in nodes]
    return json.dumps({"format": "genstudio document", "version": 1, "made": [], "nodes": every}).encode()


@pytest.mark.parametrize(
    "nodes",
    [
        [],
        [{"id": 0, "parent": 0}],
        [{"id": 0, "parent": None}, {"id": 1, "parent": 2}, {"id": 2, "parent": 1}],
        [{"id": 0, "parent": None}, {"id": 0, "parent": 0}],
        [{"id": 0, "parent": None}, {"id": 1, "parent": None}],
        [{"id": 0, "parent": None}, {"id": 1, "parent": [0]}],
        [{"id": 0, "parent": None, "chosen": 1}, {"id": 1, "parent": 0}],
        [{"id": i, "parent": i - 1 if i else None} for i in range(5_000)],
    ],
    ids=["none", "own parent", "cycle", "twice", "two roots", "no number", "no such child", "deep"],
)
def test_what_is_no_tree_is_refused(nodes: list[dict[str, Any]]) -> None:
    with pytest.raises(DataError):
        read(with_nodes(nodes))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"nodes":' * 50_000, "", "null", "3", '"' + "x" * 10**6, "{} {}", "é"])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        read(text.encode())


def test_a_large_file_never_holds_the_threads_for_long() -> None:
    """Some 15 MB: the parser of the standard library alone holds all threads for several times as long at once."""
    texts = tuple(f" w{i}" for i in range(20_000))
    data = file_of(Tree(Node(0, segments=tokens(texts)), 1)) + b" " * 10_000_000
    waits, over = list[float](), threading.Event()

    def wait() -> None:
        last = time.perf_counter()
        while not over.wait(0.001):
            now = time.perf_counter()
            waits.append(now - last)
            last = now

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        assert len(read(data).text) == sum(map(len, texts))
    finally:
        over.set()
        thread.join()
    assert sorted(waits)[int(0.9 * len(waits))] < 0.1
    slices = list[float]()
    gc.disable()  # as the engine's thread is: what the collector takes is not the reader's
    try:
        work, last = read_json(data), time.thread_time()
        for _ in work:
            slices.append(time.thread_time() - last)
            last = time.thread_time()
    finally:
        gc.enable()
    assert max(slices) < 0.1


def test_text_and_markdown_are_what_is_shown() -> None:
    tree = some_tree().branched(13, tokens((" the", " one\n", "*")))
    assert "".join(as_text(tree)) == tree.text
    words = "".join(as_markdown(tree))
    assert words.startswith("Once \\*upo") and "**the one**  \n**\\***" in words
    assert "- one, step 10, weights of step 10; temperature 0.7, top_k 5" in words
    assert words.rstrip().endswith("seed 3") and "".join(as_markdown(Tree.of("a_b"))) == "a\\_b"


@pytest.mark.parametrize(("form", "parts"), [("txt", as_text), ("md", as_markdown), ("json", as_json)])
def test_every_form_is_written_whole(form: Any, parts: Callable[[Tree], Any], tmp_path: Path) -> None:
    place = tmp_path / f"mine.{form}"
    assert result(SaveDocument(str(place), some_tree(), form)) == str(place)
    assert place.read_bytes().decode() == "".join(parts(some_tree()))
    opened = result(OpenDocument(str(place)))
    assert opened.text == (some_tree().text if form != "md" else place.read_text("utf-8"))


def test_a_damaged_document_of_the_last_time_is_set_aside_and_none_before_is_lost(tmp_path: Path) -> None:
    place = tmp_path / "playground.json"
    for count, content in enumerate((b"{", b"\xff\xff", b"[]")):
        place.write_bytes(content)
        with pytest.raises(DataError) as caught:
            run_task(OpenDocument(str(place), kept=True))
        assert "renamed" in caught.value.hint and not place.exists()
        aside = tmp_path / f"playground.damaged{'' if not count else count + 1}.json"
        assert aside.read_bytes() == content and str(caught.value.path or "") == str(aside)
    assert len(list(tmp_path.iterdir())) == 3
    assert result(OpenDocument(str(place), kept=True)) is None
