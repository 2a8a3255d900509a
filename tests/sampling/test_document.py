"""A document is edited at random: what is shown is right, nothing is lost, and undo leads back to the beginning."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from genstudio.sampling.document import Document
from genstudio.sampling.segments import BLOCK, CHUNK, Made, Typed, Written, alternative, merged, typed, written
from genstudio.sampling.tree import Node, Tree
from genstudio.snapshots.text import Chosen

MADE = Made("runs/one", "one, step 10", 10)


def tokens(texts: tuple[str, ...], first: int = 0, made: Made = MADE) -> tuple[Written, ...]:
    """Written tokens with numbers that differ from each other."""
    n = len(texts)
    ids = np.arange(first, first + n, dtype=np.int32)
    table = np.stack([ids, ids + 1], axis=1) if n else np.empty((0, 2), np.int32)
    chances = np.linspace(0.9, 0.1, n)
    chosen = Chosen(
        ids, tuple(f"<{i}>" for i in ids), chances, np.log(chances), np.ones(n, np.int32), chances + 1, table,
        np.stack([chances, 1 - chances], axis=1), np.stack([chances, 1 - chances], axis=1),
        {int(i): f"<{i}>" for i in table.ravel()},
    )  # fmt: skip
    return written(texts, chosen, made)  # type: ignore[return-value]


def texts_of(tree: Tree) -> Counter[str]:
    """The text of every branch, from the root to its end."""
    found: Counter[str] = Counter()
    waiting = [(tree.root, "")]
    while waiting:
        node, before = waiting.pop()
        if not node.children:
            found[before + node.text] += 1
        waiting += [(child, before + node.text) for child in node.children]
    return found


def ids_of(tree: Tree) -> Counter[int]:
    """Every written token there is."""
    return Counter(
        int(i)
        for node, _ in tree.nodes()
        for segment in node.segments
        if isinstance(segment, Written)
        for i in segment.tokens.ids
    )


def is_sound(tree: Tree) -> None:
    nodes = [node for node, _ in tree.nodes()]
    assert len({node.id for node in nodes}) == len(nodes) and max(n.id for n in nodes) < tree.next_id
    for node in nodes:
        assert 0 <= node.chosen < max(len(node.children), 1)
        assert len(node.children) != 1 or (node.name and node.children[0].name)
        for segment in node.segments:
            assert len(segment.text) <= CHUNK if isinstance(segment, Typed) else 0 < len(segment.texts) <= BLOCK
    assert tree.text == "".join(segment.text for segment in tree.segments())


def random_step(document: Document, rng: random.Random, count: int) -> str:
    """One step of a person at random; returns the text that must be shown then, or "" where that is not known."""
    text, tree = document.text, document.tree
    at = rng.randint(0, len(text))
    end = min(len(text), at + rng.choice([0, 0, 0, 1, 2, 9]))
    kind = rng.choice(["edit", "edit", "edit", "write", "write", "more", "token", "switch", "rename", "remove"])
    some = "".join(rng.choice("ab é😀\n") for _ in range(rng.choice([0, 1, 1, 3])))
    if kind == "edit":
        document.replace(at, end, some)
        return text[:at] + some + text[end:]
    if kind in ("write", "more"):
        at = len(text) if kind == "more" else at
        pieces = tuple(rng.choice(["x", "yz", "", " the", "é"]) for _ in range(rng.randint(1, 6))) + ("w",)
        document.branch(at, tokens(pieces, count * 100))
        return text[:at] + "".join(pieces)
    if kind == "token" and (place := tree.token_at(at)) is not None:
        document.branch(place.start, (alternative(place.segment, place.token, 1, "ALT"),))
        return text[: place.start] + "ALT"
    node = rng.choice([node for node, _ in tree.nodes()])
    if kind == "switch":
        document.switch(node.id)
    elif kind == "rename":
        document.rename(node.id, rng.choice(["", "a name"]))
        return text
    elif kind == "remove" and node is not tree.root and rng.random() < 0.3:
        document.remove(node.id)
    return ""


@pytest.mark.parametrize("seed", range(12))
def test_random_editing(seed: int) -> None:
    rng = random.Random(seed)
    document = Document(Tree.of("Once upon a time"))
    start, seen = document.tree, []
    for count in range(250):
        before, removing = document.tree, False
        nodes_before = {node.id for node, _ in before.nodes()}
        place = rng.getstate()
        expected = random_step(document, rng, count)
        after = document.tree
        if after is not before:
            is_sound(after)
            if expected:
                assert after.text == expected
            removing = {n.id for n, _ in after.nodes()} < nodes_before and not expected
            if not removing:
                assert ids_of(after) >= ids_of(before), (seed, count, place)
        seen.append(document.text)
        if rng.random() < 0.1:
            last = document.tree
            steps = rng.randint(1, 4)
            done = sum(document.undo() for _ in range(steps))
            assert sum(document.redo() for _ in range(done)) == done and document.tree is last
    end = document.tree
    while document.undo():
        pass
    assert document.text == start.text and texts_of(document.tree) == texts_of(start)
    while document.redo():
        pass
    assert document.tree is end


def test_editing_written_text_keeps_what_was_written_in_a_branch_of_its_own() -> None:
    document = Document(Tree.of("The "))
    document.branch(4, tokens(("cat", " sat", " down")))
    document.replace(6, 7, "r")
    assert document.text == "The car sat down"
    assert texts_of(document.tree) == {"The cat sat down": 1, "The car sat down": 1}
    document.replace(16, 16, "!")
    assert len(texts_of(document.tree)) == 2, "typing goes on in the branch that the first letter made"
    document.undo()
    document.undo()
    assert texts_of(document.tree) == {"The cat sat down": 1}
    place = document.tree.token_at(5)
    assert place is not None and place.segment.tokens.ids.tolist() == [0, 1, 2] and place.token == 0


def test_deleting_backwards_into_written_text_makes_one_branch_not_many() -> None:
    document = Document(Tree.of("The "))
    document.branch(4, tokens(tuple("abcdefgh")))
    for end in range(12, 7, -1):
        document.replace(end - 1, end, "")
    assert document.text == "The abc" and texts_of(document.tree) == {"The abcdefgh": 1, "The abc": 1}
    document.branch(7, tokens(("X",), 50))
    assert texts_of(document.tree) == {"The abcdefgh": 1, "The abcX": 1}


def test_leaving_an_empty_end_forgets_it() -> None:
    document = Document(Tree.of("a"))
    document.branch(1, tokens(("b", "c")))
    document.replace(2, 3, "")
    assert document.text == "ab"
    other = document.tree.root.children[0].id
    document.switch(other)
    assert document.text == "abc" and not document.tree.root.children


def test_words_are_undone_one_by_one() -> None:
    document = Document()
    for at, letter in enumerate("one two"):
        document.replace(at, at, letter)
    document.undo()
    assert document.text == "one "
    document.undo()
    assert document.text == "" and not document.can_undo
    document.redo()
    document.redo()
    assert document.text == "one two"


def test_a_prompt_keeps_the_ids_of_the_model_that_wrote_them() -> None:
    document = Document(Tree.of("A"))
    document.branch(1, tokens(("b", "c")))
    document.branch(3, tokens(("d",), 7, Made("runs/two", "two", 1)))
    document.replace(4, 4, "E")
    assert merged(document.tree.segments(), "runs/one") == ("A", ((0, 1), "bc"), "dE")
    assert merged(document.tree.segments(), "runs/two") == ("Abc", ((7,), "d"), "E")
    assert merged(document.tree.segments(2), "runs/one") == ("A", ((0,), "b"))
    assert merged(document.tree.segments(0), "runs/one") == ()


def test_half_a_token_becomes_text() -> None:
    tree = Tree.of("A").branched(1, tokens(("bcd", "", "é")))
    assert merged(tree.segments(3), MADE.run) == ("Abc",)
    assert merged(tree.segments(4), MADE.run) == ("A", ((0,), "bcd"))
    assert merged(tree.segments(5), MADE.run) == ("A", ((0, 1, 2), "bcdé"))


def test_an_alternative_says_what_it_had_there() -> None:
    segment = tokens(("a", "b", "c"))[0]
    other = alternative(segment, 1, 1, "z")
    assert other.tokens.ids.tolist() == [2] and other.text == "z" and other.tokens.ranks.tolist() == [2]
    assert other.tokens.probabilities[0] == segment.tokens.after[1, 1]
    assert np.exp(other.tokens.logprobs[0]) == pytest.approx(segment.tokens.before[1, 1])


def test_a_large_document_is_edited_without_being_copied() -> None:
    document = Document(Tree(Node(0, segments=typed("word " * 200_000)), 1))
    parts = {id(segment) for segment in document.tree.root.segments}
    document.replace(500_000, 500_000, "x")
    assert len(document.text) == 1_000_001 and document.text[500_000] == "x"
    assert len({id(segment) for segment in document.tree.root.segments} - parts) <= 3


def test_hundreds_of_forks_under_each_other_are_no_trouble() -> None:
    document = Document(Tree.of("."))
    for count in range(300):
        document.branch(len(document.text), tokens(("a", "b"), count))
        document.branch(len(document.text) - 1, tokens(("c",), count))
    assert document.text == "." + "ac" * 300 and len(texts_of(document.tree)) == 301
    document.switch(next(node.id for node, _ in document.tree.nodes() if not node.children))
    document.rename(document.tree.path[-1].id, "deep")
    is_sound(document.tree)
