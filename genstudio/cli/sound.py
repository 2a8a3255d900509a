"""speak, transcribe."""

from __future__ import annotations

import argparse
import json
import sys

from genstudio import paths, storage
from genstudio.cli.parser import Commands, add_model, reference
from genstudio.cli.progress import result
from genstudio.data.audio.written import wav_of
from genstudio.errors import DataError, GenstudioError
from genstudio.paths import expanded


def add(commands: Commands) -> None:
    """Commands that make sound, and that listen to it."""
    speak = commands.add("speak", _speak, "speak a text with a trained model")
    add_model(speak)
    speak.add_argument("--text", required=True, metavar="T", help="what should be said")
    speak.add_argument("--out", required=True, metavar="FILE.wav")
    speak.add_argument("--voice", type=int, default=1, metavar="N", help="which of the model's voices, from 1")
    speak.add_argument("--speed", type=float, default=1.0, metavar="S", help="2: twice as fast (models of durations only)")
    speak.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the random numbers")
    speak.add_argument("--vocoder", metavar="RUN", help="a vocoder's folder, id or name, which makes the sound; else Griffin-Lim")
    speak.add_argument("--json", action="store_true", help="what was said, how long and how loud it is")

    transcribe = commands.add("transcribe", _transcribe, "write what is spoken in sound files")
    add_model(transcribe)
    transcribe.add_argument("files", nargs="+", metavar="FILE", help="WAV, FLAC, Ogg Vorbis or MP3, of any rate and length")
    transcribe.add_argument("--beams", type=int, metavar="B", help="partial transcripts kept in the beam search; 1: the "
        "most probable letter of each frame; default: as the run is set")
    transcribe.add_argument("--json", action="store_true", help="every file with the seconds at which each letter is said")


def _speak(options: argparse.Namespace) -> None:
    from genstudio import runs
    from genstudio.data.audio.measures import decibels
    from genstudio.tasks.speak import Speak

    out = expanded(options.out)
    if out.suffix.lower() != ".wav":
        raise DataError(f"Sound cannot be written as '{out.suffix}'.", "Name a file that ends in .wav with --out.", out)
    vocoder = "" if options.vocoder is None else str(runs.find(options.runs or paths.runs(), options.vocoder).folder)
    found = result(Speak(reference(options), options.text, options.voice - 1, options.speed, options.seed, vocoder))
    storage.write_atomic(out, wav_of(found.samples, found.shown.rate))
    if not options.json:
        if found.unknown:
            print(f"Skipped, because the recordings do not contain them: {' '.join(found.unknown)}")
        print(out)
        return
    share = found.samples.astype(float) / 32767
    said = {
        "file": str(out), "said": found.said, "unknown": list(found.unknown), "complete": found.complete,
        "seconds": len(found.samples) / found.shown.rate, "rate": found.shown.rate,
        "level_db": float(decibels((share * share).mean(keepdims=True) ** 0.5)[0]), "diagonality": found.diagonality,
        "step": found.shown.step, "made_by": found.made_by,
    }  # fmt: skip
    print(json.dumps(said, ensure_ascii=False))


def _transcribe(options: argparse.Namespace) -> None:
    from genstudio.tasks.transcribe import Transcribe

    if options.beams is not None and not 1 <= options.beams <= 256:
        raise GenstudioError(f"{options.beams} is not a possible number of beams.", "Ask for 1 to 256 with --beams.")
    paths = tuple(str(expanded(path)) for path in options.files)
    found = result(Transcribe(reference(options), paths, options.beams or 0), quiet=options.json or None)
    if options.json:
        files = [
            {
                "file": each.path, "text": each.text, "seconds": each.seconds, "log_probability": each.logprob,
                "parts": each.parts, "rate": each.rate,
                "letters": [
                    {"letter": letter, "start": round(first, 6), "end": round(last, 6)} for letter, first, last in each.letters
                ],
            }
            for each in found.files
        ]  # fmt: skip
        print(json.dumps({"step": found.step, "files": files}))
        return
    for each in found.files:
        for note in each.notes:
            print(f"{each.path}: {note}", file=sys.stderr)
        print(each.text if len(found.files) == 1 else f"{each.path}: {each.text}")
