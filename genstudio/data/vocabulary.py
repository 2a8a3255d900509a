"""The tokenizer of a text, as settings ask for it: counted or trained once, then read from the cache."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from genstudio import paths, storage
from genstudio.data.encoding import cuts
from genstudio.data.slices import Slices
from genstudio.data.tokenizers import BPETokenizer, ByteTokenizer, CharTokenizer, Tokenizer, WordTokenizer
from genstudio.data.tokenizers.child import train_bpe
from genstudio.data.tokenizers.files import tokenizer_from_json
from genstudio.data.tokenizers.tokenizer import count_characters
from genstudio.data.tokenizers.words import words_of
from genstudio.errors import DataError, StorageError

Kind = Literal["char", "byte", "word", "bpe"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_CACHE_FORMAT = 1
_LARGEST_CACHED = 32 << 20


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """What the tokens of a text are.

    `vocabulary` is the most ids there may be, markers included, and counts for words and byte pairs; a word that occurs
    less than `min_count` times is `<unk>`; with `lines`, every line is a sequence between two markers.
    """

    kind: Kind = "char"
    vocabulary: int = 1024
    min_count: int = 2
    lines: bool = False

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> TokenSettings:
        """The same from the settings of a family, with their defaults where they are silent."""
        plain = cls()
        kind = values.get("tokenizer", plain.kind)
        return cls(
            kind if kind in KINDS else plain.kind,
            int(values.get("vocabulary", plain.vocabulary)),
            int(values.get("min_count", plain.min_count)),
            values.get("markers") == "lines",
        )

    def size(self, characters: int) -> int:
        """How many ids to expect for a text of so many different characters; the most there may be, for words."""
        if self.kind == "char":
            return characters
        return 256 + 2 * self.lines if self.kind == "byte" else self.vocabulary


def make_tokenizer(text: str, stop: int, settings: TokenSettings, source: str) -> Slices[Tokenizer]:
    """The tokenizer of `text`: characters of all of it; words and byte pairs of `text[:stop]`, its training part.

    `source` is the hash of the text. Words and byte pairs are kept in the cache. Yields the fraction done. Raises
    DataError for a text without characters or words.
    """
    if settings.kind == "char":
        counts = yield from count_characters(text)
        return CharTokenizer.of_counts(counts, settings.lines)
    if settings.kind == "byte":
        return ByteTokenizer(settings.lines)
    place = paths.cache() / "tokenizers" / f"{_key(settings, source, stop)}.json"
    if (known := _cached(place, settings)) is not None:
        return known
    made: Tokenizer = yield from (_words if settings.kind == "word" else _byte_pairs)(text, stop, settings)
    with contextlib.suppress(StorageError):
        storage.make_folder(place.parent)
        storage.write_atomic(place, json.dumps(made.to_json()).encode(), sync=False)
    return made


def _words(text: str, stop: int, settings: TokenSettings) -> Slices[WordTokenizer]:
    counts: Counter[str] = Counter()
    for position, behind in cuts(text, 0, stop):
        counts.update(words_of(text[position:behind]))
        yield behind / stop
    return WordTokenizer.of_counts(counts, settings.vocabulary, settings.min_count, settings.lines)


def _byte_pairs(text: str, stop: int, settings: TokenSettings) -> Slices[BPETokenizer]:
    pieces = [partial(text.__getitem__, slice(*span)) for span in cuts(text, 0, stop)]
    return (yield from train_bpe(pieces, settings.vocabulary, settings.lines))


def _key(settings: TokenSettings, source: str, stop: int) -> str:
    said = asdict(settings)
    if settings.kind != "word":
        del said["min_count"]
    return hashlib.sha256(json.dumps([_CACHE_FORMAT, source, stop, said], sort_keys=True).encode()).hexdigest()


def _cached(place: Path, settings: TokenSettings) -> Tokenizer | None:
    try:
        with place.open("rb") as file:
            found = tokenizer_from_json(json.loads(file.read(_LARGEST_CACHED)))
    except (OSError, ValueError, RecursionError, DataError):
        return None
    wanted = WordTokenizer if settings.kind == "word" else BPETokenizer
    fits = isinstance(found, wanted) and found.size <= settings.vocabulary and found.markers == settings.lines
    return found if fits else None
