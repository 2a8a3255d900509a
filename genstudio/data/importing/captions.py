"""Captions of pictures in a folder: a table that names the pictures, or a text file beside each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from genstudio.data.importing import listing, tables, texts
from genstudio.data.importing.report import listed
from genstudio.data.reading import AUTO, judge, normalised
from genstudio.data.work import Work, scaled
from genstudio.errors import DataError

SUFFIXES = tables.SUFFIXES
LARGEST = 64 << 10
"""Bytes of a text file beside a picture at most; what is larger is no caption."""
LONGEST = 2000
"""Characters of a caption that are kept."""
_TABLES = 20
_NAMED = 3
_FILES = ("file", "file_name", "filename", "image", "picture", "photo", "path", "image_path", "image_name", "name", "id", "audio",
          "audio_path", "clip", "wav")
_TEXTS = ("caption", "captions", "text", "description", "sentence", "prompt", "title", "label", "comment", "transcript",
          "transcription", "words")


@dataclass(frozen=True)
class Table:
    """A table whose column `file` names pictures and whose column `text` holds their captions."""

    path: Path
    layout: tables.Layout
    file: str
    text: str


@dataclass
class Captions:
    """Captions by the name of a picture below its folder, and what is to be said of them."""

    texts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def of(self, names: Iterable[str]) -> list[str]:
        """The caption of each of these pictures, empty where there is none."""
        return [self.texts.get(name, "") for name in names]


def find_table(paths: Sequence[Path], names: Sequence[str], encoding: str | None = None) -> Work[Table | None]:
    """The first table that names some of these pictures and has another column of words; None where there is none.

    Yields now and then. A table that cannot be read is none.
    """
    place = _places(names)
    for path in paths[:_TABLES]:
        try:
            found = yield from judge(path)
            read = encoding if encoding not in (None, AUTO) else found.encoding
            if not read:
                continue
            choices = tables.Choices(None if found.clean else read)
            layout = yield from tables.look(path, choices)
            first = {cell.strip().lower() for cell in layout.rows[0]} if layout.rows else set()
            if not layout.header and first & set(_FILES) and first & set(_TEXTS):  # words over words look like any other row
                layout = yield from tables.look(path, replace(choices, header=True))
        except DataError:
            continue
        hits = {
            name: sum(_key(row[column]) in place for row in layout.rows if column < len(row))
            for column, name in enumerate(layout.columns)
        }
        best = max(layout.columns, key=lambda name: (hits[name], name.strip().lower() in _FILES))
        words = [name for name in tables.wordy(layout.columns, layout.numeric, layout.nested, layout.rows) if name != best]
        said = [name for wanted in _TEXTS for name in words if name.strip().lower() == wanted]
        if words and (hits[best] or (said and best.strip().lower() in _FILES)):
            return Table(path, layout, best, (said or words)[0])
    return None


def read_table(table: Table, names: Sequence[str], *, skip: bool = False) -> Work[Captions]:
    """The captions of these pictures; yields the fraction done.

    Rows that name no picture, rows without a caption and further captions of a picture are left out and counted. Raises DataError
    where more than one row in a hundred (and more than ten, or half) names no picture, unless they are to be `skip`ped.
    """
    place, found = _places(names), Captions()
    missing, empty, again = list[str](), list[str](), list[str]()
    for number, (done, (file, said)) in enumerate(tables.rows(table.path, table.layout, (table.file, table.text))):
        name, text = place.get(_key(file)), _tidy(said)
        if name is None:
            missing.append(file.strip())
        elif not text:
            empty.append(name)
        elif name in found.texts:
            again += [name] if found.texts[name] != text else []
        else:
            found.texts[name] = text
        if number % 1000 == 0:
            yield 0.9 * done
    title, good = table.path.name, len(found.texts)
    if missing and not skip and len(missing) > max(min(10, good), (good + len(missing)) // 100):
        raise DataError(
            f"{len(missing):,} of {good + len(missing):,} rows of {title} name pictures that are not in the folder: "
            f"{listed(missing, _NAMED)}.",
            f"Correct the names in the column '{table.file}', add the pictures, or turn on the option to skip unreadable "
            "pictures.",
            table.path,
        )
    found.notes += [f"Captions: column '{table.text}' of {title}, for the pictures named in column '{table.file}'."]
    for some, one, several in (
        (missing, "row of {} names a picture that is not there and was ignored", "rows of {} name pictures that are not there "
         "and were ignored"),
        (again, "picture has more than one caption in {}; the first was kept", "pictures have more than one caption in {}; the "
         "first of each was kept"),
        (empty, "caption in {} is empty", "captions in {} are empty"),
    ):  # fmt: skip
        if some:
            found.notes.append(f"{len(some):,} {(one if len(some) == 1 else several).format(title)}: {listed(some, _NAMED)}.")
    _finish(found, names)
    yield 1.0
    return found


def read_files(root: Path, files: Mapping[str, Path], names: Sequence[str], encoding: str | None = None) -> Work[Captions]:
    """The text file of each of these pictures as its caption, on one line; yields the fraction done. Files that are empty, too
    large or no text are left out and named."""
    found, broken, empty = Captions(), list[str](), list[str]()
    for number, (name, path) in enumerate(files.items()):
        try:
            if path.stat().st_size > LARGEST:
                raise DataError("is too large")
            used, _ = yield from scaled(texts.decided(path, encoding or AUTO, several=True), 0.9 * number / len(files),
                                        0.9 * (number + 1) / len(files))  # fmt: skip
            text = _tidy(b"".join(part for _, part in normalised(path, used)).decode("utf-8"))
        except (DataError, OSError):
            broken.append(texts.shown_name(path, root))
            continue
        if text:
            found.texts[name] = text
        else:
            empty.append(texts.shown_name(path, root))
    found.notes.append("Captions: the text file beside each picture.")
    if broken:
        found.notes.append(f"{len(broken):,} text files beside pictures could not be read: {listed(broken, _NAMED)}.")
    if empty:
        found.notes.append(f"{len(empty):,} text files beside pictures are empty: {listed(empty, _NAMED)}.")
    _finish(found, names)
    yield 1.0
    return found


def _finish(found: Captions, names: Sequence[str]) -> None:
    bare = [name for name in names if name not in found.texts]
    if bare:
        many = "picture has" if len(bare) == 1 else "pictures have"
        found.notes.append(
            f"{len(bare):,} {many} no caption: {listed([listing.printable(name) for name in bare], _NAMED)}. They are not "
            "used for training on captions."
        )
    cut = [name for name, text in found.texts.items() if len(text) > LONGEST]
    for name in cut:
        found.texts[name] = found.texts[name][:LONGEST]
    if cut:
        found.notes.append(
            f"{len(cut):,} captions are longer than {LONGEST:,} characters and were cut: {listed(cut, _NAMED)}."
        )


def _places(names: Sequence[str]) -> dict[str, str]:
    """The picture that each of these may stand for: its path, the last part of it, and that without its ending, where one
    picture alone has it."""
    found: dict[str, str] = {}
    for short in (lambda path: str(path), lambda path: path.name, lambda path: path.stem):
        keys = [(_key(short(PurePosixPath(name))), name) for name in names]
        several: dict[str, int] = {}
        for key, _ in keys:
            several[key] = several.get(key, 0) + 1
        for key, name in keys:
            if several[key] == 1:
                found.setdefault(key, name)
    return found


def _key(name: str) -> str:
    return name.strip().replace("\\", "/").removeprefix("./").casefold()


def _tidy(text: str) -> str:
    """On one line, without characters that cannot be shown."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
