"""Texts and tables: what they are, what can be chosen about them, and their import as chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from genstudio.data.importing import parquet, rows, tables, texts
from genstudio.data.importing.numbers import Decimal
from genstudio.data.importing.numbers import number as number_in
from genstudio.data.importing.options import Found, ImportOptions
from genstudio.data.importing.report import listed
from genstudio.data.info import DatasetInfo, Kind
from genstudio.data.reading import AUTO, Decoding, beginning, judge
from genstudio.data.work import Work, scaled
from genstudio.errors import DataError
from genstudio.storage import size_text

WHAT_PAIRS_TRAIN = "Pairs train a model that translates. To train one that continues text, import one column as text."
_LISTED = 4
_MADE = {"text": "A text is", "pairs": "Pairs are", "points": "Points are", "labelled": "Labelled texts are"}
_TEXTS = ("text", "sentence", "review", "comment", "content", "message", "body", "title")
_LABELS = ("label", "class", "category", "sentiment", "target", "topic", "intent", "y")
"""What columns of texts and of their classes are usually called."""


def import_table(path: Path, options: ImportOptions, name: str, source: str) -> Work[DatasetInfo]:
    """The chosen columns of a table: one makes a text, two make pairs, two of numbers points. Raises DataError."""
    packed = parquet.is_parquet(beginning(path, 8))
    encoding, said = (None, ()) if packed else (yield from scaled(texts.decided(path, options.encoding), 0.0, 0.1))
    layout = yield from scaled(_layout(path, replace(options, encoding=encoding), packed), 0.1, 0.3)
    if options.kind == "rows":
        chosen = options.columns or class_columns(layout.columns, layout.rows, layout.decimal)
        return (yield from scaled(_class_rows(path, layout, chosen, packed, name, source, said), 0.3, 1.0))
    chosen = options.columns or default_columns(layout, options.kind)
    if len(chosen) not in (1, 2):
        asked = (
            f"{len(chosen)} were chosen"
            if chosen
            else f"The table has {len(layout.columns)}: {listed(layout.columns, 40)}"
        )
        raise DataError(f"One column makes a text, two make pairs. {asked}.", "Choose one or two columns.", path)
    _refuse_kind(path, options.kind, chosen)
    cells = parquet.rows(path, chosen) if packed else tables.rows(path, layout, chosen)
    notes = [*said, *layout.notes, *_chosen_said(layout, chosen, asked=bool(options.columns))]
    details = {"from": "table", "columns": list(chosen), "delimiter": layout.delimiter, "header": layout.header}
    details |= {} if packed else {"encoding": encoding or "utf-8"}
    if len(chosen) == 1:
        work = rows.import_column(cells, name, source, _with(details, notes))
    elif options.kind == "points" or (options.kind is None and set(chosen) <= set(layout.numeric)):
        details |= {"decimal": layout.decimal}
        work = rows.import_number_rows(cells, name, source, _with(details, notes), layout.decimal)
    elif options.kind == "labelled":
        work = rows.import_labelled(cells, name, source, chosen, _with(details, notes))
    else:
        work = rows.import_pairs(cells, name, source, chosen, _with(details, [*notes, WHAT_PAIRS_TRAIN]))
    return (yield from scaled(work, 0.3, 1.0))


def _class_rows(
    path: Path, layout: tables.Layout, chosen: Sequence[str], packed: bool, name: str, source: str, said: Sequence[str]
) -> Work[DatasetInfo]:
    """Columns of numbers and, last, the one of the class. Raises DataError where there are none."""
    if len(chosen) < 2:
        raise DataError(
            "Rows with classes are made of columns of numbers and, last, the column of the class. The table has "
            f"{len(layout.columns)}: {listed(layout.columns, 40)}.", "Name the columns, the class last.", path,
        )
    cells = parquet.rows(path, chosen) if packed else tables.rows(path, layout, chosen)
    notes = [*said, *layout.notes, *_chosen_said(layout, chosen, asked=True)]
    details: dict[str, object] = {"from": "table", "delimiter": layout.delimiter, "header": layout.header,
                                  "decimal": layout.decimal}  # fmt: skip
    return (yield from rows.import_class_rows(cells, name, source, chosen, dict(_with(details, notes)), layout.decimal))


def import_parallel(files: Sequence[Path], options: ImportOptions, name: str) -> Work[DatasetInfo]:
    """Two texts whose lines belong together -> pairs. Raises DataError."""
    left, right = files
    one, said = yield from scaled(texts.decided(left, options.encoding, several=True), 0.0, 0.1)
    two, more = yield from scaled(texts.decided(right, options.encoding, several=True), 0.1, 0.2)
    lines, source = tables.parallel(left, right, (one, two)), f"{left.name}, {right.name}"
    details = _with({}, [*said, *more, WHAT_PAIRS_TRAIN])
    return (yield from scaled(rows.import_pairs(lines, name, source, sides(left, right), details), 0.2, 1.0))


def default_columns(layout: tables.Layout, kind: Kind | None) -> tuple[str, ...]:
    """The columns to take where none were named; none where a person has to choose."""
    if kind == "labelled" and labelled_columns(layout.columns):
        return labelled_columns(layout.columns)
    if kind == "text" or len(layout.columns) <= 2:
        words = tables.wordy(layout.columns, layout.numeric, layout.nested, layout.rows)
        return (words or layout.columns)[:1] if kind == "text" else layout.columns
    if kind == "points" and len(layout.numeric) == 2:
        return layout.numeric
    return ()


def labelled_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """The columns of text and class, by their names; none where they do not tell."""
    found = [next((c for c in columns if c.strip().lower() in names), "") for names in (_TEXTS, _LABELS)]
    return (found[0], found[1]) if all(found) else ()


def class_columns(
    columns: Sequence[str], first: Sequence[Sequence[str]], decimal: Decimal, label: str = ""
) -> tuple[str, ...]:
    """The columns of numbers, as the first rows have them, and, last, that of the class: `label`, else by its name, else the only
    one that is not of numbers; none where nothing tells."""
    numeric = number_columns(columns, first, decimal)
    usual = next((c for c in columns if c.strip().lower() in _LABELS), "")
    others = [c for c in columns if c not in numeric]
    label = label or usual or (others[0] if len(others) == 1 else "")
    numbers = tuple(c for c in numeric if c != label)
    return (*numbers, label) if label and numbers else ()


def number_columns(columns: Sequence[str], first: Sequence[Sequence[str]], decimal: Decimal) -> tuple[str, ...]:
    """Columns whose cells are numbers, but for some that are missing."""
    found = []
    for place, name in enumerate(columns):
        cells = [row[place] for row in first if place < len(row) and not rows.is_missing(row[place])]
        if cells and all(number_in(cell, decimal) is not None for cell in cells):
            found.append(name)
    return tuple(found)


def inspect_table(path: Path, options: ImportOptions, title: str) -> Work[Found]:
    """What a table consists of, and good options: a text where it has words, for nothing else of it can be trained."""
    size, packed = path.stat().st_size, parquet.is_parquet(beginning(path, 8))
    found = Decoding("utf-8", ()) if packed else (yield from scaled(judge(path), 0.0, 0.4))
    encoding = options.encoding or found.encoding
    if not encoding:
        return _blocked("table", title, size, f"{path.name} {found.why}", found.hint)
    problems = [] if found.clean or options.encoding else [f"{path.name} {found.sentence}"]
    read = None if encoding == "utf-8" and found.clean else encoding
    layout = yield from scaled(_layout(path, replace(options, encoding=read), packed), 0.4, 1.0)
    words = tables.wordy(layout.columns, layout.numeric, layout.nested, layout.rows)
    points = len(layout.columns) == 2 == len(layout.numeric)
    kind: Kind = "points" if points else "text"
    columns = layout.numeric if points else (words or layout.columns)[:1]
    likely = class_columns(layout.columns, layout.rows, layout.decimal)
    if not points and len(likely) == len(layout.columns) > 2:
        kind, columns = "rows", likely
    count = len(layout.columns)
    sentence = f"A table of {count:,} columns, {size_text(size)}." if count > 1 else f"A list, {size_text(size)}."
    return Found(
        kind, "table", sentence, title, 1, size, encoding, found.fits, "", layout.delimiter, layout.header,
        decimal=layout.decimal, nested=layout.nested, columns=layout.columns, numeric=layout.numeric, rows=layout.rows,
        problems=(*problems, *layout.notes), suggested=replace(options, encoding=read, kind=kind, columns=columns),
    )  # fmt: skip


def inspect_parallel(files: Sequence[Path], options: ImportOptions, title: str) -> Work[Found]:
    """The first lines of two texts with corresponding lines."""
    used: list[str | None] = []
    problems: list[str] = []
    for path in files:
        found = yield from judge(path)
        if not found.clean and not options.encoding:
            problems.append(f"{path.name} {found.sentence}")
        encoding = options.encoding if options.encoding not in (None, AUTO) and found.encoding != "utf-8" else None
        used.append(None if found.clean else encoding or found.encoding)
    size, names = sum(path.stat().st_size for path in files), sides(*files)
    preview = tuple(pair for _, pair in islice(tables.parallel(files[0], files[1], (used[0], used[1])), 20))
    sentence = f"Two texts with corresponding lines ({names[0]} and {names[1]})."
    others = tuple(name for name in dict.fromkeys(used) if name)
    return Found(
        "pairs", "parallel", sentence, title, 2, size, AUTO if others else "utf-8", (AUTO, *others) if others else (),
        columns=names, rows=preview, problems=(*problems, WHAT_PAIRS_TRAIN),
        suggested=replace(options, kind="pairs", encoding=AUTO if others else None),
    )  # fmt: skip


def inspect_texts(files: Sequence[Path], options: ImportOptions, title: str, size: int) -> Work[Found]:
    """The encodings of texts, each looked at whole, and how the first one begins."""
    verdicts: list[tuple[Path, Decoding]] = []
    for number, path in enumerate(files):
        verdicts.append((path, (yield from scaled(judge(path), number / len(files), (number + 1) / len(files)))))
    unread = [f"{path.name} {verdict.why} {verdict.hint}" for path, verdict in verdicts if not verdict.encoding]
    if unread and not options.encoding:
        return _blocked("text", title, size, *unread[:_LISTED])
    if not any(len(beginning(path, 4)) for path in files):
        return _blocked(
            "text", title, size, f"{files[0].name} is empty." if len(files) == 1 else "All files are empty."
        )
    odd = [(path, verdict) for path, verdict in verdicts if not verdict.clean]
    problems = [] if options.encoding else [f"{path.name} {verdict.sentence}" for path, verdict in odd[:_LISTED]]
    if len(odd) > _LISTED and not options.encoding:
        problems.append(f"{len(odd) - _LISTED:,} more files are not valid UTF-8.")
    suggested = None if not odd else odd[0][1].encoding if len(files) == 1 else AUTO
    fits = list(dict.fromkeys(name for _, verdict in odd or verdicts[:1] for name in verdict.fits))
    first = verdicts[0][1]
    shown = options.encoding if options.encoding not in (None, AUTO) and not (len(files) > 1 and first.clean) else None
    sample = beginning(files[0], unpack=True).decode(shown or first.encoding or "utf-8", "replace")
    what = "A text" if len(files) == 1 else f"{len(files):,} texts"
    return Found(
        "text", "text", f"{what}, {size_text(size)}.", title, len(files), size, options.encoding or suggested or "utf-8",
        ((AUTO,) if odd and len(files) > 1 else ()) + tuple(fits), sample.removeprefix("\ufeff")[:2000],
        problems=tuple(problems), suggested=replace(options, encoding=options.encoding or suggested),
    )  # fmt: skip


def sides(first: Path, second: Path) -> tuple[str, str]:
    """What two parallel files are called: where their names differ."""
    one, two = first.name.split("."), second.name.split(".")
    differ = [(a, b) for a, b in zip(one, two, strict=False) if a != b]
    return differ[0] if len(one) == len(two) and len(differ) == 1 else (first.stem, second.stem)


def is_table(path: Path) -> bool:
    """Whether the name of a file, apart from an ending of its packing, says that it is a table of text."""
    name = path.name.lower()
    for packed in (".gz", ".bz2", ".xz"):
        name = name.removesuffix(packed)
    return name.endswith(tables.SUFFIXES)


def _layout(path: Path, options: ImportOptions, packed: bool) -> Work[tables.Layout]:
    if packed:
        return parquet.look(path)
    choices = tables.Choices(options.encoding, options.delimiter, options.header, options.decimal, options.columns)
    return (yield from tables.look(path, choices))


def _refuse_kind(path: Path, kind: Kind | None, chosen: Sequence[str]) -> None:
    need = {"text": 1, "pairs": 2, "points": 2, "labelled": 2}
    if kind is None or need.get(kind) == len(chosen):
        return
    if kind not in need:
        hint = "Choose text, pairs, labelled, points or rows."
        raise DataError(f"{path.name} is a table, which contains no {kind}.", hint, path)
    raise DataError(
        f"{_MADE[kind]} made from {need[kind]} "
        f"{'column' if need[kind] == 1 else 'columns'}, but {len(chosen)} was chosen: {listed(tuple(chosen))}.",
        "Choose other columns, or another kind.",
        path,
    )


def _chosen_said(layout: tables.Layout, chosen: Sequence[str], *, asked: bool) -> Iterator[str]:
    """What was taken of a table that holds more."""
    left = [column for column in layout.columns if column not in chosen]
    if left:
        yield f"Columns ignored: {listed(left)}."
    for column in chosen:
        if column in layout.nested:
            what = "lists or objects, such as chat messages" if column == "messages" else "lists or objects"
            yield f"The column '{column}' contains {what}; each was stored as JSON, not as plain text."
    if layout.header and layout.delimiter and not asked:
        yield "The first row was used as the column names."


def _with(details: dict[str, object], notes: Sequence[str]) -> dict[str, object]:
    return {**details, "notes": list(notes)} if notes else details


def _blocked(form: str, title: str, size: int, *why: str) -> Found:
    return Found(
        "text", "table" if form == "table" else "text", f"Nothing to import, {size_text(size)}.", title, 1, size,
        blocked=" ".join(part for part in why if part),
    )  # fmt: skip
