"""Files, folders and pasted text: what they are, what can be chosen, and their import."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeVar

from genstudio.data.importing import (
    archives,
    arrays,
    captions,
    clips,
    decode,
    folders,
    labelled,
    listing,
    parquet,
    pictures,
    texts,
    vcf,
    written,
)
from genstudio.data.importing.captions import Captions
from genstudio.data.importing.options import Attempt, Found, ImportOptions
from genstudio.data.importing.stored import Item
from genstudio.data.info import DatasetInfo, Kind
from genstudio.data.reading import beginning
from genstudio.data.work import Work, finished, scaled
from genstudio.errors import DataError
from genstudio.paths import expanded

_SAMPLE = 64
_FEW_PICTURES = 24
"""Pictures that are tried before an import."""
_SOME = 500
_FEWEST_CAPTIONS = 2
"""Text files beside pictures that are taken for their captions; a single one may be anything."""
_MARKS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_File = TypeVar("_File", Path, str)
_Kind = Literal["text", "table", "parquet", "parallel", "pictures", "archive", "array", "idx", "vcf", "sound", "sound archive"]


@dataclass(frozen=True)
class _Given:
    """Sources whose form is known: `files` in order, `root` the folder they were found in, `names` of the pictures in an
    archive or below the folder, and what was `left` out. Captions stand in a `table`, or in the text files `captions`, by the
    names of their pictures; those of an archive are read at once, and are what is `said`."""

    form: _Kind
    files: tuple[Path, ...]
    root: Path | None = None
    names: tuple[str, ...] = ()
    left: listing.LeftOut = field(default_factory=listing.LeftOut)
    table: captions.Table | None = None
    captions: Mapping[str, Path] = field(default_factory=dict)
    said: Captions | None = None

    @property
    def title(self) -> str:
        name = (self.root or self.files[0]).name
        return name.split(".")[0] or name or "data"


def import_any(sources: Sequence[Path | str] | str, options: ImportOptions | None = None) -> Work[DatasetInfo]:
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
    if options.kind == "labelled" and len(sources) == 1 and (root := expanded(sources[0])).is_dir():
        return (yield from folders.import_classes(root, options))
    given = yield from _given(sources, options, reading=True)
    name = options.name or given.title
    source = (given.root or given.files[0]).name or given.title
    _refuse_kind(given, options)
    if given.form == "text":
        found = texts.import_texts(given.files, name, options.encoding, given.root, notes=given.left.notes())
    elif given.form in ("table", "parquet"):
        found = written.import_table(given.files[0], options, name, source)
    elif given.form == "parallel":
        found = written.import_parallel(given.files, options, name)
    elif given.form == "vcf":
        found = vcf.import_vcf(given.files[0], options, name, source)
    elif given.form == "sound archive":
        found = clips.import_archive(
            given.files[0], given.names, options.sound, name, skip_broken=options.skip_broken, encoding=options.encoding
        )
    elif given.form == "sound":
        spoken = yield from scaled(clips.transcripts_of(
            given.root, given.table, given.captions, given.names, options.encoding, options.skip_broken
        ), 0.0, 0.1)  # fmt: skip
        found = scaled(clips.import_sound(
            list(zip(given.names, given.files, strict=True)), options.sound, name, source, skip_broken=options.skip_broken,
            texts=spoken.texts, notes=[*given.left.notes(), *spoken.notes],
        ), 0.1, 1.0)  # fmt: skip
    elif given.form in ("array", "idx"):
        found = labelled.import_arrays(given.files, options, name, source)
    else:
        said = yield from scaled(_captions(given, options), 0.0, 0.1)
        items = _items(given, given.files, given.names)
        found = scaled(pictures.import_pictures(
            items, options.pictures, name, source, skip_broken=options.skip_broken, expected=len(given.names or given.files),
            notes=[*given.left.notes(), *(said.notes if said else ())], captions=said.texts if said else None,
        ), 0.1, 1.0)  # fmt: skip
    return (yield from found)


def _captions(given: _Given, options: ImportOptions) -> Work[Captions | None]:
    """The captions of the pictures, None where there are none."""
    if given.root is None:
        return given.said
    return (yield from _read(given.root, given.table, given.captions, given.names, options))


def _read(
    root: Path, table: captions.Table | None, beside: Mapping[str, Path], names: Sequence[str], options: ImportOptions
) -> Work[Captions | None]:
    if table is not None:
        return (yield from captions.read_table(table, names, skip=options.skip_broken))
    return (yield from captions.read_files(root, beside, names, options.encoding)) if beside else None


def inspect(sources: Sequence[Path | str] | str, options: ImportOptions | None = None) -> Work[Found]:
    """What the sources are and what can be chosen; nothing is copied. Yields now and then. Raises DataError."""
    options = options or ImportOptions()
    if isinstance(sources, str):
        count, sample = len(sources), sources[:2000]
        sentence = f"A pasted text of {count:,} characters."
        return Found("text", "text", sentence, " ".join(sample.split()[:5])[:40], 1, count, "utf-8", ("utf-8",), sample)
    given = yield from _given(sources, options)
    if given.form in ("table", "parquet"):
        return (yield from written.inspect_table(given.files[0], options, given.title))
    if given.form == "parallel":
        return (yield from written.inspect_parallel(given.files, options, given.title))
    if given.form == "vcf":
        return vcf.inspect(given.files[0], given.title, options)
    if given.form in ("sound", "sound archive"):
        return (yield from _inspect_sound(given, options))
    if given.form in ("array", "idx"):
        return labelled.inspect(given.files, given.title, options)
    if given.form == "text":
        size = yield from _sizes(given.files)
        found = yield from written.inspect_texts(given.files, options, given.title, size)
        return replace(found, problems=(*found.problems, *given.left.notes()))
    return (yield from _inspect_pictures(given, options))


def attempt(sources: Sequence[Path | str] | str, options: ImportOptions) -> Work[Attempt | None]:
    """Some of the pictures that an import with these options would make, spread over all files; None of other files, and where
    none can be read. Raises DataError."""
    if isinstance(sources, str):
        return None
    given = yield from _given(sources, options)
    if given.form not in ("pictures", "archive"):
        return None
    step = max(1, len(given.files) // _FEW_PICTURES)
    items = _items(given, given.files[::step][:_FEW_PICTURES], given.names[:: max(1, len(given.names) // _FEW_PICTURES)])
    taken = []
    for item in items:
        taken += [item] * (not item.fault)
        yield 0.0
        if len(taken) == _FEW_PICTURES:
            break
    return (yield from pictures.attempt(taken, options.pictures))


def columns(path: Path | str, options: ImportOptions | None = None) -> Found:
    """The columns and first rows of a table, for choosing. Raises DataError."""
    place = expanded(path)
    return finished(written.inspect_table(place, options or ImportOptions(), place.stem))


def _given(named: Sequence[Path | str], options: ImportOptions, reading: bool = False) -> Work[_Given]:
    """What these sources are; `reading`: with the captions in an archive."""
    if not named or not all(str(source).strip() for source in named):
        raise DataError("There is nothing to import.", "Choose a file or a folder.")
    sources = [expanded(source) for source in named]
    folders = [path for path in sources if path.is_dir()]
    if folders and len(sources) > 1:
        raise DataError("You can import only one folder at a time, without other files.", "Import one folder.")
    if folders:
        return (yield from _folder(folders[0], options))
    forms = [_file_form(path) for path in sources]
    if forms == ["archive"]:
        return (yield from _archive(sources[0], options, reading))
    if set(forms) == {"sound"}:
        return _Given("sound", tuple(sources), None, tuple(listing.names_below(sources[0].parent, sources)))
    if len(sources) == 1:
        return _Given(_as_asked(forms[0], options), tuple(sources))
    if set(forms) <= {"text", "table"}:
        paired = options.kind == "pairs" or (options.kind is None and _alike(sources))
        if paired and len(sources) == 2:
            return _Given("parallel", tuple(sources))
        return _Given("text", tuple(sources))
    if len(set(forms)) == 1 and (forms[0] == "pictures" or (forms[0] in ("idx", "array") and len(sources) == 2)):
        return _Given(forms[0], tuple(sources))
    shown = ", ".join(f"{path.name} ({form})" for path, form in list(zip(sources, forms, strict=True))[:10])
    raise DataError(f"These files have different kinds: {shown}.", "Import files of one kind at a time.", sources[0])


def _archive(path: Path, options: ImportOptions, reading: bool) -> Work[_Given]:
    """The sounds of an archive, or its pictures and their captions: those are small, and written to a folder of their own while
    they are read."""
    left = listing.LeftOut()
    names, sounds, further = yield from listing.archive_names(path, left, clips.SUFFIXES, (*captions.SUFFIXES, listing.CAPTION))
    if len(sounds) > len(names) or options.kind == "audio":
        for name in further:
            left.add(name.rpartition("/")[2])
        return _Given("sound archive", (path,), None, tuple(sounds), left)
    kept, _ = _without_above(names, names, left)
    stems = {name.rpartition(".")[0]: name for name in kept}
    beside = {stems[stem]: name for name in further if name.lower().endswith(listing.CAPTION)
              if (stem := name.rpartition(".")[0]) in stems}  # fmt: skip
    tables = [name for name in further if name.lower().endswith(captions.SUFFIXES)]
    said: Captions | None = None
    table: captions.Table | None = None
    files, used = dict[str, Path](), set[str]()
    wanted = {*tables, *(beside.values() if len(beside) >= _FEWEST_CAPTIONS else ())}
    if wanted:
        with tempfile.TemporaryDirectory(prefix="genstudio-") as scratch:
            root = Path(scratch)
            for _, name, raw in archives.members(path, wanted.__contains__):
                place = root / name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(raw)
                yield 0.0
            table = yield from captions.find_table([root / name for name in tables], kept, options.encoding)
            if table is not None:
                used = {table.path.relative_to(root).as_posix()}
            else:
                files = {name: root / text for name, text in beside.items() if text in wanted}
                used = wanted - set(tables)
            if reading:
                said = yield from _read(root, table, files, kept, options)
    left.captions = 0 if used >= set(beside.values()) else len(beside)
    for name in further:
        if name not in used and name not in beside.values():
            left.add(name.rpartition("/")[2])
    return _Given("archive", (path,), None, tuple(kept), left, table, files, said)


def _folder(root: Path, options: ImportOptions) -> Work[_Given]:
    described = (None, "images", "audio")
    looks_for = (
        listing.SUFFIXES if options.kind in (None, "images") else (),
        texts.SUFFIXES if options.kind in (*described, "text") else (),
        captions.SUFFIXES if options.kind in described else (),
        clips.SUFFIXES if options.kind in (None, "audio") else (),
    )
    left = listing.LeftOut()
    found, others, tables, sounds = yield from listing.folder_files(root, *looks_for, left=left)
    if sounds and (options.kind == "audio" or _mostly_sound(sounds, found, others)):
        return (yield from _sound_folder(root, sounds, [*found, *others], tables, left, options))
    for path in sounds:
        left.add(path.name)
    written = listing.captions(found, others)
    wanted = options.kind == "images" or len(found) >= len(others) or 2 * len(written) >= len(others)
    if not (found and wanted):
        for path in tables:
            left.add(path.name)
    if found and wanted:
        for path in others:
            if path not in written:
                left.add(path.name)
        names: list[str] = []
        for start in range(0, len(found), 4 * _SOME):
            names += listing.names_below(root, found[start : start + 4 * _SOME])
            yield 0.0
        files, names = _without_above(found, names, left)
        table = yield from captions.find_table(tables, names, options.encoding)
        for path in tables:
            if table is None or path != table.path:
                left.add(path.name)
        left.captions = len(written) if table is not None or len(written) < _FEWEST_CAPTIONS else 0
        beside = {} if left.captions else {path.with_suffix(""): path for path in written}
        mine = {name: beside[stem] for name, path in zip(names, files, strict=True) if (stem := path.with_suffix("")) in beside}
        return _Given("pictures", tuple(files), root, tuple(names), left, table, mine)
    if others:
        for path in found:
            left.add(path.name)
        return _Given("text", tuple(others), root, left=left)
    holds = f", but {left.files()}" if left.endings else ""
    hint = " ".join((f"Known file extensions are {', '.join(('.txt', '.md', *listing.SUFFIXES))}.",
        left.advice())).strip()
    raise DataError(f"{root} contains no texts or pictures{holds}.", hint, root)


def _mostly_sound(sounds: Sequence[Path], found: Sequence[Path], others: Sequence[Path]) -> bool:
    """Whether a folder is one of sound: its files are more than its pictures, and than its texts but for those beside them."""
    return len(sounds) > len(found) and len(sounds) >= len(others) - len(listing.captions(sounds, others))


def _sound_folder(
    root: Path, files: Sequence[Path], others: Sequence[Path], tables: Sequence[Path], left: listing.LeftOut,
    options: ImportOptions,
) -> Work[_Given]:  # fmt: skip
    """Sound with transcripts in a table that names it, or in a text beside each."""
    names = listing.names_below(root, files)
    table = yield from captions.find_table(tables, names, options.encoding)
    written = {path.with_suffix(""): path for path in listing.captions(files, others)} if table is None else {}
    for path in (*others, *tables):
        if path.with_suffix("") not in written and (table is None or path != table.path):
            left.add(path.name)
    mine = {name: written[stem] for name, path in zip(names, files, strict=True) if (stem := path.with_suffix("")) in written}
    return _Given("sound", tuple(files), root, tuple(names), left, table, mine)


def _without_above(files: list[_File], names: list[str], left: listing.LeftOut) -> tuple[list[_File], list[str]]:
    """Pictures, and their names, without the few that lie above the class folders."""
    found = listing.grouped(names)
    left.mixed, left.above = found.mixed, [names[place] for place in found.above]
    if not found.above:
        return files, names
    above = set(found.above)
    kept = [place for place in range(len(names)) if place not in above]
    return [files[place] for place in kept], [names[place] for place in kept]


def _items(given: _Given, files: Sequence[Path], names: Sequence[str]) -> Iterator[Item]:
    """These pictures of a folder, or those of these names in an archive."""
    if given.form == "archive":
        return pictures.archive_items(given.files[0], frozenset(names))
    return pictures.folder_items(given.root or given.files[0].parent, files)


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
    if vcf.is_vcf(path):
        return "vcf"
    if clips.is_sound(start, name):
        return "sound"
    if written.is_table(path):
        return "table"
    if start[4:8] == b"ftyp" and start[8:12] in _HEIC:
        raise DataError(f"{path.name} is a HEIC picture, which cannot be read.", "Save it as JPEG or PNG first.", path)
    if name.endswith(listing.SUFFIXES) or start.startswith(_MARKS) or start[8:12] in (b"WEBP", b"avif", b"avis"):
        return "pictures"
    return "text"


def _as_asked(form: _Kind, options: ImportOptions) -> _Kind:
    """A text with columns is a table where somebody asks for what only a table gives; a table can stay a text."""
    reading = options.columns or options.delimiter or options.header is not None or options.decimal
    if form == "text" and (options.kind in ("pairs", "points", "labelled") or reading):
        return "table"
    return "text" if form == "table" and options.kind == "text" and not reading else form


def _refuse_kind(given: _Given, options: ImportOptions) -> None:
    """Raises DataError where these files can not become what was asked for."""
    makes: dict[str, tuple[Kind, str]] = {
        "text": ("text", "text"), "pictures": ("images", "pictures"), "archive": ("images", "an archive of pictures"),
        "vcf": ("regions", "genotypes"), "sound": ("audio", "sound"), "sound archive": ("audio", "an archive of sound"),
        "parallel": ("pairs", "two texts with corresponding lines"),
    }  # fmt: skip
    kind, what = makes.get(given.form, (options.kind, ""))
    if options.kind not in (None, kind):
        name = given.root or given.files[0]
        raise DataError(f"{name.name} is {what}, not {options.kind}.", f"Omit the kind, or choose {kind}.", name)


def _alike(sources: Sequence[Path]) -> bool:
    """train.en and train.de, or left.en.txt and left.de.txt: names that differ in a word for the language only."""
    if len(sources) != 2:
        return False
    one, two = (re.split(r"[.\-_]", path.name.lower()) for path in sources)
    differ = [(a, b) for a, b in zip(one, two, strict=False) if a != b]
    return len(one) == len(two) and len(differ) == 1 and all(re.fullmatch(r"[a-z]{2,3}", word) for word in differ[0])


def _sizes(files: Sequence[Path]) -> Work[int]:
    """Bytes of all these files."""
    size = 0
    for start in range(0, len(files), _SOME):
        size += sum(path.stat().st_size for path in files[start : start + _SOME])
        yield 0.0
    return size


def _inspect_sound(given: _Given, options: ImportOptions) -> Work[Found]:
    """What up to 16 files are, spread over all of them, and what is said in these."""
    count, size = len(given.names), (yield from _sizes(given.files))
    what = f"{count:,} sound file{'s' * (count != 1)}"
    if given.form == "sound":
        some = clips.some_of(list(zip(given.names, given.files, strict=True)))
        named = {name for name, _ in some}
        found = yield from clips.describe(some)
        beside = {name: path for name, path in given.captions.items() if name in named}
        said = yield from clips.transcripts_of(given.root, given.table, beside, given.names, options.encoding, True)
        spoken = len(said.texts) if given.table else len(given.captions)
    else:
        found, said = yield from clips.look_into(given.files[0], given.names, options.encoding)
        spoken = len(said.texts)
    usable, broken = [each for each in found if not each.why], [each for each in found if each.why]
    if not usable:
        shown = "; ".join(f"{listing.printable(each.name)} {each.why}" for each in broken[:3])
        raise DataError(f"This sound cannot be read: {shown}.", "Choose other files.", given.files[0])
    rates = Counter(each.rate for each in usable)
    several = max(each.channels for each in usable)
    *more, last = (f"{rate:,}" for rate in sorted(rate for rate, _ in rates.most_common(3)))
    what += f", {', '.join(more)}{' or ' if more else ''}{last} samples per second"
    what += f", {'one channel' if several == 1 else f'up to {several} channels'}"
    problems = [f"{listing.printable(each.name)} {each.why}." for each in broken[:3]]
    what += f", with transcripts in {given.table.path.name}" if given.table else ""
    what += f", {spoken:,} with a transcript" if spoken and not given.table else ""
    if not spoken:
        problems.append(
            "There are no transcripts: put them into a CSV file with a column of file names, or into a text file beside each "
            "sound file."
        )
    columns, rows = clips.preview(found, said.texts)
    return Found(
        "audio", "sound", f"{what}.", given.title, count, size, columns=columns, rows=rows,
        problems=(*problems, *given.left.notes()), suggested=options, details={"rate": clips.chosen_rate(rates, options.sound)},
    )  # fmt: skip


def _inspect_pictures(given: _Given, options: ImportOptions) -> Work[Found]:
    """Sizes of up to 64 pictures, spread over all of them; in an archive, of the first ones."""
    step = max(1, len(given.files) // _SAMPLE)
    taken = []
    for item in _items(given, given.files[::step][:_SAMPLE], given.names[:_SAMPLE]):
        taken.append(item)
        yield 0.0
        if len(taken) == _SAMPLE:
            break
    count, size = len(given.names or given.files), (yield from _sizes(given.files))
    sizes = Counter(found for item in taken if (found := decode.measure(item.raw)) is not None)
    if not taken or not (sizes or given.root or given.form == "archive"):
        raise DataError("There are no pictures here.", "Choose other files.", given.files[0])
    yield 0.0
    classes = listing.grouped(given.names).classes
    what = f"{count:,} picture{'s' * (count != 1)}"
    what += f" in {len(classes)} folders, which become the classes" if classes else ""
    what += f", with captions in {given.table.path.name}" if given.table else ""
    what += f", {len(given.captions):,} with a caption beside" if given.captions else ""
    problems = [f"Pictures have different sizes, for example {_listed(sizes)}."] if len(sizes) > 1 else []
    problems += given.left.notes()
    numbers = any(decode.holds_numbers(item.raw) for item in taken)
    if numbers and options.pictures.limits is None:
        problems.append("Some pictures have more than 8 bits per channel: the import finds one scale for all of them.")
    return Found(
        "images", "archive" if given.form == "archive" else "pictures", f"{what}.", given.title, count, size,
        sizes=tuple(sizes.most_common()), classes=classes, problems=tuple(problems), suggested=options,
        details={"numbers": numbers},
    )  # fmt: skip


def _listed(sizes: Counter[tuple[int, int]]) -> str:
    return ", ".join(f"{width} x {height}" for (width, height), _ in sizes.most_common(3))
