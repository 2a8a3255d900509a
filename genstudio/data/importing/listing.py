"""The files of a folder or an archive: which are pictures, which classes they have, and what is left out."""

from __future__ import annotations

import heapq
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genstudio.data.importing import archives, decode
from genstudio.data.work import Work
from genstudio.errors import DataError

SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".jfif", ".jpe", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm",
    *((".avif",) if "AVIF" in decode.FORMATS else ()),
)  # fmt: skip
MOST_FILES = 2_000_000
_SOME = 1_000
_LISTED = 5
_SPLITS = {"train", "test", "val", "valid", "validation", "training", "testing"}
_DIGITS = re.compile(r"(\d+)")
_HIDDEN = (".", "__MACOSX")
_SYSTEM = {
    "@eadir", "@recycle", "#recycle", "#snapshot", "@tmp", "@__thumb", "$recycle.bin", "system volume information",
    "lost+found", "network trash folder", "temporary items",
}  # fmt: skip
_NOISE = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}
_UNREADABLE = {".heic": "HEIC", ".heif": "HEIF", ".avif": "AVIF", ".jxl": "JPEG XL", ".svg": "SVG", ".psd": "PSD"}
CAPTION = ".txt"
_OFFICE = {
    "word/document.xml": "a Word file", "ppt/presentation.xml": "a PowerPoint file", "xl/workbook.xml": "an Excel file",
    "mimetype": "an EPUB book or an OpenDocument file",
}  # fmt: skip


@dataclass
class LeftOut:
    """What was not taken, as it is found: files by their ending, folders of the system or a NAS by their name, folders
    that cannot be read, captions beside pictures, and pictures above the class folders."""

    endings: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    system: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)
    captions: int = 0
    above: list[str] = field(default_factory=list)
    mixed: int = 0

    def add(self, name: str) -> None:
        """A file of this name, without its folders, was not taken."""
        if name.lower() not in _NOISE:
            ending = Path(name).suffix.lower()
            self.endings[ending] += 1
            self.examples[ending] = printable(name)

    def files(self) -> str:
        """The files by their endings, the most first, in words; empty where there are none."""
        some = [
            f"{many:,} files {f'ending in {printable(ending)}' if ending else 'without an extension'}"
            if many > 1
            else self.examples[ending]
            for ending, many in self.endings.most_common(_LISTED)
        ]
        rest = sum(self.endings.values()) - sum(many for _, many in self.endings.most_common(_LISTED))
        return ", ".join((*some, f"{rest:,} others")) if rest else ", ".join(some)

    def advice(self) -> str:
        """What to do with pictures of a kind that cannot be read."""
        kinds = sorted({_UNREADABLE[ending] for ending in self.endings if ending in _UNREADABLE})
        return f"Save {' and '.join(kinds)} as PNG or JPEG to use them." if kinds else ""

    def notes(self) -> list[str]:
        """A sentence for each kind of thing."""
        found = []
        if self.above:
            found.append(f"{_many(len(self.above), 'picture')} above the class folders ignored: {_some(self.above)}.")
        if self.mixed:
            found.append(
                f"The folders were not used as classes, because {self.mixed:,} of the pictures are outside of them. "
                "Move them into the folders to get classes."
            )
        if self.captions:
            found.append(f"{_many(self.captions, 'text file')} named like the pictures ignored.")
        if self.endings:
            found.append(f"Files ignored: {self.files()}. {self.advice()}".strip())
        if self.system:
            found.append(f"System folders ignored: {_some(list(self.system))}.")
        if self.unreadable:
            found.append(f"{_many(len(self.unreadable), 'folder')} skipped, unreadable: {_some(self.unreadable)}.")
        return found


@dataclass(frozen=True)
class Grouped:
    """Pictures by their folders: a label for each, -1 for those above the class folders, whose indices are `above`;
    nothing where the folders are no classes. `mixed` counts those above where they are too many for that."""

    labels: list[int] = field(default_factory=list)
    classes: tuple[str, ...] = ()
    above: list[int] = field(default_factory=list)
    mixed: int = 0


def folder_files(root: Path, *kinds: Sequence[str], left: LeftOut | None = None) -> Work[tuple[list[Path], ...]]:
    """For each of these lists of endings the files below a folder that have one of them, in natural order; hidden ones,
    links and folders of the system are left out, and counted in `left` with files of other endings.

    Yields now and then, without knowing how far it is. Raises DataError for a folder that cannot be read, and for more
    than 2,000,000 files.
    """
    found: list[list[tuple[list[Any], Path]]] = [[] for _ in kinds]
    endings, many, seen = [tuple(kind) for kind in kinds], 0, 0
    left = left or LeftOut()
    folders = [(root, "")]
    while folders:
        folder, below = folders.pop()
        broken: list[str] = []
        for name, is_folder in _entries(folder, broken):
            seen += 1
            if seen % _SOME == 0:
                yield 0.0
            if is_folder and name.lower() in _SYSTEM:
                left.system[name] += 1
            elif is_folder:
                folders.append((folder / name, f"{below}{name}/"))
            elif (kind := next((k for k, of in enumerate(endings) if name.lower().endswith(of)), None)) is None:
                left.add(name)
            else:
                found[kind].append((natural(below + name), folder / name))
                many += 1
        if broken and folder == root:
            raise DataError(f"{root} cannot be read: {broken[0]}.", "Check its name and permissions.", root)
        left.unreadable += [below.rstrip("/")] * len(broken)
        if many > MOST_FILES:
            raise DataError(f"There are more than {MOST_FILES:,} files in {root}.", "Import a part of them.", root)
    ordered = []
    for files in found:
        ordered.append((yield from _in_order(files)))
    return tuple(ordered)


def archive_names(
    path: Path, left: LeftOut, sound: Sequence[str] = (), beside: Sequence[str] = ()
) -> Work[tuple[list[str], list[str], list[str]]]:
    """The names of the pictures in an archive, of what has an ending of `sound`, and of what may stand beside pictures, with an
    ending of `beside`; of the other members `left` counts the endings.

    Yields the fraction read. Raises DataError for a hostile archive, a file of an office program, and where there are
    no pictures.
    """
    found, sounds, further = list[str](), list[str](), list[str]()
    others: set[str] = set()
    for done, name in archives.names(path):
        *folders, last = name.split("/")
        system = next((folder for folder in folders if folder.lower() in _SYSTEM), None)
        if any(part.startswith(_HIDDEN) for part in (*folders, last)):
            continue
        if name in _OFFICE:
            others.add(name)
        if system is not None:
            left.system[system] += 1
        elif last.lower().endswith(SUFFIXES):
            found.append(name)
        elif last.lower().endswith(tuple(sound)):
            sounds.append(name)
        elif last.lower().endswith(tuple(beside)):
            further.append(name)
        else:
            left.add(last)
        if len(found) % _SOME == 0:
            yield done
    office = next((what for name, what in _OFFICE.items() if name in others), None)
    if office is not None:
        raise DataError(
            f"{path.name} is {office}.",
            "Save it as plain text or CSV and import that. To use its pictures, unpack it and import the folder.",
            path,
        )
    if not found and not sounds:
        for name in further:
            left.add(name.rpartition("/")[2])
        holds = f", but it holds {left.files()}" if left.endings else ""
        raise DataError(
            f"There are no pictures in {path.name}{holds}.", "To use other files, unpack it and import the folder.", path
        )
    return found, sounds, further


def grouped(names: Sequence[str]) -> Grouped:
    """Pictures by the first folders in which they differ, those of a split (train, test) aside.

    Those above the class folders are told apart where they are fewer than one in five.
    """
    lies_in = [name.rpartition("/")[0] for name in names]
    parts = {folder: folder.split("/") if folder else [] for folder in set(lies_in)}
    while (heads := {part[0] for part in parts.values() if part}) and (len(heads) == 1):
        parts = {folder: part[1:] for folder, part in parts.items()}
    if heads and {head.lower() for head in heads} <= _SPLITS:
        parts = {folder: part[1:] for folder, part in parts.items()}
    above = [place for place, folder in enumerate(lies_in) if not parts[folder]]
    if len(above) == len(names):
        return Grouped()
    if 5 * len(above) >= len(names):
        return Grouped(mixed=len(above))
    found = sorted({printable(part[0]) for part in parts.values() if part}, key=natural)
    places = {name: place for place, name in enumerate(found)}
    labels = {folder: places[printable(part[0])] if part else -1 for folder, part in parts.items()}
    return Grouped([labels[folder] for folder in lies_in], tuple(found), above)


def captions(found: Sequence[Path], written: Sequence[Path]) -> set[Path]:
    """The text files that are named like a picture beside them."""
    stems = {path.with_suffix("") for path in found}
    return {path for path in written if path.suffix.lower() == CAPTION and path.with_suffix("") in stems}


def natural(name: str) -> list[Any]:
    """A key that sorts `a2` before `a10`."""
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part.casefold()) for part in _DIGITS.split(name)] + [
        name
    ]


def printable(name: str) -> str:
    """A name to be shown, on one line of at most 200 characters."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:200]


def names_below(root: Path, files: Sequence[Path]) -> list[str]:
    """The names of files as seen from a folder, with `/`; of files elsewhere only the last part."""
    start = os.path.join(root, "")  # noqa: PTH118 - with the separator at its end
    texts = map(str, files)
    return [
        text[len(start) :].replace(os.sep, "/") if text.startswith(start) else os.path.basename(text)  # noqa: PTH119
        for text in texts
    ]


def _entries(folder: Path, broken: list[str]) -> Iterator[tuple[str, bool]]:
    """Name of each file and folder, and whether it is one; where the listing breaks off, `broken` says why."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith(_HIDDEN) and not entry.is_symlink():
                    yield entry.name, entry.is_dir(follow_symlinks=False)
    except OSError as error:
        broken.append(error.strerror or str(error))


def _in_order(files: list[tuple[list[Any], Path]]) -> Work[list[Path]]:
    """Sorted by their keys, in slices: runs first, which are then merged."""
    runs = []
    for start in range(0, len(files), _SOME):
        runs.append(sorted(files[start : start + _SOME], key=_key))
        yield 0.0
    out: list[Path] = []
    for _, path in heapq.merge(*runs, key=_key):
        out.append(path)
        if len(out) % _SOME == 0:
            yield 0.0
    return out


def _key(entry: tuple[list[Any], Path]) -> list[Any]:
    return entry[0]


def _many(count: int, one: str) -> str:
    return f"{count:,} {one} is" if count == 1 else f"{count:,} {one}s are"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return ", ".join(printable(name) for name in names[:_LISTED]) + more
