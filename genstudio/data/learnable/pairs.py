"""Pairs of texts as a model learns to turn one into the other: split, encoded, and padded together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.datasets import PairDataset, TaskDataset
from genstudio.data.encoding import encode_part
from genstudio.data.info import DatasetInfo
from genstudio.data.split import SplitSettings, split_items
from genstudio.data.tokenizers import Ids, Tokenizer, tokenizer_from_json
from genstudio.data.vocabulary import TokenSettings, make_tokenizer, with_markers
from genstudio.data.work import Work, scaled
from genstudio.errors import DataError

MOST_TOKENS = 8192
"""Of a source or a target that any model can be set to read."""
Sides = tuple[Tokenizer, Tokenizer]
"""The tokenizers of source and target, one and the same where they share a vocabulary."""


@dataclass(frozen=True, eq=False)
class Sentences:
    """Token sequences of different lengths: sequence i is `ids[starts[i] : starts[i + 1]]`, of all `ids` (n,)."""

    ids: Ids
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, index: int) -> Ids:
        return self.ids[self.starts[index] : self.starts[index + 1]]

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """(count,)"""
        return np.diff(self.starts)

    def padded(self, rows: NDArray[np.integer[Any]]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Some of them side by side: ids (len(rows), longest), and True where a row has no token; the id there is 0."""
        lengths = self.lengths[rows]
        steps = np.arange(int(lengths.max(initial=0)))
        padding: NDArray[np.bool_] = steps >= lengths[:, None]
        places = np.where(padding, 0, self.starts[rows][:, None] + steps)
        return np.where(padding, 0, self.ids[places]).astype(np.int64), padding

    def chosen(self, rows: NDArray[np.integer[Any]]) -> Sentences:
        """Those of these rows, in their order."""
        parts = [self[row] for row in rows.tolist()]
        return Sentences.of(parts, self.ids.dtype)

    @classmethod
    def of(cls, parts: Sequence[Ids], dtype: Any) -> Sentences:
        """These sequences."""
        starts = np.cumsum([0, *map(len, parts)], dtype=np.int64)
        return cls(np.concatenate(parts) if parts else np.empty(0, dtype), starts)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Sources and their targets: a source ends with its end marker, a target stands between two markers. `texts` are both
    sides as they were written."""

    sources: Sentences
    targets: Sentences
    texts: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.sources)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Pairs that nothing is learnt from: those with an `empty` side, and those with a side of too many tokens (`long`), of
    which the longest has `longest`."""

    empty: int = 0
    long: int = 0
    longest: int = 0


@dataclass(frozen=True, eq=False)
class PairData:
    """What a model of two sequences learns from. `tokenizer` is that of the target; `names` are what the sides are called;
    `natural`: the sides are sentences, not questions of a toy task with their answers."""

    tokenizer: Tokenizer
    source_tokenizer: Tokenizer
    train: Pairs
    held: Pairs
    names: tuple[str, str]
    natural: bool
    dataset_id: str
    dataset_hash: str
    left_out: LeftOut = LeftOut()


def prepare_pairs(
    dataset: PairDataset | TaskDataset,
    context: int,
    settings: TokenSettings,
    *,
    shared: bool = True,
    tokenizers: Sides | None = None,
    split: SplitSettings | None = None,
) -> Work[PairData]:
    """Split and encode; yields the fraction done.

    All pairs with the same source are on the same side of the split, so nothing that is tested was trained on. With
    `shared`, both sides have one vocabulary; `tokenizers` are used instead of new ones where they are given. Pairs with an
    empty side, and pairs with a side of more than `context` tokens, its marker included, are left out and counted.

    Raises DataError where a side is empty in every pair, where all pairs are too long, or where there are no two different
    sources.
    """
    info, natural = dataset.info, isinstance(dataset, PairDataset)
    names = dataset.names if isinstance(dataset, PairDataset) else ("question", "answer")
    sides = _sides(dataset)
    full = [(a, b) for a, b in zip(*sides, strict=True) if a and b]
    _refuse_empty(sides, full, names, info)
    split = split or SplitSettings("random")
    train, held = _split([source for source, _ in full], split, info)
    parts = [[full[row] for row in rows.tolist()] for rows in (train, held)]
    yield 0.1
    if tokenizers is None:
        tokenizers = yield from scaled(_tokenizers(parts, settings, shared, split.key(info.sha256)), 0.1, 0.5)
    made = []
    for number, part in enumerate(parts):
        low, high = 0.5 + 0.4 * number, 0.9 + 0.1 * number
        made.append((yield from scaled(_encoded(tokenizers, part), low, high)))
    kept = [_short(pairs, context) for pairs in made]
    longest = max(_longest(pairs).max(initial=0) for pairs in made)
    long = sum(map(len, made)) - sum(map(len, kept))
    _refuse_long(made, kept, context, info)
    left_out = LeftOut(len(sides[0]) - len(full), long, int(longest))
    return PairData(
        tokenizers[1], tokenizers[0], kept[0], kept[1], names, natural, info.id, info.sha256, left_out
    )  # fmt: skip


def encode_source(tokenizer: Tokenizer, text: str) -> tuple[Ids, tuple[int, ...]]:
    """A source as it is read, with its end marker behind it, and the positions of characters that the vocabulary lacks."""
    assert tokenizer.end is not None
    ids, unknown = tokenizer.encode_lossy(_on_one_line(text))
    return np.append(ids, np.int32(tokenizer.end)), unknown


def metadata(data: PairData) -> dict[str, Any]:
    """What a run must hold to be opened without its dataset."""
    return {
        "tokenizer.json": data.tokenizer.to_json(),
        "source_tokenizer.json": data.source_tokenizer.to_json(),
        "sides.json": {"names": list(data.names), "natural": data.natural},
    }


def from_metadata(kept: Mapping[str, Any], *, shared: bool) -> PairData:
    """Data without content from what `metadata` gave: enough to translate. Raises DataError."""
    source, target = tokenizers_of(kept, shared=shared)
    said = kept.get("sides.json")
    said = said if isinstance(said, Mapping) else {}
    names = said.get("names")
    named = isinstance(names, list) and len(names) == 2 and all(isinstance(name, str) for name in names)
    nothing = Pairs(Sentences.of([], np.int32), Sentences.of([], np.int32))
    sides = (names[0], names[1]) if named and names else ("source", "target")
    return PairData(target, source, nothing, nothing, sides, said.get("natural") is not False, "", "")


def tokenizers_of(kept: Mapping[str, Any], *, shared: bool) -> Sides:
    """The tokenizers of source and target from what `metadata` gave. Raises DataError."""
    target = with_markers(tokenizer_from_json(kept.get("tokenizer.json")), True)
    return (target if shared else with_markers(tokenizer_from_json(kept.get("source_tokenizer.json")), True)), target


def _sides(dataset: PairDataset | TaskDataset) -> tuple[list[str], list[str]]:
    if isinstance(dataset, PairDataset):
        left, right = dataset.left, dataset.right
    else:
        left, right = dataset.questions, dataset.answers
    return [_on_one_line(text) for text in left], [_on_one_line(text) for text in right]


def _on_one_line(text: str) -> str:
    """Between two markers there is one line."""
    return " ".join(text.split("\n")).strip() if "\n" in text else text.strip()


def _refuse_empty(
    sides: tuple[list[str], list[str]], full: list[tuple[str, str]], names: tuple[str, str], info: DatasetInfo
) -> None:
    if full:
        return
    for name, side in zip(names, sides, strict=True):
        if not any(side):
            raise DataError(
                f"The side '{name}' is empty in every pair: there is nothing to learn.",
                "Choose a dataset in which both sides have text; check which columns were taken.",
                info.place,
            )
    raise DataError("No pair has text on both sides.", "Check which columns were taken.", info.place)


def _split(
    sources: list[str], split: SplitSettings, info: DatasetInfo
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of training and of held-out pairs; those of one source stay together."""
    first: dict[str, int] = {}
    groups = np.array([first.setdefault(source, len(first)) for source in sources], np.int64)
    if len(first) < 2:
        raise DataError(
            "All pairs have the same source, so none can be kept from training.",
            "Choose pairs with different sources.",
            info.place,
        )
    _, held = split_items(len(first), split)
    is_held = np.isin(groups, held)
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)


def _tokenizers(parts: list[list[tuple[str, str]]], settings: TokenSettings, shared: bool, key: str) -> Work[Sides]:
    """Words and byte pairs are learnt from the training part, which stands first."""
    made: list[Tokenizer] = []
    for side in ("both",) if shared else ("left", "right"):
        columns = {"both": (0, 1), "left": (0,), "right": (1,)}[side]
        train, held = ("".join(f"{pair[i]}\n" for i in columns for pair in part) for part in parts)
        low = 0.5 * len(made)
        work = make_tokenizer(train + held, len(train), settings, f"{key} {side}")
        made.append((yield from scaled(work, low, low + 0.5)))
    return made[0], made[-1]


def _encoded(tokenizers: Sides, part: list[tuple[str, str]]) -> Work[Pairs]:
    sides = []
    for place, tokenizer in enumerate(tokenizers):
        text = "\n".join(pair[place] for pair in part)
        sides.append((yield from scaled(_sentences(tokenizer, text, len(part)), 0.5 * place, 0.5 + 0.5 * place)))
    sources, targets = sides
    behind = np.ones(len(sources.ids), bool)
    behind[sources.starts[:-1]] = False  # nothing reads the begin marker of a source
    return Pairs(Sentences(sources.ids[behind], sources.starts - np.arange(len(part) + 1)), targets, tuple(part))


def _sentences(tokenizer: Tokenizer, text: str, count: int) -> Work[Sentences]:
    ids = (yield from encode_part(tokenizer, text, 0, len(text))).ids if text else np.empty(0, np.int32)
    starts = np.append(np.flatnonzero(ids == tokenizer.begin), len(ids)).astype(np.int64)
    assert len(starts) == count + 1
    return Sentences(ids, starts)


def _longest(pairs: Pairs) -> NDArray[np.int64]:
    """(n,) tokens of the longer side, with one marker: what a target is predicted from has one, as has a source."""
    return np.maximum(pairs.sources.lengths, pairs.targets.lengths - 1)


def _short(pairs: Pairs, context: int) -> Pairs:
    rows = np.flatnonzero(_longest(pairs) <= context)
    if len(rows) == len(pairs):
        return pairs
    texts = tuple(pairs.texts[row] for row in rows.tolist())
    return Pairs(pairs.sources.chosen(rows), pairs.targets.chosen(rows), texts)


def _refuse_long(made: list[Pairs], kept: list[Pairs], context: int, info: DatasetInfo) -> None:
    for which, every, short in zip(("training", "held-out"), made, kept, strict=True):
        if len(short):
            continue
        least = int(_longest(every).min())
        longer = f"a longest sentence of at least {least:,} tokens, " if least <= MOST_TOKENS else ""
        raise DataError(
            f"All {len(every):,} {which} pairs are longer than {context:,} tokens, so there is nothing to learn from; the "
            f"shortest has {least:,}.",
            f"Choose {longer}tokens of several characters, or shorter sentences.",
            info.place,
        )
