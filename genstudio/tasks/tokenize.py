"""Tasks of the tokenizer bench: make, open and save a tokenizer, and look at what it does to a text."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from genstudio import families, storage
from genstudio.data import shelf
from genstudio.data.encoding import encode_part
from genstudio.data.merges import follow_merges
from genstudio.data.slices import Slices
from genstudio.data.text import TextDataset, split_at
from genstudio.data.token_text import tokens_of
from genstudio.data.tokenizers import BPETokenizer, Tokenizer
from genstudio.data.tokenizers.foreign import open_tokenizer, tokenizer_text
from genstudio.data.vocabulary import TokenSettings, make_tokenizer
from genstudio.events import Answer, Frame, Progress
from genstudio.tasks.models import Models
from genstudio.tasks.task import sliced

Frames = Generator[Frame, None, None]

SIZES = (300, 512, 1024, 2048, 4096, 8192)
_SAMPLE = 1_000_000
_BEGINNING = 2_000


def _answer(channel: str, value: Any) -> Frame:
    return Frame(snapshots=(Answer(channel, 0, value),))


@dataclass(frozen=True)
class MakeTokenizer:
    """The tokenizer that training on this dataset would use; answers `tokenizer` with (dataset, tokenizer)."""

    data: str
    settings: TokenSettings

    def run(self, models: Models) -> Frames:
        yield Frame(progress=Progress("Reading the text"))
        dataset = shelf.open_text(shelf.find_dataset(self.data))
        made = yield from sliced(_made(dataset, self.settings), "Making the tokenizer")
        yield _answer("tokenizer", (self.data, made))


@dataclass(frozen=True)
class SplitText:
    """The tokens of a text; answers `tokens` with TokenText."""

    tokenizer: Tokenizer
    text: str

    def run(self, models: Models) -> Frames:
        found = yield from sliced(tokens_of(self.tokenizer, self.text), "Cutting the text")
        yield _answer("tokens", found)


@dataclass(frozen=True)
class SplitDataset:
    """The tokens of the beginning of a dataset; answers `dataset_tokens` with TokenText."""

    tokenizer: Tokenizer
    data: str
    characters: int = _SAMPLE

    def run(self, models: Models) -> Frames:
        yield Frame(progress=Progress("Reading the text"))
        text = shelf.open_text(shelf.find_dataset(self.data)).text[: self.characters]
        found = yield from sliced(tokens_of(self.tokenizer, text), "Cutting the text")
        yield _answer("dataset_tokens", found)


@dataclass(frozen=True, slots=True)
class SizeRow:
    """A tokenizer and what it makes of held-out text: `unknown` is the share of tokens that are `<unk>`."""

    kind: str
    size: int
    tokens_per_character: float
    unknown: float
    parameters: int


@dataclass(frozen=True)
class CompareSizes:
    """Tokens per character of the validation part, by tokenizer and vocabulary size, and what a model of these settings
    would have as parameters; answers `sizes` with a row for each, as they are known."""

    data: str
    family: str = "gpt"
    values: Mapping[str, Any] = field(default_factory=dict)
    sizes: tuple[int, ...] = SIZES

    def run(self, models: Models) -> Frames:
        yield Frame(progress=Progress("Reading the text"))
        dataset = shelf.open_text(shelf.find_dataset(self.data))
        rows: list[SizeRow] = []
        for kind, size, work in self._tokenizers(dataset):
            tokenizer = yield from sliced(work, f"Making the tokenizer: {kind}")
            if rows and rows[-1].kind == kind and tokenizer.size <= rows[-1].size:
                continue
            rows.append((yield from sliced(self._row(dataset, kind, tokenizer), f"Counting: {kind} {size or ''}")))
            yield Frame(snapshots=(Answer("sizes", 0, tuple(rows)),), progress=Progress("Comparing tokenizers"))

    def _tokenizers(self, dataset: TextDataset) -> Generator[tuple[str, int, Slices[Tokenizer]], None, None]:
        plain = TokenSettings.of(dict(self.values))
        for kind in ("char", "byte"):
            yield kind, 0, _made(dataset, replace(plain, kind=kind))
        for size in self.sizes:
            yield "word", size, _made(dataset, replace(plain, kind="word", vocabulary=size))
        for size in self.sizes:
            yield "bpe", size, _shortened(dataset, replace(plain, kind="bpe", vocabulary=max(self.sizes)), size)

    def _row(self, dataset: TextDataset, kind: str, tokenizer: Tokenizer) -> Slices[SizeRow]:
        text = dataset.text
        start = split_at(text, tokenizer.begin is not None)
        stop = min(len(text), start + _SAMPLE)
        found = yield from encode_part(tokenizer, text, start, stop)
        family = families.get(self.family)
        cost = family.estimate(family.config.parse(self.values), tokenizer.size)
        count = max(len(found.ids), 1)
        return SizeRow(
            kind, tokenizer.size, count / max(stop - start, 1), found.unknown / count, int(cost["parameters"])
        )


@dataclass(frozen=True)
class StepMerges:
    """The merges of a text, or of the beginning of a dataset, one by one; answers `merges` with Merges."""

    text: str
    apart: bool = False
    most: int = 200
    data: str = ""

    def run(self, models: Models) -> Frames:
        text = shelf.open_text(shelf.find_dataset(self.data)).text[:_BEGINNING] if self.data else self.text
        found = yield from sliced(follow_merges(text, self.apart, self.most), "Merging")
        yield _answer("merges", found)


@dataclass(frozen=True)
class SaveTokenizer:
    """Write a tokenizer.json that other programs read, whole or not at all; answers `saved` with the path."""

    tokenizer: Tokenizer
    path: str

    def run(self, models: Models) -> Frames:
        storage.write_atomic(Path(self.path), tokenizer_text(self.tokenizer))
        yield _answer("saved", self.path)


@dataclass(frozen=True)
class OpenTokenizer:
    """Read a tokenizer.json, tried out in a process with limits; answers `tokenizer` with ("", tokenizer)."""

    path: str

    def run(self, models: Models) -> Frames:
        found = yield from sliced(open_tokenizer(Path(self.path)), "Trying the tokenizer out")
        yield _answer("tokenizer", ("", found))


def _made(dataset: TextDataset, settings: TokenSettings) -> Slices[Tokenizer]:
    return make_tokenizer(dataset.text, split_at(dataset.text, settings.lines), settings, dataset.info.sha256)


def _shortened(dataset: TextDataset, settings: TokenSettings, size: int) -> Slices[Tokenizer]:
    """Training to fewer tokens gives the first merges of training to more."""
    made = yield from _made(dataset, settings)
    assert isinstance(made, BPETokenizer)
    return made.shortened(size)
