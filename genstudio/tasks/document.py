"""What the document of the playground needs: where its tokens begin, what a token would add, and files."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from genstudio import storage
from genstudio.data.encoding import cuts
from genstudio.data.token_starts import token_starts
from genstudio.data.tokenizers import texts
from genstudio.data.tokenizers.special import SpecialTokenizer
from genstudio.errors import DataError
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import FillsIn, Reads, Writes
from genstudio.sampling.document_files import LARGEST, as_json, as_markdown, as_text, read_json
from genstudio.sampling.tree import Tree
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.prompt import Prompt, Tokens, text_of
from genstudio.tasks.task import Frames, Quiet, frames_of
from genstudio.tasks.write import SLICE


@dataclass(frozen=True, slots=True, eq=False)
class Marks(Frozen):
    """The tokens of the typed parts of a text: where each begins, `starts` (n,) in characters, its id, `ids` (n,), and a
    visible form of each id in `names`.

    `unknown` (m,) are the positions of characters missing from the vocabulary,
    which are read as the token `replaced_by`,
    or left out where that is empty. `count` are all tokens, those that the model wrote included; it reads the last
    `context` of them.
    """

    starts: Array
    ids: Array
    names: Mapping[int, str] = field(default_factory=dict)
    unknown: Array = field(default_factory=lambda: np.empty(0, np.int64))
    replaced_by: str = ""
    count: int = 0
    context: int = 0
    step: int = 0


@dataclass(frozen=True)
class MarkTokens(Quiet):
    """The Marks of a prompt; the typed parts are cut in slices."""

    model: ModelRef
    prompt: Prompt

    def run(self, models: Models) -> Frames[Marks]:
        opened = models.open(self.model, Reads)
        tokenizer, model = opened.tokenizer, opened.model
        starts, ids, unknown = list[Array](), list[Array](), list[Array]()
        at = count = 0
        due = time.monotonic() + SLICE
        for part in self.prompt:
            if isinstance(part, Tokens):
                count += len(part.ids)
                at += len(part.text)
                continue
            for begin, end in cuts(part, 0, len(part)):
                piece = part[begin:end]
                found, missing = tokenizer.encode_lossy(piece)
                if isinstance(tokenizer, SpecialTokenizer):
                    starts.append(at + begin + tokenizer.starts(piece)[:-1])
                else:
                    starts.append(at + begin + token_starts(tokenizer, piece, found, missing))
                ids.append(np.asarray(found, np.int32))
                unknown.append(at + begin + np.array(missing, np.int64))
                count += len(found)
                if time.monotonic() >= due:
                    yield Frame(progress=Progress("Tokenising the text",
                        (at + end) / max(1, len(text_of(self.prompt)))))
                    due = time.monotonic() + SLICE
            at += len(part)
        every = np.concatenate([np.empty(0, np.int32), *ids])
        present = np.unique(every)
        return Marks(
            np.concatenate([np.empty(0, np.int64), *starts]),
            every,
            dict(zip(present.tolist(), tokenizer.pieces(present), strict=True)),
            np.concatenate([np.empty(0, np.int64), *unknown]),
            "<unk>" if getattr(tokenizer, "unknown", None) is not None else "",
            count,
            model.context if isinstance(model, Writes | FillsIn) else count,
            opened.step,
        )


@dataclass(frozen=True)
class TextOf(Quiet):
    """What the last of these ids adds to the text of those before it. Raises DataError."""

    model: ModelRef
    ids: tuple[int, ...]

    def run(self, models: Models) -> Frames[str]:
        yield from ()
        opened = models.open(self.model, Reads)
        if not all(0 <= token < opened.tokenizer.size for token in self.ids):
            raise DataError("This model does not have this token.", "Choose the model that wrote it.")
        return texts(opened.tokenizer, self.ids)[-1]


class _Saving(Generator[Frame, None, str]):
    """A job that writes a file; closed before its end, as when the window closes, it writes all the same."""

    def __init__(self, task: SaveDocument) -> None:
        self._task, self._done = task, False
        self._parts = {"json": as_json, "txt": as_text, "md": as_markdown}[task.form](task.tree)
        self._text: list[str] = []

    def send(self, value: None) -> Frame:
        due = time.monotonic() + SLICE
        for part in self._parts:
            self._text.append(part)
            if time.monotonic() >= due:
                return Frame(progress=Progress("Saving the document"))
        self._write()
        raise StopIteration(self._task.path)

    def throw(self, *error: Any) -> Frame:
        raise error[0]

    def close(self) -> None:
        if not self._done:
            self._text += self._parts
            self._write()

    def _write(self) -> None:
        self._done = True
        path = Path(self._task.path)
        storage.make_folder(path.parent)
        storage.write_atomic(path, "".join(self._text).encode("utf-8", "surrogatepass"))


@dataclass(frozen=True)
class SaveDocument:
    """Write a document, whole or not at all: everything as `json`, or what is shown as `txt` or `md`; returns the path.
    Raises StorageError."""

    path: str
    tree: Tree
    form: Literal["json", "txt", "md"] = "json"

    def run(self, models: Models) -> _Saving:
        return _Saving(self)


@dataclass(frozen=True)
class OpenDocument:
    """Returns the Tree of a file. A file that is no JSON is a text. Raises DataError.

    With `kept` it is the document of the last time: None where there is none, and set aside where it is damaged.
    """

    path: str
    kept: bool = False

    def run(self, models: Models) -> Frames[Tree | None]:
        path = Path(self.path)
        if self.kept and not path.exists():
            return None
        yield Frame(progress=Progress("Opening the document"))
        try:
            return (yield from frames_of(_read(path), "Reading the document"))
        except DataError as error:
            if not self.kept:
                raise
            aside, said = _aside(path)
            raise DataError(error.message, said, aside) from None


def _read(path: Path) -> Generator[float, None, Tree]:
    try:
        large = path.stat().st_size > LARGEST
        data = b"" if large else path.read_bytes()
    except OSError as error:
        raise DataError(f"This document cannot be read: {error.strerror}.", "Choose another file.", path) from error
    if large:
        raise DataError(f"This document is larger than {LARGEST >> 20} MB.", "Open a part of it.", path)
    yield 0.1
    if path.suffix.lower() != ".json":
        return Tree.of(data.decode("utf-8", "replace").lstrip("\ufeff").replace("\r\n", "\n"))
    return (yield from read_json(data))


def _aside(path: Path) -> tuple[Path, str]:
    """Where a damaged file is from now on, and what to say; one that was set aside before stays."""
    taken = (path.with_name(f"{path.stem}.damaged{number}{path.suffix}") for number in ("", *range(2, 1000)))
    aside = next((place for place in taken if not place.exists()), path)
    try:
        path.replace(aside)
    except OSError:
        return path, "An empty document is shown. Copy the file before you write, because it will be overwritten."
    return aside, "The file was renamed and kept; an empty document is shown."
