"""vocode."""

from __future__ import annotations

import argparse
import json

import numpy as np

from genstudio import storage
from genstudio.cli.parser import Commands, add_model, reference
from genstudio.cli.progress import result
from genstudio.errors import DataError, StorageError
from genstudio.events import Array
from genstudio.paths import expanded


def add(commands: Commands) -> None:
    """The command that makes sound of mel spectrograms."""
    vocode = commands.add("vocode", _vocode, "turn a sound file into a mel spectrogram and back into sound")
    add_model(vocode)
    vocode.add_argument("file", metavar="FILE", help="WAV, FLAC, Ogg Vorbis or MP3, two minutes at most")
    vocode.add_argument("--griffin-lim", action="store_true", help="without what the model learned, to compare with")
    vocode.add_argument("--out", required=True, metavar="FILE.wav")
    vocode.add_argument("--json", action="store_true", help="duration, level and distance of the mels")


def _vocode(options: argparse.Namespace) -> None:
    from genstudio.data.audio.written import wav_of
    from genstudio.tasks.vocode import Resynthesise

    ref, out = reference(options), expanded(options.out)
    if out.suffix.lower() != ".wav":
        raise DataError(f"Sound cannot be written as '{out.name}'.", "Name a file that ends in .wav with --out.", out)
    if not out.parent.is_dir():
        raise StorageError(f"The folder {out.parent} does not exist.", "Choose another place.", out)
    found = result(Resynthesise(ref, str(expanded(options.file)), not options.griffin_lim))
    storage.write_atomic(out, wav_of(found.made, found.rate))
    if options.json:
        said = {
            "file": str(out), "seconds": len(found.made) / found.rate, "rate": found.rate, "level_db": _level(found.made),
            "real_level_db": _level(found.real), "mel_error": found.mel_error, "step": found.step,
            "made_by": "Griffin-Lim" if options.griffin_lim else "generator",
        }  # fmt: skip
        print(json.dumps(said))
    else:
        print(out)


def _level(samples: Array) -> float:
    """Root mean square in dB of full scale."""
    from genstudio.data.audio.measures import decibels

    share = samples.astype(np.float64) / 32767
    return float(decibels(np.sqrt(np.mean(share * share, keepdims=True)))[0])
