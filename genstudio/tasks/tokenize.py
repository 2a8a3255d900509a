"""Tasks of the tokenizer bench: make, open and save a tokenizer, and look at what it does to a text."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from pathlib import Path

from genstudio import families, storage
from genstudio.config import Values
from genstudio.data import shelf
from genstudio.data.datasets import LabelledDataset, PairDataset, TaskDataset, TextDataset
from genstudio.data.encoding import encode_part
from genstudio.data.learnable.questions import EQUALS
from genstudio.data.merges import Merges, follow_merges
from genstudio.data.split import SplitSettings, arrange
from genstudio.data.token_text import TokenText, tokens_of
from genstudio.data.tokenizers import BPETokenizer, Tokenizer, count_characters
from genstudio.data.tokenizers.foreign import open_tokenizer, tokenizer_text
from genstudio.data.vocabulary import TokenSettings, make_tokenizer
from genstudio.data.work import Work
from genstudio.events import Frame, Progress, Snapshot
from genstudio.tasks.models import Models
from genstudio.tasks.task import Frames, Quiet, frames_of

SIZES = (300, 512, 1024, 2048, 4096, 8192)
_SAMPLE = 1_000_000
_BEGINNING = 2_000


@dataclass(frozen=True)
class MakeTokenizer:
    """The tokenizer that training on this dataset would use.

    It learns from the training part of `split`; paragraphs that are drawn are as long as `context` asks for.
    """

    data: str
    settings: TokenSettings
    split: SplitSettings = field(default_factory=SplitSettings)
    context: int = 0

    def run(self, models: Models) -> Frames[Tokenizer]:
        yield Frame(progress=Progress("Reading the text"))
        dataset = shelf.open_text(shelf.find_dataset(self.data))
        arranged = yield from frames_of(_arranged(dataset, self.split, self.settings.lines, self.context), "Splitting")
        return (yield from frames_of(_made(arranged, self.settings), "Building the tokenizer"))


@dataclass(frozen=True)
class CountVocabulary(Quiet):
    """How many different characters a text or labelled texts have, the line end counted whether it occurs or not; or pairs of
    texts, with two markers; or the lines of a toy task, with an equals sign besides; 0 for other data."""

    data: str

    def run(self, models: Models) -> Frames[int]:
        info = shelf.find_dataset(self.data)
        if info.kind == "tasks":
            yield Frame(progress=Progress("Counting the characters"))
            task = shelf.open_dataset(info)
            assert isinstance(task, TaskDataset)
            return 2 + len({EQUALS}.union(*task.questions, *task.answers))
        if info.kind in ("labelled", "pairs"):
            yield Frame(progress=Progress("Counting the characters"))
            found = shelf.open_dataset(info)
            if isinstance(found, LabelledDataset):
                return len({"\n"}.union(*found.texts))
            assert isinstance(found, PairDataset)
            return 2 + len(set().union(*found.left, *found.right))
        if info.kind != "text":
            return 0
        counts = yield from frames_of(count_characters(shelf.open_text(info).text), "Counting the characters")
        return int((counts > 0).sum()) + (not counts[ord("\n")])


@dataclass(frozen=True)
class SplitText:
    """The tokens of a text."""

    tokenizer: Tokenizer
    text: str

    def run(self, models: Models) -> Frames[TokenText]:
        return frames_of(tokens_of(self.tokenizer, self.text), "Tokenising the text")


@dataclass(frozen=True)
class SplitDataset:
    """The tokens of the beginning of a dataset."""

    tokenizer: Tokenizer
    data: str
    characters: int = _SAMPLE

    def run(self, models: Models) -> Frames[TokenText]:
        yield Frame(progress=Progress("Reading the text"))
        text = shelf.open_text(shelf.find_dataset(self.data)).text[: self.characters]
        return (yield from frames_of(tokens_of(self.tokenizer, text), "Tokenising the text"))


@dataclass(frozen=True, slots=True)
class SizeRow:
    """A tokenizer and what it makes of held-out text: `unknown` is the share of tokens that are `<unk>`."""

    kind: str
    size: int
    tokens_per_character: float
    unknown: float
    parameters: int


@dataclass(frozen=True, slots=True, eq=False)
class SizeRows(Snapshot):
    """The rows that are known so far."""

    rows: tuple[SizeRow, ...]


@dataclass(frozen=True)
class CompareSizes:
    """Tokens per character of the validation part, by tokenizer and vocabulary size, and what a model of these settings
    would have as parameters: a row for each, shown as they are known."""

    data: str
    family: str = ""
    values: Values = field(default_factory=dict)
    sizes: tuple[int, ...] = SIZES

    def run(self, models: Models) -> Frames[tuple[SizeRow, ...]]:
        yield Frame(progress=Progress("Reading the text"))
        dataset = shelf.open_text(shelf.find_dataset(self.data))
        values = dict(self.values)
        split, context, lines = SplitSettings.of(values), values.get("context"), values.get("markers") == "lines"
        room = context if isinstance(context, int) else 0
        arranged = yield from frames_of(_arranged(dataset, split, lines, room), "Splitting")
        rows: list[SizeRow] = []
        for kind, size, work in self._tokenizers(arranged):
            tokenizer = yield from frames_of(work, f"Building the tokenizer: {kind}")
            if rows and rows[-1].kind == kind and tokenizer.size <= rows[-1].size:
                continue
            rows.append((yield from frames_of(self._row(arranged, kind, tokenizer), f"Counting: {kind} {size or ''}")))
            yield Frame(snapshots=(SizeRows("sizes", 0, tuple(rows)),), progress=Progress("Comparing tokenizers"))
        return tuple(rows)

    def _tokenizers(self, text: _Arranged) -> Generator[tuple[str, int, Work[Tokenizer]], None, None]:
        plain = TokenSettings.of(dict(self.values))
        for kind in ("char", "byte"):
            yield kind, 0, _made(text, replace(plain, kind=kind))
        for size in self.sizes:
            yield "word", size, _made(text, replace(plain, kind="word", vocabulary=size))
        for size in self.sizes:
            yield "bpe", size, _shortened(text, replace(plain, kind="bpe", vocabulary=max(self.sizes)), size)

    def _row(self, arranged: _Arranged, kind: str, tokenizer: Tokenizer) -> Work[SizeRow]:
        start, stop = arranged.cut, min(len(arranged.text), arranged.cut + _SAMPLE)
        found = yield from encode_part(tokenizer, arranged.text, start, stop)
        family = families.get(self.family) if self.family else families.learning_from("text")[0]
        cost = family.cost(family.config.parse(self.values), shelf.find_dataset(self.data), tokenizer.size)
        count = max(len(found.ids), 1)
        return SizeRow(kind, tokenizer.size, count / max(stop - start, 1), found.unknown / count, cost.parameters)


@dataclass(frozen=True)
class StepMerges:
    """The merges of a text, or of the beginning of a dataset, one by one."""

    text: str
    apart: bool = False
    most: int = 200
    data: str = ""

    def run(self, models: Models) -> Frames[Merges]:
        text = shelf.open_text(shelf.find_dataset(self.data)).text[:_BEGINNING] if self.data else self.text
        return (yield from frames_of(follow_merges(text, self.apart, self.most), "Merging"))


@dataclass(frozen=True)
class SaveTokenizer:
    """Write a tokenizer.json that other programs read, whole or not at all; returns the path."""

    tokenizer: Tokenizer
    path: str

    def run(self, models: Models) -> Frames[str]:
        storage.write_atomic(Path(self.path), tokenizer_text(self.tokenizer))
        yield Frame()
        return self.path


@dataclass(frozen=True)
class OpenTokenizer:
    """Read a tokenizer.json, tried out in a process with limits."""

    path: str

    def run(self, models: Models) -> Frames[Tokenizer]:
        return frames_of(open_tokenizer(Path(self.path)), "Testing the tokenizer")


@dataclass(frozen=True)
class _Arranged:
    """A text whose training part ends at `cut`, and what names that part."""

    text: str
    cut: int
    key: str


def _arranged(dataset: TextDataset, split: SplitSettings, lines: bool, context: int) -> Work[_Arranged]:
    files = dataset.info.details.get("files") or ()
    work = arrange(dataset.text, split, lines=lines, context=context, files=files)
    found = yield from work
    return _Arranged(found.text, found.cut, split.key(dataset.info.sha256))


def _made(arranged: _Arranged, settings: TokenSettings) -> Work[Tokenizer]:
    return make_tokenizer(arranged.text, arranged.cut, settings, arranged.key)


def _shortened(arranged: _Arranged, settings: TokenSettings, size: int) -> Work[Tokenizer]:
    """Training to fewer tokens gives the first merges of training to more."""
    made = yield from _made(arranged, settings)
    assert isinstance(made, BPETokenizer)
    return made.shortened(size)
