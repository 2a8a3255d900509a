"""What a model learns from and what it is tested on: by place, by chance, or by file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from genstudio.data.tokenizers import chunks
from genstudio.data.work import Work
from genstudio.errors import DataError

How = Literal["contiguous", "random", "file"]
Integers = NDArray[np.int64]
_NEWLINE = 10
_SHORTEST_BLOCK = 256


@dataclass(frozen=True)
class SplitSettings:
    """`contiguous`: the last `share` validates; `random`: blocks drawn with `seed`; `file`: whole files so drawn."""

    how: How = "contiguous"
    share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.how not in get_args(How) or not 0 < self.share < 1:
            raise DataError(f"The split '{self.how}' with a share of {self.share} is not possible.",
                "Choose a share from 0 to 1.")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> SplitSettings:
        """The same from the settings of a family, with their defaults where they are silent."""
        plain = cls()
        how = cast(How, str(values.get("split", plain.how)))
        return cls(how, float(values.get("validation_share", plain.share)), int(values.get("split_seed", plain.seed)))

    def key(self, sha256: str) -> str:
        """What names the training part of a dataset of this hash: the hash itself for the usual split."""
        return sha256 if self == SplitSettings() else f"{sha256} {self.how} {self.share} {self.seed}"


@dataclass(frozen=True, eq=False)
class Arranged:
    """A text whose training part ends at `cut`, where validation begins.

    The stretches that begin at `starts` (k,) stood at `origins` (k,) of the text as it was.
    """

    text: str
    cut: int
    starts: Integers
    origins: Integers

    def origin(self, position: int) -> int:
        """Where a character of this text stood before."""
        piece = int(np.searchsorted(self.starts, position, side="right")) - 1
        return int(self.origins[piece]) + position - int(self.starts[piece])

    def unbroken(self, start: int, stop: int) -> int:
        """Where a stretch ends at the latest so that it is in one piece in the text as it was."""
        after = int(np.searchsorted(self.starts, start, side="right"))
        return min(stop, int(self.starts[after])) if after < len(self.starts) else stop


def arrange(
    text: str, settings: SplitSettings, *, lines: bool = False, context: int = 0, files: Sequence[Any] = ()
) -> Work[Arranged]:
    """A text so ordered that its training part comes first, and where that ends; yields the fraction done.

    Contiguous leaves the text as it is. Random draws blocks of whole paragraphs of at least some contexts (single
    lines with `lines`), by file draws from `files`, the [name, start, end] of a dataset; both keep the order within
    each part. Raises DataError where there are not two blocks or files.
    """
    if settings.how == "contiguous":
        cut = int((1 - settings.share) * len(text))
        whole = np.zeros(1, np.int64)
        return Arranged(text, nearest_line_end(text, cut) if lines else cut, whole, whole)
    if settings.how == "file":
        bounds = _file_bounds(files, len(text))
    else:
        bounds = yield from _blocks(text, lines, max(4 * context, _SHORTEST_BLOCK))
    if len(bounds) < 3:
        what = "files" if settings.how == "file" else "paragraphs or lines"
        raise DataError(f"This text has fewer than two {what} to choose from.", "Choose the contiguous split.")
    chosen = _drawn(np.diff(bounds), settings)
    yield 0.9
    train, validation = _pieces(text, bounds, ~chosen), _pieces(text, bounds, chosen)
    pieces = [piece for _, piece in (*train, *validation)]
    starts = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
    origins = np.array([origin for origin, _ in (*train, *validation)], np.int64)
    return Arranged("".join(pieces), int(starts[len(train)]), starts[:-1], origins)


def split_shares(length: int, arranged: Arranged, parts: int = 200) -> NDArray[np.float64]:
    """(parts,) which share of each equal part of a text of `length` characters validates, from its beginning on."""
    stops = np.append(arranged.starts[1:], len(arranged.text))
    validates = stops > arranged.cut
    inside = np.maximum(arranged.starts[validates], arranged.cut)
    begins = arranged.origins[validates] + inside - arranged.starts[validates]
    ends = np.minimum(begins + stops[validates] - inside, np.append(begins[1:], length))
    covered = np.cumsum(ends - begins)
    places = np.stack([begins, ends], axis=1).reshape(-1)
    sums = np.stack([covered - (ends - begins), covered], axis=1).reshape(-1)
    edges = np.linspace(0, length, parts + 1)
    found: NDArray[np.float64] = np.diff(np.interp(edges, places, sums)) / np.diff(edges)
    return found


def split_items(count: int, settings: SplitSettings, groups: Sequence[str] | None = None) -> tuple[Integers, Integers]:
    """Indices (n,) of training and of validation items, ascending: pairs, pictures or points.

    `groups` are the files or folders that the items come from, for a split by file. Raises DataError for fewer than two
    items or groups.
    """
    if count < 2:
        raise DataError(f"{count} items cannot be split.", "Choose a larger dataset.")
    everything = np.arange(count)
    if settings.how == "contiguous":
        cut = min(max(1, int((1 - settings.share) * count)), count - 1)
        return everything[:cut], everything[cut:]
    if settings.how == "file":
        if groups is None or len(set(groups)) < 2:
            raise DataError("These items come from one file.", "Choose the contiguous or the random split.")
        _, places, sizes = np.unique(np.array(groups), return_inverse=True, return_counts=True)
        mine = _drawn(sizes, settings)[places.reshape(-1)]
    else:
        mine = _drawn(np.ones(count, np.int64), settings)
    return everything[~mine], everything[mine]


def _drawn(sizes: Integers, settings: SplitSettings) -> NDArray[np.bool_]:
    """(n,) whether each block validates: drawn without return until their sizes reach the share, never all."""
    order = np.random.default_rng(settings.seed).permutation(len(sizes))
    reached = np.cumsum(sizes[order])
    wanted = int(np.searchsorted(reached, math.ceil(settings.share * reached[-1]))) + 1
    chosen = np.zeros(len(sizes), bool)
    chosen[order[: min(wanted, len(sizes) - 1)]] = True
    return chosen


def _blocks(text: str, lines: bool, least: int) -> Work[Integers]:
    """Where blocks begin and end, from 0 to the length of the text, ascending."""
    found: list[Integers] = [np.zeros(0, np.int64)]
    for position, codes in chunks(text):
        found.append(np.flatnonzero(codes == _NEWLINE) + position + 1)
        yield 0.6 * position / len(text)
    ends = np.concatenate(found)
    if not lines:
        paragraphs = ends[1:][np.diff(ends) == 1]
        ends = next((b for b in (_spaced(paragraphs, least), _spaced(ends, least)) if _fine(b, len(text))), ends[:0])
        if not len(ends):
            ends = np.arange(least, len(text), least)
    inner = ends[(ends > 0) & (ends < len(text))]
    return np.concatenate([[0], inner, [len(text)]]).astype(np.int64)


def _spaced(ends: Integers, least: int) -> Integers:
    """The first bound of each stretch of twice `least` characters."""
    _, first = np.unique(ends // (2 * least), return_index=True)
    return ends[first]


def _fine(ends: Integers, length: int) -> bool:
    """Whether no block is so long that the share could not be met."""
    return bool(np.diff(ends, prepend=0, append=length).max() <= max(length // 20, 1))


def _file_bounds(files: Sequence[Any], length: int) -> Integers:
    bounds = [0]
    for entry in files:
        fits = isinstance(entry, (list, tuple)) and len(entry) == 3 and type(entry[2]) is int
        if not fits or not bounds[-1] < entry[2] <= length:
            raise DataError("The list of this dataset's files is damaged.", "Import the files again.")
        bounds.append(entry[2])
    return np.array(bounds if not files or bounds[-1] == length else [*bounds, length], np.int64)


def _pieces(text: str, bounds: Integers, chosen: NDArray[np.bool_]) -> list[tuple[int, str]]:
    """Where the chosen blocks begin and what they hold: neighbours in one piece, each ending with a line end."""
    edges = np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8))
    starts, stops = bounds[:-1][edges[:-1] == 1], bounds[1:][edges[1:] == -1]
    spans = zip(starts.tolist(), stops.tolist(), strict=True)
    return [(at, text[at:stop] if text[stop - 1] == "\n" else text[at:stop] + "\n") for at, stop in spans]


def nearest_line_end(text: str, cut: int) -> int:
    """The position just behind the line end nearest to `cut`."""
    before, after = text.rfind("\n", 0, cut) + 1, text.find("\n", cut) + 1
    return before if not after or cut - before <= after - cut else after
