"""The tokenizer of a text, as settings ask for it: counted or trained once, then read from the cache."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from genstudio import paths, storage
from genstudio.data.encoding import cuts
from genstudio.data.tokenizers import BPETokenizer, ByteTokenizer, CharTokenizer, Tokenizer, WordTokenizer
from genstudio.data.tokenizers.child import train_bpe
from genstudio.data.tokenizers.files import tokenizer_from_json
from genstudio.data.tokenizers.foreign import open_tokenizer
from genstudio.data.tokenizers.tokenizer import BEGIN, END, count_characters
from genstudio.data.tokenizers.words import words_of
from genstudio.data.work import Work
from genstudio.errors import DataError, StorageError
from genstudio.paths import expanded

Kind = Literal["char", "byte", "word", "bpe", "file"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_CACHE_FORMAT = 2
_LARGEST_CACHED = 32 << 20


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """What the tokens of a text are.

    `vocabulary` is the most ids there may be, markers included, and counts for words and byte pairs; a word that occurs
    less than `min_count` times is `<unk>`; with `lines`, every line is a sequence between two markers. `file` is the path
    of a tokenizer.json, for the kind of that name.
    """

    kind: Kind = "char"
    vocabulary: int = 1024
    min_count: int = 2
    lines: bool = False
    file: str = ""

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
            str(values.get("tokenizer_file", "")) if kind == "file" else "",
        )

    def size(self, characters: int) -> int:
        """How many ids to expect for a text of so many different characters, the line end among them; the most there may
        be, for words and byte pairs. Where lines are sequences, two markers stand for the line end.

        Of a file only its reader knows, so `vocabulary` is what is expected.
        """
        if self.kind == "char":
            return characters + self.lines
        return 256 + 2 * self.lines if self.kind == "byte" else self.vocabulary


def make_tokenizer(text: str, stop: int, settings: TokenSettings, source: str) -> Work[Tokenizer]:
    """The tokenizer of `text`: characters of all of it; words and byte pairs of `text[:stop]`, its training part; or
    that of a file, tried out in a process of its own.

    `source` is the hash of the text. Words and byte pairs are kept in the cache. Yields the fraction done. Raises
    DataError for a text without characters or words, and for a file that holds no tokenizer.
    """
    if settings.kind == "char":
        counts = yield from count_characters(text)
        return CharTokenizer.of_counts(counts, settings.lines)
    if settings.kind == "byte":
        return ByteTokenizer(settings.lines)
    if settings.kind == "file":
        return with_markers((yield from open_tokenizer(expanded(settings.file))), settings.lines)
    place = paths.cache() / "tokenizers" / f"{_key(settings, source, stop)}.json"
    if (known := _cached(place, settings)) is not None:
        return known
    made: Tokenizer = yield from (_words if settings.kind == "word" else _byte_pairs)(text, stop, settings)
    with contextlib.suppress(StorageError):
        storage.make_folder(place.parent)
        storage.write_atomic(place, json.dumps(made.to_json()).encode(), sync=False)
    return made


def with_markers(tokenizer: Tokenizer, lines: bool) -> Tokenizer:
    """The same tokens, with or without the two markers that `lines` between them need.

    Markers that byte pairs have anyway keep their ids where lines are no sequences: they are just never used. Raises
    DataError where the markers' names are taken.
    """
    if not isinstance(tokenizer, BPETokenizer):
        assert isinstance(tokenizer, CharTokenizer | ByteTokenizer | WordTokenizer)
        return tokenizer if tokenizer.markers == lines else replace(tokenizer, markers=lines)
    if not lines:
        return replace(tokenizer, begin_name="", end_name="")
    names = (tokenizer.begin_name or BEGIN, tokenizer.end_name or END)
    new = [name for name in names if name not in dict(tokenizer.special)]
    if taken := [name for name in new if name in tokenizer.tokens]:
        raise DataError(
            f"This tokenizer cannot mark lines: '{taken[0]}' is one of its ordinary tokens.",
            "Choose no sequence markers, or another tokenizer.",
        )
    special = (*tokenizer.special, *((name, tokenizer.size + place) for place, name in enumerate(new)))
    return BPETokenizer((*tokenizer.tokens, *new), tokenizer.merges, special, *names)


def _words(text: str, stop: int, settings: TokenSettings) -> Work[WordTokenizer]:
    counts: Counter[str] = Counter()
    for position, behind in cuts(text, 0, stop):
        counts.update(words_of(text[position:behind]))
        yield behind / stop
    return WordTokenizer.of_counts(counts, settings.vocabulary, settings.min_count, settings.lines)


def _byte_pairs(text: str, stop: int, settings: TokenSettings) -> Work[BPETokenizer]:
    pieces = [partial(text.__getitem__, slice(*span)) for span in cuts(text, 0, stop)]
    return (yield from train_bpe(pieces, settings.vocabulary, settings.lines))


def _key(settings: TokenSettings, source: str, stop: int) -> str:
    said = asdict(settings)
    del said["file"]
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
