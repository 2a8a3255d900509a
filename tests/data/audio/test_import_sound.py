"""Sound files of any kind, good and bad, as clips."""

from __future__ import annotations

import struct
import wave
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio.data import shelf
from genstudio.data.audio import decode, stored
from genstudio.data.audio.settings import SoundSettings
from genstudio.data.datasets import AudioDataset
from genstudio.data.importing import clips, report, sources
from genstudio.data.importing.options import ImportOptions
from genstudio.data.info import DatasetInfo
from genstudio.data.work import finished
from genstudio.errors import DataError

HERE = Path(__file__).parent
ALL = ImportOptions(skip_broken=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of one's own: the datasets are kept in another one beside it."""
    found = tmp_path / "given"
    found.mkdir()
    return found


def tone(seconds: float = 0.5, rate: int = 8_000, hz: float = 500.0, level: float = 0.5) -> np.ndarray:
    return level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def wav(path: Path, samples: np.ndarray, rate: int = 8_000, bits: int = 16, real: bool = False) -> Path:
    """A WAV file of (T,) or (T, channels) in [-1, 1], byte by byte: the standard library cannot write all of them."""
    frames = samples[:, None] if samples.ndim == 1 else samples
    if real:
        raw = frames.astype("<f4" if bits == 32 else "<f8").tobytes()
    elif bits == 8:
        raw = np.round(frames * 127 + 128).astype(np.uint8).tobytes()
    else:
        whole = np.round(frames * (2 ** (bits - 1) - 1)).astype("<i4")
        raw = whole.view(np.uint8).reshape(-1, 4)[:, : bits // 8].tobytes()
    wide = frames.shape[1] * bits // 8
    head = struct.pack("<HHIIHH", 3 if real else 1, frames.shape[1], rate, rate * wide, wide, bits)
    body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", len(raw)) + raw
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def imported(given: Path | Sequence[Path], options: ImportOptions | None = None) -> tuple[DatasetInfo, AudioDataset]:
    info = finished(sources.import_any([given] if isinstance(given, Path) else list(given), options))
    found = shelf.open_dataset(shelf.find_dataset(info.id))
    assert isinstance(found, AudioDataset)
    return info, found


def test_every_kind_of_numbers_and_channels_gives_the_same_tone(folder: Path) -> None:
    plain = tone()
    stereo, six = np.stack([plain * 1.6, plain * 0.4], 1), np.stack([plain] * 6, 1)
    for name, samples, bits, real in (
        ("a8", plain, 8, False), ("b16", plain, 16, False), ("c24", plain, 24, False), ("d32", plain, 32, False),
        ("e32f", plain, 32, True), ("f64f", plain, 64, True), ("g_stereo", stereo, 16, False), ("h_six", six, 16, False),
    ):  # fmt: skip
        wav(folder / f"{name}.wav", samples, bits=bits, real=real)
    for ending in ("flac", "ogg", "mp3"):
        (folder / f"z_tone.{ending}").write_bytes((HERE / f"tone.{ending}").read_bytes())
    info, found = imported(folder)
    assert found.rate == 8_000 and len(found.lengths) == 11 and found.names is not None
    for place, name in enumerate(found.names):
        clip = found.clip(place).astype(np.float64)[400:3_400] / 32_767
        strength = np.abs(np.fft.rfft(clip * np.hanning(3_000)))
        assert abs(strength.argmax() * 8_000 / 3_000 - 500) < 3, name
        assert abs(np.sqrt(np.mean(clip**2)) * np.sqrt(2) - 0.5) < 0.03, name
        if name.endswith(".wav"):
            assert np.abs(clip - plain[400:3_400]).max() < 0.01, name
    assert any("mixed down to one" in note for note in info.details["notes"])
    assert report.lines(info)[0].startswith("Sound: 11 clips, ")


def test_rates_are_brought_to_one_without_folding_back(folder: Path) -> None:
    wav(folder / "a.wav", tone(1.0, 8_000))
    wav(folder / "b.wav", tone(1.0, 8_000))
    high = tone(1.0, 44_100) + 0.4 * np.sin(2 * np.pi * 7_000 * np.arange(44_100) / 44_100)
    wav(folder / "c.wav", high, 44_100)
    info, found = imported(folder)
    assert found.rate == 8_000 and found.lengths.tolist() == [8_000] * 3
    assert np.abs(found.clip(2).astype(np.int64) - found.clip(0))[500:-500].max() < 60
    assert "1 of 3 files were resampled to 8,000 samples per second." in info.details["notes"]
    _, other = imported(folder, ImportOptions(name="other", sound=SoundSettings(16_000)))
    assert other.rate == 16_000 and other.lengths.tolist() == [16_000] * 3


def test_what_is_bad_is_named_and_the_rest_is_taken(folder: Path) -> None:
    for place in range(3):
        wav(folder / f"good{place}.wav", tone(hz=300 + 50 * place))
    (folder / "empty.wav").write_bytes(b"")
    wav(folder / "zero.wav", np.zeros(0))
    (folder / "text.mp3").write_text("this is no sound at all, it is a text\n" * 20)
    (folder / "film.wav").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(500))
    (folder / "opus.ogg").write_bytes((HERE / "tone.opus").read_bytes())
    (folder / "aiff.wav").write_bytes((HERE / "tone.aiff").read_bytes())
    (folder / "noise.flac").write_bytes(b"fLaC" + np.random.default_rng(0).bytes(4_000))
    (folder / "really_flac.mp3").write_bytes((HERE / "tone.flac").read_bytes())
    with pytest.raises(DataError, match="of 11 files cannot be used") as error:
        imported(folder)
    assert "skip unreadable" in error.value.hint
    info, found = imported(folder, ALL)
    assert len(found.lengths) == 4
    why = dict(info.details["broken"])
    assert why["empty.wav"] == "is empty" and "zero seconds" in why["zero.wav"]
    assert "not a WAV, FLAC" in why["text.mp3"] and "MP4" in why["film.wav"] and "Opus" in why["opus.ogg"]
    assert "AIFF" in why["aiff.wav"] and "noise.flac" in why and "really_flac.mp3" not in why
    (folder / "film.mp4").write_bytes((folder / "film.wav").read_bytes())
    for name in ("film.wav", "film.mp4"):
        with pytest.raises(DataError, match=f"This sound cannot be read: {name} is an MP4"):
            finished(sources.inspect([folder / name]))


def test_what_ends_early_is_taken_as_far_as_it_goes_and_said(folder: Path) -> None:
    whole = wav(folder / "a.wav", tone(2.0)).read_bytes()
    (folder / "a.wav").write_bytes(whole[: len(whole) // 2])
    (folder / "b.mp3").write_bytes((HERE / "tone.mp3").read_bytes()[:1_400])
    wav(folder / "c.wav", tone(1.0))
    info, found = imported(folder)
    assert abs(found.lengths[0] - 8_000) < 100
    assert any("incomplete" in note and "'a.wav'" in note for note in info.details["notes"])
    wav(folder / "a.wav", tone(2.0))
    (folder / "b.mp3").unlink()
    info, _ = imported(folder)
    assert not any("incomplete" in note for note in info.details.get("notes", ()))


def test_long_files_are_cut_and_the_whole_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wav(folder / "long.wav", tone(10.0))
    info, found = imported(folder / "long.wav", ImportOptions(sound=SoundSettings(longest=4.0)))
    assert found.lengths.tolist() == [32_000, 32_000, 16_000] and found.names == ("long.wav (1)", "long.wav (2)", "long.wav (3)")
    assert any("cut into pieces" in note for note in info.details["notes"])
    monkeypatch.setattr(stored, "MOST_SAMPLES", 50_000)
    info, found = imported(folder / "long.wav", ImportOptions(name="part", sound=SoundSettings(longest=2.0)))
    assert len(found.samples) == 50_000 and any(note.startswith("Only the first") for note in info.details["notes"])


def test_silence_is_trimmed_where_asked(folder: Path) -> None:
    padded = np.concatenate([np.zeros(8_000), tone(1.0), np.zeros(4_000)])
    wav(folder / "a.wav", padded)
    _, whole = imported(folder / "a.wav")
    _, cut = imported(folder / "a.wav", ImportOptions(name="cut", sound=SoundSettings(trim=True)))
    assert whole.lengths.tolist() == [20_000] and 8_000 <= cut.lengths[0] <= 9_000


def test_transcripts_come_from_a_table_or_a_text_beside(folder: Path) -> None:
    (one := folder / "one").mkdir()
    (two := folder / "two").mkdir()
    for where in (one, two):
        for place in range(3):
            wav(where / f"{place}.wav", tone(0.5 + 0.1 * place, hz=300 + 100 * place))
    (one / "words.csv").write_text("file,transcript\n0.wav,hello there\n1.wav,good bye now\n2.wav,see you soon\n")
    for place, text in enumerate(("red one", "green two", "blue three")):
        (two / f"{place}.txt").write_text(text)
    seen = finished(sources.inspect([one]))
    assert "transcripts in words.csv" in seen.sentence and seen.columns == ("File", "Length", "Format", "Transcript")
    assert seen.rows[1] == ("1.wav", "0.60 s", "WAV, 8,000 Hz, mono", "good bye now")
    assert [row[3] for row in finished(sources.inspect([two])).rows] == ["red one", "green two", "blue three"]
    info, found = imported(one)
    assert found.transcripts == ("hello there", "good bye now", "see you soon") and info.details["transcripts"] is True
    assert any(note.startswith("Transcripts: column 'transcript'") for note in info.details["notes"])
    assert not any("picture" in note for note in info.details["notes"])
    assert imported(two)[1].transcripts == ("red one", "green two", "blue three")
    short = ImportOptions(name="short", sound=SoundSettings(longest=0.6))
    info, found = imported(one, short)
    assert found.transcripts == ("hello there", "good bye now")
    assert any("skipped, because their transcripts cannot be cut" in note for note in info.details["notes"])


def test_sound_in_an_archive_and_several_files(folder: Path) -> None:
    for place in range(3):
        wav(folder / f"{place}.wav", tone(hz=300 + 100 * place))
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        for place in range(3):
            archive.write(folder / f"{place}.wav", f"deep/{place}.wav")
        archive.writestr("deep/readme.txt", "hello")
    found = finished(sources.inspect([folder / "all.zip"]))
    assert (found.kind, found.files, len(found.columns)) == ("audio", 3, 3)
    assert found.rows[2] == ("deep/2.wav", "0.50 s", "WAV, 8,000 Hz, mono")
    with zipfile.ZipFile(folder / "said.zip", "w") as archive:
        for place in range(3):
            archive.write(folder / f"{place}.wav", f"deep/{place}.wav")
        archive.writestr("deep/words.csv", "file,text\n0.wav,hello there\n1.wav,good bye now\n2.wav,see you soon\n")
    assert [row[3] for row in finished(sources.inspect([folder / "said.zip"])).rows] == [
        "hello there", "good bye now", "see you soon"
    ]  # fmt: skip
    info, spoken = imported(folder / "said.zip")
    assert spoken.transcripts == ("hello there", "good bye now", "see you soon")
    assert any("of words.csv" in note for note in info.details["notes"]), info.details["notes"]
    assert imported(folder / "all.zip")[1].names == ("deep/0.wav", "deep/1.wav", "deep/2.wav")
    assert len(imported([folder / "0.wav", folder / "1.wav"])[1].lengths) == 2
    with pytest.raises(DataError, match="is sound, not text"):
        imported(folder / "0.wav", ImportOptions(kind="text"))


def test_a_file_that_kills_or_stops_the_decoder_costs_itself_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in range(4):
        wav(folder / f"{place}.wav", tone(hz=300 + 100 * place))
    monkeypatch.setattr(clips.decode, "serve", dying)
    info, found = imported(folder, ALL)
    assert found.names == ("0.wav", "2.wav", "3.wav") and "crashes the decoder" in dict(info.details["broken"])["1.wav"]


def dying(connection: Any) -> None:
    import json
    import os

    while True:
        wanted = json.loads(connection.recv_bytes())
        if wanted["path"].endswith("1.wav") and wanted["rate"]:
            os._exit(1)
        decode._answer(wanted, connection.send_bytes)


def test_memory_does_not_grow_with_the_file(folder: Path) -> None:
    """What is held at a time is a clip, though the file says 40 minutes."""
    with wave.open(str(folder / "hours.wav"), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        for _ in range(40):
            file.writeframes(np.zeros(8_000 * 60, np.int16).tobytes())
    what = decode.described(folder / "hours.wav")
    total, largest = 0, 0
    for piece in decode.pieces(folder / "hours.wav", what, 8_000, 15.0, False):
        total, largest = total + len(piece), max(largest, len(piece))
    assert total == 40 * 60 * 8_000 and largest == 15 * 8_000 and what["decoded"] == total


def test_settings_that_cannot_be_are_refused() -> None:
    for wrong in ({"rate": 7}, {"longest": 0.1}, {"longest": 1e9}):
        with pytest.raises(DataError):
            SoundSettings(**wrong)  # type: ignore[arg-type]
    assert SoundSettings.of({"rate": 7}) == SoundSettings() and SoundSettings.of({"trim": True}).trim
    assert SoundSettings.of(SoundSettings(8_000, 4.0, True).to_json()) == SoundSettings(8_000, 4.0, True)
