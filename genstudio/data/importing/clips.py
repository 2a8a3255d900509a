"""Clips of sound on the shelf: from files that are read in a process of its own, or from samples that are there already."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import numpy as np

from genstudio.data import npz, store
from genstudio.data.audio import decode, stored
from genstudio.data.audio.settings import USUAL_RATE, SoundSettings
from genstudio.data.datasets import AudioDataset
from genstudio.data.importing import archives, captions, listing
from genstudio.data.importing.report import listed
from genstudio.data.importing.texts import intact
from genstudio.data.info import DatasetInfo, clean_title
from genstudio.data.tokenizers.child import Talk, waited, worker
from genstudio.data.work import Work, scaled
from genstudio.errors import DataError

SUFFIXES = (".wav", ".wave", ".flac", ".ogg", ".oga", ".mp3")
STRANGE = (
    ".aif", ".aiff", ".m4a", ".m4b", ".m4p", ".aac", ".opus", ".wma", ".amr",
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".wmv", ".mpg", ".mpeg",
)  # fmt: skip
"""Endings of sound that cannot be read, and of films, whose sound somebody may mean."""
_SAMPLE = 16
_FORMATS = {"wav": "WAV", "flac": "FLAC", "vorbis": "Ogg Vorbis", "mp3": "MP3"}
_PATIENCE = 60.0
"""Seconds for which a process may say nothing about a file."""
_NAMED = 5
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_ -]{0,80}\.[A-Za-z0-9]{1,5}")
_WORDS = (
    ("Captions", "Transcripts"), ("caption", "transcript"), ("pictures", "clips"), ("picture", "clip"), ("Picture", "Clip"),
)  # fmt: skip
_Heard = Callable[[bytes], None]
_T = TypeVar("_T")


@dataclass
class _Reel:
    """What has been read so far."""

    samples: list[np.ndarray[Any, Any]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    broken: list[tuple[str, str]] = field(default_factory=list)
    short: list[str] = field(default_factory=list)
    long: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    rates: Counter[int] = field(default_factory=Counter)
    channels: Counter[int] = field(default_factory=Counter)
    total: int = 0
    full: bool = False


class _Reader:
    """A process that decodes; another one is started where it died or said nothing for too long."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._talk: Talk | None = None

    def ask(self, request: Mapping[str, Any], heard: _Heard, done: float) -> Work[bytes]:
        """Every piece is `heard`; returns the last thing that is said of the file."""
        try:
            talk = self._talk = self._talk or self._stack.enter_context(worker(decode.serve))
            talk.send(json.dumps(request).encode())
            while True:
                yield from waited(talk, done, _PATIENCE)
                if not talk.said(0.0):
                    self.close()
                    return decode.BROKEN + b"takes too long to decode"
                said = talk.receive()
                if said[:1] != decode.PIECE:
                    return said
                heard(said[1:])
        except DataError:
            self.close()
            return decode.BROKEN + b"crashes the decoder, or needs too much memory"

    def close(self) -> None:
        self._stack.close()
        self._talk = None


def is_sound(start: bytes, name: str) -> bool:
    """Whether a file is meant to be sound, by its name or its beginning."""
    if name.lower().endswith((*SUFFIXES, *STRANGE)):
        return True
    return start[:4] in (b"fLaC", b"OggS") or (start[:4] == b"RIFF" and start[8:12] == b"WAVE") or start[:3] == b"ID3"


@dataclass(frozen=True)
class Described:
    """What a sound file is by its beginning, or `why` it cannot be used."""

    name: str
    format: str = ""
    rate: int = 0
    channels: int = 0
    seconds: float = 0.0
    why: str = ""

    @property
    def form(self) -> str:
        """Format, rate and channels in a few words, empty where it cannot be used."""
        if self.why:
            return ""
        channels = {1: "mono", 2: "stereo"}.get(self.channels, f"{self.channels} channels")
        return f"{_FORMATS.get(self.format, self.format)}, {self.rate:,} Hz, {channels}"


def some_of(things: Sequence[_T]) -> Sequence[_T]:
    """Up to 16, spread over all."""
    return things[:: max(1, -(-len(things) // _SAMPLE))]


def describe(files: Sequence[tuple[str, Path]]) -> Work[list[Described]]:
    """What some files are, each with its name."""
    found, reader = list[Described](), _Reader()
    try:
        for name, path in files:
            said = yield from reader.ask({"path": str(path), "rate": 0}, lambda _: None, 0.0)
            if said[:1] == decode.BROKEN:
                found.append(Described(name, why=said[1:].decode("utf-8", "replace")))
            else:
                what = json.loads(said[1:])
                rate = int(what["rate"])
                found.append(Described(name, what["format"], rate, int(what["channels"]), what["frames"] / rate))
    finally:
        reader.close()
    return found


def _length(seconds: float) -> str:
    """
    >>> _length(3.456), _length(10_800)
    ('3.46 s', '3:00:00')
    """
    return f"{seconds:.2f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))


def preview(files: Sequence[Described], texts: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Columns and rows that show a person what files are, and what is said in them where it is known."""
    spoken = bool(texts)
    columns = ("File", "Length", "Format", *(("Transcript",) if spoken else ()))
    return columns, tuple(
        (listing.printable(each.name), "" if each.why else _length(each.seconds), each.form or each.why,
         *((texts.get(each.name, ""),) if spoken else ()))
        for each in files
    )  # fmt: skip


def read_file(path: Path, rate: int, longest: float, heard: Callable[[np.ndarray[Any, Any]], None]) -> Work[Mapping[str, Any]]:
    """A sound file of any kind and length, decoded in another process: each piece (T,) int16 of one channel, of at most `longest`
    seconds at `rate` samples per second, is `heard` once it is there, and not kept. Returns what the file was: its format, rate,
    channels and frames; `short` where it is incomplete. Raises DataError for one that is no sound."""
    name, reader = listing.printable(path.name), _Reader()
    request = {"path": str(path), "rate": rate, "longest": longest, "trim": False}
    try:
        said = yield from reader.ask(request, lambda raw: heard(np.frombuffer(raw, "<i2")), 0.0)
    finally:
        reader.close()
    if said[:1] == decode.BROKEN:
        raise DataError(f"'{name}' {said[1:].decode('utf-8', 'replace')}.", "Choose another file: WAV, FLAC, Ogg "
        "Vorbis or MP3.", path)
    found: Mapping[str, Any] = json.loads(said[1:])
    return found


def chosen_rate(rates: Counter[int], settings: SoundSettings) -> int:
    """Samples per second of the clips: what was chosen, or the commonest rate up to 16,000."""
    return settings.rate or min(USUAL_RATE, max(rates, key=lambda rate: (rates[rate], rate), default=USUAL_RATE))


def import_sound(
    files: Sequence[tuple[str, Path]], settings: SoundSettings, name: str, source: str, *, skip_broken: bool = False,
    texts: Mapping[str, str] | None = None, notes: Sequence[str] = (),
) -> Work[DatasetInfo]:  # fmt: skip
    """Sound files, each with its name, as clips on the shelf; `texts` are transcripts by these names.

    Files that cannot be used are left out and listed in `details["broken"]`; more than one in a hundred (and more than ten, or
    half) of them stop the import unless `skip_broken`. Yields the fraction done. Raises DataError, StorageError.
    """
    title, reel = clean_title(name), _Reel()
    sample = yield from scaled(describe(some_of(files)), 0.0, 0.05)
    rate = chosen_rate(Counter(each.rate for each in sample if not each.why), settings)
    reader = _Reader()
    try:
        for place, (called, path) in enumerate(files):
            done = 0.05 + 0.85 * place / len(files)
            yield from _read(reel, reader, called, path, rate, settings, (texts or {}).get(called, ""), done)
            if reel.full:
                break
    finally:
        reader.close()
    _refuse_broken(reel, skip_broken, source)
    offsets = np.cumsum([0, *map(len, reel.samples)]).astype(np.int64)
    info = DatasetInfo("sound", title, "audio", "imported", Path("sound"), 0, "0" * 64)
    spoken = tuple(reel.texts) if any(reel.texts) else None
    dataset = AudioDataset(info, np.concatenate(reel.samples), offsets, rate, spoken, names=tuple(reel.names))
    more = {
        "sound": replace(settings, rate=rate).to_json(), "rates": [list(each) for each in reel.rates.most_common(20)],
        "channels": [list(each) for each in reel.channels.most_common(20)],
        "broken": [list(entry) for entry in reel.broken[:200]], "broken_count": len(reel.broken),
    }  # fmt: skip
    return (yield from put_clips(dataset, name, source, [*notes, *_notes(reel, rate, settings)], more))


def _read(
    reel: _Reel, reader: _Reader, name: str, path: Path, rate: int, settings: SoundSettings, text: str, done: float
) -> Work[None]:
    found: list[np.ndarray[Any, Any]] = []

    def heard(raw: bytes) -> None:
        room = stored.MOST_SAMPLES - reel.total - sum(map(len, found))
        piece = np.frombuffer(raw, "<i2")[: max(room, 0)]
        reel.full |= len(piece) < len(raw) // 2
        if len(piece):
            found.append(piece)

    request = {"path": str(path), "rate": rate, "longest": settings.longest, "trim": settings.trim}
    said = yield from reader.ask(request, heard, done)
    shown = listing.printable(name)
    if said[:1] == decode.BROKEN:
        reel.broken.append((shown, said[1:].decode("utf-8", "replace")))
        return
    what = json.loads(said[1:])
    if not found:
        if not reel.full:
            reel.broken.append((shown, "is silent throughout"))
        return
    if text and len(found) > 1:
        reel.long.append(shown)
        return
    reel.rates[what["rate"]] += 1
    reel.channels[what["channels"]] += 1
    reel.short += [shown] if what.get("short") else []
    reel.pieces += [shown] if len(found) > 1 else []
    for number, piece in enumerate(found):
        reel.samples.append(piece)
        reel.names.append(f"{shown} ({number + 1})" if len(found) > 1 else shown)
        reel.texts.append(text)
        reel.total += len(piece)


def _notes(reel: _Reel, rate: int, settings: SoundSettings) -> Iterator[str]:
    other = sum(many for each, many in reel.rates.items() if each != rate)
    if other:
        yield f"{other:,} of {sum(reel.rates.values()):,} files were resampled to {rate:,} samples per second."
    mixed = sum(many for each, many in reel.channels.items() if each > 1)
    if mixed:
        one = "1 file with several channels was"
        yield f"{one if mixed == 1 else f'{mixed:,} files with several channels were'} mixed down to one."
    limit = f"{settings.longest:g} seconds"
    for some, words in (
        (reel.pieces, f"longer than {limit} and cut into pieces"),
        (reel.long, f"longer than {limit} and skipped, because their transcripts cannot be cut with them; raise 'Longest "
                    "clip' to keep them"),
        (reel.short, "incomplete; the readable part was used"),
    ):  # fmt: skip
        if some:
            yield f"{len(some):,} {'file is' if len(some) == 1 else 'files are'} {words}: {listed(some, _NAMED)}."
    if reel.full:
        hours = stored.MOST_SAMPLES / rate / 3600
        yield f"Only the first {hours:.1f} hours were imported: a dataset at {rate:,} samples per second cannot hold more."


def _refuse_broken(reel: _Reel, skip: bool, source: str) -> None:
    broken, good = len(reel.broken), len(set(reel.names))
    if not broken and not good:
        raise DataError(
            f"No usable sound was found in {source}." if reel.long else f"No sound was found in {source}.",
            "Raise 'Longest clip'." if reel.long else f"Known file extensions are {', '.join(SUFFIXES)}.",
        )
    if good and (skip or broken <= max(min(10, good), (good + broken) // 100)):
        return
    shown = "; ".join(f"{name} {why}" for name, why in reel.broken[:20])
    more = f"; and {broken - 20} more" if broken > 20 else ""
    raise DataError(
        f"{broken:,} of {good + broken:,} files cannot be used: {shown}{more}.",
        "Remove or replace them, or turn on the option to skip unreadable files." if good else "Choose other files.",
    )


def transcripts_of(
    root: Path | None, table: captions.Table | None, beside: Mapping[str, Path], names: Sequence[str], encoding: str | None,
    skip: bool,
) -> Work[captions.Captions]:  # fmt: skip
    """What is said in these files, by a table that names them or a text beside each, with the words of sound."""
    try:
        if table is not None:
            found = yield from captions.read_table(table, names, skip=skip)
        elif beside and root is not None:
            found = yield from captions.read_files(root, beside, names, encoding)
        else:
            return captions.Captions()
    except DataError as error:
        raise DataError(_of_sound(error.message), _of_sound(error.hint), error.path) from None
    return captions.Captions(found.texts, [_of_sound(note) for note in found.notes])


def _unpacked(path: Path, names: Sequence[str], folder: Path) -> Work[list[tuple[str, Path]]]:
    """The members of an archive with these names, its tables and the texts beside those members, as files in numbered folders,
    under their last name where every system takes it. Raises DataError."""
    sound, beside = frozenset(names), {str(PurePosixPath(name).with_suffix("")) for name in names}
    found = list[tuple[str, Path]]()

    def wanted(name: str) -> bool:
        low = name.lower()
        return name in sound or low.endswith(captions.SUFFIXES) or (low.endswith(".txt") and name[:-4] in beside)

    for done, name, raw in archives.members(path, wanted):
        last = PurePosixPath(name).name
        place = folder / str(len(found)) / (last if _PLAIN.fullmatch(last) else f"file{Path(name).suffix.lower()}")
        place.parent.mkdir()
        place.write_bytes(raw)
        found.append((name, place))
        yield done
    return found


def import_archive(
    path: Path, names: Sequence[str], settings: SoundSettings, name: str, *, skip_broken: bool = False, notes: Sequence[str] = (),
    encoding: str | None = None,
) -> Work[DatasetInfo]:  # fmt: skip
    """The sound in an archive on the shelf, with transcripts from a table or from texts in it. Raises DataError, StorageError."""
    with tempfile.TemporaryDirectory(prefix="genstudio-") as folder:
        files, said = yield from scaled(_opened(path, names, names, Path(folder), skip_broken, encoding), 0.0, 0.2)
        return (yield from scaled(import_sound(
            files, settings, name, path.name, skip_broken=skip_broken, texts=said.texts, notes=[*notes, *said.notes],
        ), 0.2, 1.0))  # fmt: skip


def look_into(path: Path, names: Sequence[str], encoding: str | None = None) -> Work[tuple[list[Described], captions.Captions]]:
    """What some of the sounds with these names in an archive are, and what is said in them. Raises DataError."""
    with tempfile.TemporaryDirectory(prefix="genstudio-") as folder:
        files, said = yield from _opened(path, some_of(names), names, Path(folder), True, encoding)
        found = yield from describe(files)
        return found, said


def _opened(
    path: Path, wanted: Sequence[str], names: Sequence[str], folder: Path, skip: bool, encoding: str | None
) -> Work[tuple[list[tuple[str, Path]], captions.Captions]]:
    """The sounds that are `wanted` of all with these names in an archive, as files, and their transcripts."""
    sound = frozenset(wanted)
    files = yield from scaled(_unpacked(path, wanted, folder), 0.0, 0.75)
    tables = [place for called, place in files if called.lower().endswith(captions.SUFFIXES)]
    table = yield from captions.find_table(tables, names, encoding)
    written = {PurePosixPath(called).with_suffix(""): place for called, place in files if called.lower().endswith(".txt")}
    beside = {called: written[stem] for called in wanted if (stem := PurePosixPath(called).with_suffix("")) in written}
    said = yield from transcripts_of(folder, table, beside, names, encoding, skip)
    return [each for each in files if each[0] in sound], said


def put_clips(
    dataset: AudioDataset, name: str, source: str, notes: Sequence[str] = (), more: Mapping[str, Any] | None = None,
    duplicate: bool = False,
) -> Work[DatasetInfo]:  # fmt: skip
    """Clips on the shelf; `more` is kept beside what their card says of them. Raises DataError, StorageError."""
    title, raw = clean_title(name), npz.packed(stored.arrays_of(dataset), compress=False)
    yield 0.95
    details = {**stored.facts(dataset), **(more or {}), **({"notes": list(notes)} if notes else {})}
    with store.staging() as folder:
        with store.writing(folder / "clips.npz") as file:
            file.write(raw)
        return store.put(
            folder, "audio", title, size=len(raw), sha256=hashlib.sha256(raw).hexdigest(), count=len(dataset.lengths),
            source=clean_title(source), details=details, intact=intact, duplicate=duplicate,
        )  # fmt: skip


def _of_sound(text: str) -> str:
    """A sentence about pictures and their captions as one about clips and their transcripts."""
    for picture, sound in _WORDS:
        text = text.replace(picture, sound)
    return text
