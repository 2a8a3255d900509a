"""Files, folders and pasted text: what they are, what can be chosen, and their import."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from genstudio.data.importing import (
    archives,
    arrays,
    decode,
    encodings,
    labelled,
    parquet,
    pictures,
    rows,
    tables,
    texts,
)
from genstudio.data.importing.options import Found, ImportOptions
from genstudio.data.info import DatasetInfo, Kind
from genstudio.data.reading import beginning
from genstudio.data.shelf import expanded
from genstudio.data.slices import Slices
from genstudio.errors import DataError
from genstudio.storage import size_text

_SAMPLE = 64
_SOME = 500
_MARKS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_Kind = Literal["text", "table", "parquet", "parallel", "pictures", "archive", "array", "idx"]


@dataclass(frozen=True)
class _Given:
    """Sources whose form is known: `files` in order, `root` the folder they were found in."""

    form: _Kind
    files: tuple[Path, ...]
    root: Path | None = None

    @property
    def title(self) -> str:
        name = (self.root or self.files[0]).name
        return name.split(".")[0] or name or "data"


def import_any(sources: Sequence[Path | str] | str, options: ImportOptions | None = None) -> Slices[DatasetInfo]:
    """Copy files or folders, or a text that was pasted (a plain `str`), to the shelf; the originals are only read.

    Yields the fraction done. Raises DataError for what cannot be used, with what could be chosen; StorageError where
    the copy cannot be written. Then, or when closed, nothing is left.
    """
    options = options or ImportOptions()
    if isinstance(sources, str):
        file = texts.pasted(sources)
        try:
            name = options.name or " ".join(sources.split()[:5])[:40]
            return (yield from texts.import_texts([file], name, source="pasted"))
        finally:
            file.unlink(missing_ok=True)
    given = yield from _given([expanded(source) for source in sources], options)
    name = options.name or given.title
    source = (given.root or given.files[0]).name or given.title
    if given.form == "text":
        found = texts.import_texts(given.files, name, options.encoding, given.root)
    elif given.form in ("table", "parquet", "parallel"):
        found = _import_table(given, options, name, source)
    elif given.form in ("array", "idx"):
        found = labelled.import_arrays(given.files, options, name, source)
    else:
        archive = given.form == "archive"
        items = (
            pictures.archive_items(given.files[0])
            if archive
            else pictures.folder_items(given.root or given.files[0].parent, given.files)
        )
        found = pictures.import_pictures(
            items, options.pictures, name, source, skip_broken=options.skip_broken,
            expected=_expected(given.files[0]) if archive else len(given.files),
        )  # fmt: skip
    return (yield from found)


def inspect(sources: Sequence[Path | str] | str, options: ImportOptions | None = None) -> Slices[Found]:
    """What the sources are and what can be chosen; nothing is copied. Yields now and then. Raises DataError."""
    options = options or ImportOptions()
    if isinstance(sources, str):
        count, sample = len(sources), sources[:2000]
        sentence = f"A pasted text of {count:,} characters."
        return Found("text", "text", sentence, " ".join(sample.split()[:5])[:40], 1, count, "utf-8", ("utf-8",), sample)
    given = yield from _given([expanded(source) for source in sources], options)
    if given.form in ("table", "parquet", "parallel"):
        return _inspect_table(given, options)
    if given.form in ("array", "idx"):
        return labelled.inspect(given.files, given.title, options)
    if given.form == "text":
        return (yield from _inspect_text(given, options))
    return (yield from _inspect_pictures(given, options))


def columns(path: Path | str, options: ImportOptions | None = None) -> Found:
    """The columns and first rows of a table, for choosing. Raises DataError."""
    return _inspect_table(
        _Given("parquet" if _is_parquet(expanded(path)) else "table", (expanded(path),)), options or ImportOptions()
    )


def _given(sources: Sequence[Path], options: ImportOptions) -> Slices[_Given]:
    if not sources:
        raise DataError("There is nothing to import.", "Choose a file or a folder.")
    folders = [path for path in sources if path.is_dir()]
    if folders and len(sources) > 1:
        raise DataError("Several folders, or a folder and files, are too much at once.", "Import one folder.")
    if folders:
        return (yield from _folder(folders[0], options))
    forms = [_file_form(path) for path in sources]
    if len(sources) == 1:
        form = "text" if options.kind == "text" and forms[0] == "table" and not options.columns else forms[0]
        return _Given(form, tuple(sources))
    if set(forms) <= {"text", "table"}:
        paired = options.kind == "pairs" or (options.kind is None and _alike(sources))
        if paired and len(sources) == 2:
            return _Given("parallel", tuple(sources))
        return _Given("text", tuple(sources))
    if len(set(forms)) == 1 and (forms[0] == "pictures" or (forms[0] in ("idx", "array") and len(sources) == 2)):
        return _Given(forms[0], tuple(sources))
    shown = ", ".join(f"{path.name} ({form})" for path, form in list(zip(sources, forms, strict=True))[:10])
    raise DataError(f"These files are of different kinds: {shown}.", "Import files of one kind at a time.", sources[0])


def _folder(root: Path, options: ImportOptions) -> Slices[_Given]:
    looks_for = (
        pictures.SUFFIXES if options.kind in (None, "images") else (),
        texts.SUFFIXES if options.kind in (None, "text") else (),
    )
    found, written = yield from pictures.folder_files(root, *looks_for)
    if found and len(found) >= len(written):
        return _Given("pictures", tuple(found), root)
    if written:
        return _Given("text", tuple(written), root)
    raise DataError(
        f"There are no texts and no pictures in {root}.",
        f"Known endings are {', '.join(('.txt', '.md', *pictures.SUFFIXES))}.",
        root,
    )


def _file_form(path: Path) -> _Kind:
    start, name = beginning(path, 512), path.name.lower()
    if archives.is_archive(start, name):
        return "archive"
    if parquet.is_parquet(start):
        return "parquet"
    if start.startswith(b"\x93NUMPY") or name.endswith(arrays.SUFFIXES):
        return "array"
    if arrays.is_idx(start, name):
        return "idx"
    if name.endswith(tables.SUFFIXES):
        return "table"
    if start[4:8] == b"ftyp" and start[8:12] in _HEIC:
        raise DataError(f"{path.name} is a HEIC picture, which cannot be read.", "Save it as JPEG or PNG first.", path)
    if name.endswith(pictures.SUFFIXES) or start.startswith(_MARKS) or start[8:12] in (b"WEBP", b"avif", b"avis"):
        return "pictures"
    return "text"


def _is_parquet(path: Path) -> bool:
    return parquet.is_parquet(beginning(path, 8))


def _alike(sources: Sequence[Path]) -> bool:
    """train.en and train.de, or left.en.txt and left.de.txt: names that differ in a word for the language only."""
    if len(sources) != 2:
        return False
    one, two = (re.split(r"[.\-_]", path.name.lower()) for path in sources)
    differ = [(a, b) for a, b in zip(one, two, strict=False) if a != b]
    return len(one) == len(two) and len(differ) == 1 and all(re.fullmatch(r"[a-z]{2,3}", word) for word in differ[0])


def _sides(first: Path, second: Path) -> tuple[str, str]:
    one, two = first.name.split("."), second.name.split(".")
    differ = [(a, b) for a, b in zip(one, two, strict=False) if a != b]
    return differ[0] if len(one) == len(two) and len(differ) == 1 else (first.stem, second.stem)


def _import_table(given: _Given, options: ImportOptions, name: str, source: str) -> Slices[DatasetInfo]:
    path = given.files[0]
    if given.form == "parallel":
        lines = tables.parallel(path, given.files[1], options.encoding)
        sides = _sides(path, given.files[1])
        return (yield from rows.import_pairs(lines, name, f"{path.name}, {given.files[1].name}", sides, {}))
    layout = _layout(given, options)
    chosen = options.columns or (layout.columns if len(layout.columns) <= 2 else ())
    if len(chosen) not in (1, 2):
        listed = ", ".join(f"'{column}'" for column in layout.columns[:40])
        asked = f"{len(chosen)} were chosen" if chosen else f"The table has {len(layout.columns)}: {listed}"
        raise DataError(f"One column makes a text, two make pairs. {asked}.", "Choose one or two columns.", path)
    cells = parquet.rows(path, chosen) if given.form == "parquet" else tables.rows(path, layout, chosen)
    details = {"from": "table", "columns": list(chosen), "delimiter": layout.delimiter, "header": layout.header}
    if len(chosen) == 1:
        return (yield from rows.import_column(cells, name, source, details))
    if options.kind == "points" or (options.kind is None and set(chosen) <= set(layout.numeric)):
        return (yield from rows.import_number_rows(cells, name, source, details))
    return (yield from rows.import_pairs(cells, name, source, chosen, details))


def _layout(given: _Given, options: ImportOptions) -> tables.Layout:
    path = given.files[0]
    if given.form == "parquet":
        return parquet.look(path)
    return tables.look(path, options.encoding, options.delimiter, options.header)


def _inspect_table(given: _Given, options: ImportOptions) -> Found:
    path = given.files[0]
    size = sum(file.stat().st_size for file in given.files)
    if given.form == "parallel":
        sides = _sides(path, given.files[1])
        preview = []
        for _, pair in tables.parallel(path, given.files[1], options.encoding):
            preview.append(pair)
            if len(preview) == 20:
                break
        sentence = f"Two texts whose lines belong together ({sides[0]} and {sides[1]})."
        return Found("pairs", "parallel", sentence, given.title, 2, size, columns=sides, rows=tuple(preview))
    sample = beginning(path) if given.form == "table" else b""
    fits = encodings.candidates(sample)
    encoding = options.encoding or (fits[0] if fits else "utf-8")
    problems = (
        () if encoding == "utf-8" or options.encoding else (f"The table looks like {encodings.TITLES[encoding]}.",)
    )
    layout = _layout(given, replace(options, encoding=encoding))
    count = len(layout.columns)
    kind: Kind = "text" if count == 1 else "points" if count == 2 and len(layout.numeric) == 2 else "pairs"
    suggested = replace(
        options, encoding=None if encoding == "utf-8" else encoding, columns=layout.columns if count <= 2 else (),
    )  # fmt: skip
    sentence = f"A table of {count} columns, {size_text(size)}." if count > 1 else f"A list, {size_text(size)}."
    return Found(
        kind, "table", sentence, given.title, 1, size, encoding, fits, "", layout.delimiter, layout.header,
        layout.columns, layout.numeric, layout.rows, problems=problems, suggested=suggested,
    )  # fmt: skip


def _sizes(files: Sequence[Path]) -> Slices[int]:
    """Bytes of all these files."""
    size = 0
    for start in range(0, len(files), _SOME):
        size += sum(path.stat().st_size for path in files[start : start + _SOME])
        yield 0.0
    return size


def _inspect_text(given: _Given, options: ImportOptions) -> Slices[Found]:
    size = yield from _sizes(given.files)
    sample = beginning(given.files[0])
    fits = encodings.candidates(sample)
    encoding = options.encoding or (fits[0] if fits else "")
    problems = []
    if not encoding:
        problems.append("This is a binary file, not text.")
    elif encoding != "utf-8" and not options.encoding:
        problems.append(f"The text is not UTF-8; it looks like {encodings.TITLES[encoding]}.")
    shown = sample.decode(encoding or "utf-8", "replace").removeprefix("\ufeff")[:2000]
    what = "A text" if len(given.files) == 1 else f"{len(given.files):,} texts"
    return Found(
        "text", "text", f"{what}, {size_text(size)}.", given.title, len(given.files), size, encoding, fits, shown,
        problems=tuple(problems),
        suggested=replace(options, encoding=None if encoding in ("", "utf-8") else encoding),
    )  # fmt: skip


def _inspect_pictures(given: _Given, options: ImportOptions) -> Slices[Found]:
    """Sizes of up to 64 pictures, spread over all of them; in an archive, of the first ones."""
    if given.form == "archive":
        items = pictures.archive_items(given.files[0])
        taken = [item for _, item in zip(range(_SAMPLE), items, strict=False)]
        names, count, size = [item.name for item in taken], 0, given.files[0].stat().st_size
    else:
        root = given.root or given.files[0].parent
        step = max(1, len(given.files) // _SAMPLE)
        taken = []
        for item in pictures.folder_items(root, given.files[::step][:_SAMPLE]):
            taken.append(item)
            yield 0.0
        names = []
        for start in range(0, len(given.files), 4 * _SOME):
            names += pictures.names_below(root, given.files[start : start + 4 * _SOME])
            yield 0.0
        count, size = len(names), (yield from _sizes(given.files))
    yield 0.0
    sizes = Counter(found for item in taken if (found := decode.measure(item.raw)) is not None)
    if not taken or not (sizes or given.root or given.form == "archive"):
        raise DataError("There are no pictures here.", "Choose other files.", given.files[0])
    yield 0.0
    classes = pictures.class_names(names)
    what = f"{count:,} picture{'s' * (count != 1)}" if count else f"An archive of pictures, {size_text(size)}"
    what += f" in {len(classes)} folders, which become classes" if classes else ""
    problems = [f"Pictures have different sizes, for example {_listed(sizes)}."] if len(sizes) > 1 else []
    numbers = any(decode.holds_numbers(item.raw) for item in taken)
    if numbers and options.pictures.limits is None:
        problems.append("Some pictures hold numbers of more than 8 bits: the import finds one scale for all of them.")
    return Found(
        "images", "archive" if given.form == "archive" else "pictures", f"{what}.", given.title, count, size,
        sizes=tuple(sizes.most_common()), classes=classes, problems=tuple(problems), suggested=options,
        details={"numbers": numbers},
    )  # fmt: skip


def _listed(sizes: Counter[tuple[int, int]]) -> str:
    return ", ".join(f"{width} x {height}" for (width, height), _ in sizes.most_common(3))


def _expected(path: Path) -> int:
    """About how many pictures an archive holds: enough to choose a number of processes."""
    return path.stat().st_size // 4096
