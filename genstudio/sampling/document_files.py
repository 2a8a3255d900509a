"""A document as a file: everything as JSON, or what is shown as plain text or Markdown. Files may come from anybody."""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from genstudio.errors import DataError
from genstudio.events import Array
from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.segments import BLOCK, CHUNK, Made, Segment, Typed, Written, written
from genstudio.sampling.tree import Node, Tree
from genstudio.snapshots.text import Chosen

FORMAT = "genstudio document"
LARGEST = 1 << 28
"""Bytes of a file that is read at most."""
_NODES, _TEXT, _WORDS, _ALTERNATIVES, _DEEPEST = 200_000, 64_000_000, 400, 64, 2_000
_SPACE = re.compile(r"[ \t\n\r]*")
_FLOATS = ("probabilities", "logprobs", "entropies", "before", "after")
_INTEGERS = ("ids", "ranks", "alternatives")
_TABLES = ("alternatives", "before", "after")


def as_json(tree: Tree) -> Iterator[str]:
    """The file in parts: one line for each node and each segment, so that none takes long."""
    makers: dict[Made, int] = {}
    for node, _ in tree.nodes():
        for segment in node.segments:
            if isinstance(segment, Written):
                makers.setdefault(segment.made, len(makers))
    head = {"format": FORMAT, "version": 1, "made": [asdict(made) for made in makers]}
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "nodes": [\n'
    for index, (node, parent) in enumerate(tree.nodes()):
        start = {"id": node.id, "parent": None if parent is None else parent.id, "name": node.name}
        lead = ",\n" if index else ""
        yield lead + json.dumps({**start, "chosen": node.chosen}, ensure_ascii=False)[:-1] + ', "segments": ['
        for at, segment in enumerate(node.segments):
            yield ("," if at else "") + "\n" + json.dumps(_segment_as(segment, makers), ensure_ascii=False)
        yield "]}"
    yield "\n]}\n"


def as_text(tree: Tree) -> Iterator[str]:
    """What is shown."""
    yield from (segment.text for segment in tree.segments())


def as_markdown(tree: Tree) -> Iterator[str]:
    """What is shown, the written parts in bold, and at the end who wrote them."""
    makers: dict[Made, int] = {}
    for segment in tree.segments():
        if isinstance(segment, Written):
            makers.setdefault(segment.made, len(makers) + 1)
            yield _bold(segment.text)
        else:
            yield _escaped(segment.text)
    if makers:
        yield "\n\n---\n\nWritten in bold by:\n\n"
        for made in makers:
            options = made.method or ", ".join(f"{name} {value}" for name, value in asdict(made.options).items())
            yield f"- {_escaped(made.model)}, weights of step {made.step:,}; {options}; seed {made.seed}\n"


def read_json(data: bytes) -> Generator[float, None, Tree]:
    """The document of a file, in slices. Raises DataError for anything that is not one."""
    if len(data) > LARGEST:
        raise _bad(f"it is larger than {LARGEST >> 20} MB")
    whole = yield from _parsed(data)
    if whole.get("format") != FORMAT:
        raise _bad("it is not a genstudio document")
    if whole.get("version") != 1:
        raise _bad("it was made by a newer version of genstudio")
    makers = [_made(found) for found in _list(whole, "made", 100_000)]
    nodes = _list(whole, "nodes", _NODES)
    parts: dict[int, tuple[Mapping[str, Any], tuple[Segment, ...]]] = {}
    children: dict[int | None, list[int]] = {}
    depths: dict[int | None, int] = {None: 0}
    room = _TEXT
    for index, node in enumerate(nodes):
        key = _whole(node, "id", 0, 1 << 53)
        parent = None if node.get("parent") is None else _whole(node, "parent", 0, 1 << 53)
        if key in parts or (parent is None) != (not parts) or (parent is not None and parent not in parts):
            raise _bad("its branches do not form a tree")
        depths[key] = depths[parent] + 1
        if depths[key] > _DEEPEST:
            raise _bad(f"its branches are nested more than {_DEEPEST:,} deep")
        segments = list[Segment]()
        for segment in _segments(node, makers):
            segments.append(segment)
            room -= len(segment)
            if room < 0:
                raise _bad("its text is too long")
            yield 0.5 + 0.5 * index / len(nodes)
        parts[key] = (node, tuple(segments))
        children.setdefault(parent, []).append(key)
        yield 0.5 + 0.5 * index / len(nodes)
    if not parts:
        raise _bad("it is empty")
    return _assembled(parts, children)


class _Json:
    """Reads JSON a value at a time: the parser of the standard library holds all threads until it has read everything."""

    def __init__(self, text: str) -> None:
        self._text, self.at = text, 0
        self._decode = json.JSONDecoder().raw_decode

    def skip(self) -> None:
        """To the next sign that is no space."""
        self.at = _SPACE.match(self._text, self.at).end()  # type: ignore[union-attr]

    def value(self) -> Any:
        """Raises ValueError or RecursionError."""
        self.skip()
        found, self.at = self._decode(self._text, self.at)
        return found

    def items(self) -> Iterator[None]:
        """Stands before each value of a list in turn, which the caller reads."""
        return self._inside("[", "]")

    def members(self) -> Iterator[str]:
        """Each key of an object in turn; the caller reads its value."""
        for _ in self._inside("{", "}"):
            key = self.value()
            if not isinstance(key, str) or not self._take(":"):
                raise ValueError
            yield key

    def _inside(self, start: str, end: str) -> Iterator[None]:
        if not self._take(start):
            raise ValueError
        if self._take(end):
            return
        while True:
            yield
            if self._take(end):
                return
            if not self._take(","):
                raise ValueError

    def _take(self, sign: str) -> bool:
        self.skip()
        found = self._text.startswith(sign, self.at)
        self.at += found
        return found


def _parsed(data: bytes) -> Generator[float, None, dict[str, Any]]:
    """The file as it is, node by node and segment by segment."""
    try:
        decoder, texts = codecs.getincrementaldecoder("utf-8-sig")("surrogatepass"), list[str]()
        for at in range(0, len(data), 1 << 20):
            texts.append(decoder.decode(data[at : at + (1 << 20)], at + (1 << 20) >= len(data)))
            yield 0.1 * at / len(data)
        text = "".join(texts)
        file, whole = _Json(text), dict[str, Any]()
        for key in file.members():
            if key != "nodes":
                whole[key] = file.value()
                continue
            whole["nodes"] = []
            for _ in file.items():
                node: dict[str, Any] = {}
                for name in file.members():
                    node[name] = [] if name == "segments" else file.value()
                    for _ in file.items() if name == "segments" else ():
                        node[name].append(file.value())
                        yield 0.1 + 0.4 * file.at / len(text)
                whole["nodes"].append(node)
                yield 0.1 + 0.4 * file.at / len(text)
        file.skip()
    except (ValueError, RecursionError):
        raise _bad("it is not JSON, or not a document") from None
    if file.at < len(text):
        raise _bad("there is data after its end")
    return whole


def _assembled(
    parts: Mapping[int, tuple[Mapping[str, Any], tuple[Segment, ...]]], children: Mapping[int | None, list[int]]
) -> Tree:
    """Children before their parents, and renumbered."""
    made: dict[int, Node] = {}
    for number, key in enumerate(reversed(list(parts))):
        found, segments = parts[key]
        below = tuple(made[child] for child in children.get(key, []))
        chosen = _whole(found, "chosen", 0, max(len(below) - 1, 0)) if below else 0
        made[key] = Node(len(parts) - 1 - number, _name(found), segments, below, chosen)
    return Tree(made[next(iter(parts))], len(parts))


def _name(found: Mapping[str, Any]) -> str:
    name = found.get("name")
    return name[:_WORDS] if isinstance(name, str) else ""


def _segment_as(segment: Segment, makers: Mapping[Made, int]) -> dict[str, Any]:
    if isinstance(segment, Typed):
        return {"text": segment.text}
    tokens = segment.tokens
    rows: dict[str, Any] = {name: getattr(tokens, name).tolist() for name in _INTEGERS}
    rows |= {name: _rounded(getattr(tokens, name)) for name in _FLOATS}
    names = {str(key): name for key, name in tokens.names.items()}
    return {"made": makers[segment.made], "texts": segment.texts, "pieces": tokens.pieces, **rows, "names": names}


def _rounded(values: Array) -> Any:
    """Nine figures, more than a float32 has; a number that is not finite has no JSON: null."""

    def one(value: float) -> float | None:
        return float(f"{value:.9g}") if math.isfinite(value) else None

    return [[one(v) for v in row] for row in values.tolist()] if values.ndim == 2 else [one(v) for v in values.tolist()]


def _segments(node: Any, makers: list[Made]) -> Iterator[Segment]:
    for found in _list(node, "segments", 1_000_000):
        if not isinstance(found, dict):
            raise _bad("a segment is missing")
        if "made" in found:
            yield from _written(found, makers)
        else:
            text = _text(found.get("text"), _TEXT)
            yield from (Typed(text[at : at + CHUNK]) for at in range(0, len(text), CHUNK))


def _written(found: Mapping[str, Any], makers: list[Made]) -> tuple[Segment, ...]:
    texts = tuple(_text(text, _WORDS) for text in _list(found, "texts", BLOCK))
    pieces = tuple(_text(text, _WORDS) for text in _list(found, "pieces", BLOCK))
    names = found.get("names")
    if not isinstance(names, dict) or len(names) > BLOCK * (_ALTERNATIVES + 1):
        raise _bad("the names of its tokens are missing")
    columns = {name: _column(found, name, len(texts)) for name in (*_INTEGERS, *_FLOATS)}
    widths = {columns[name].shape[1] for name in _TABLES}
    if len(widths) != 1 or len(pieces) != len(texts):
        raise _bad("its tokens are inconsistent")
    known = {int(key): _text(name, _WORDS) for key, name in names.items() if _is_number(key)}
    maker = makers[_whole(found, "made", 0, len(makers) - 1)] if makers else None
    if maker is None:
        raise _bad("its tokens have no author")
    return written(texts, Chosen(pieces=pieces, names=known, **columns), maker)


def _is_number(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) < 10


def _column(found: Mapping[str, Any], name: str, count: int) -> Array:
    """A column (count,) or table (count, K) of numbers."""
    kind = np.float64 if name in _FLOATS else np.int64
    try:
        values = np.array(found.get(name), np.float64)
    except (ValueError, TypeError, OverflowError):
        raise _bad(f"its {name} are not numbers") from None
    if values.size == 0 and (count == 0 or name in _TABLES):
        values = values.reshape(count, 0) if name in _TABLES else values.reshape(0)
    wanted = 2 if name in _TABLES else 1
    if values.ndim != wanted or len(values) != count or (wanted == 2 and values.shape[1] > _ALTERNATIVES):
        raise _bad(f"the number of {name} differs from the number of tokens")
    if kind is np.int64 and not bool(np.all((values >= 0) & (values < 1 << 31) & (values == np.floor(values)))):
        raise _bad(f"its {name} are not whole numbers")
    low, high = {"logprobs": (-1e6, 1e-6), "entropies": (-1e-6, 100.0)}.get(name, (0.0, 1.0 + 1e-6))
    if kind is np.float64 and bool(np.any((values < low) | (values > high))):
        raise _bad(f"its {name} are not from {low:g} to {high:g}")
    return values.astype(np.int32) if kind is np.int64 else values


def _made(found: Any) -> Made:
    if not isinstance(found, dict) or not isinstance(found.get("options"), dict):
        raise _bad("it does not say who wrote it")
    try:
        options = SamplingOptions(**found["options"])
        wrong = bool(list(options.problems())) or any(
            type(value) not in ((int,) if name == "top_k" else (bool,) if name == "greedy" else (int, float))
            for name, value in asdict(options).items()
        )
    except (TypeError, ValueError, OverflowError):
        wrong = True
    if wrong:
        raise _bad("its sampler is missing")
    run, model, method = (_text(found.get(name, ""), 4096) for name in ("run", "model", "method"))
    return Made(run, model, _whole(found, "step", 0, 1 << 53), options, _whole(found, "seed", 0, 1 << 63), method)


def _list(found: Any, name: str, most: int) -> list[Any]:
    values = found.get(name) if isinstance(found, dict) else None
    if not isinstance(values, list) or len(values) > most:
        raise _bad(f"'{name}' is missing or too long")
    return values


def _text(value: Any, most: int) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise _bad("a text is missing or too long")
    return value


def _whole(found: Any, name: str, low: int, high: int) -> int:
    value = found.get(name) if isinstance(found, dict) else None
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _bad(f"'{name}' is not a whole number from {low} to {high}")
    return value


def _bad(why: str) -> DataError:
    return DataError(f"This document cannot be opened: {why}.", "Nothing was changed; choose another file.")


def _bold(text: str) -> str:
    """Bold line by line: Markdown knows no bold across lines, nor with spaces at its ends."""
    lines = []
    for line in text.split("\n"):
        core = line.strip(" ")
        lead = len(line) - len(line.lstrip(" "))
        tail = len(line) - len(core) - lead
        lines.append(f"{' ' * lead}**{_escaped(core)}**{' ' * max(tail, 0)}" if core else line)
    return "  \n".join(lines)


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()#+-!<>|" else letter for letter in text)
