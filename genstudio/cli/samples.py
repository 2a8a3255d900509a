"""sample, timeline, and what evaluate says of samples."""

from __future__ import annotations

import argparse
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genstudio import storage
from genstudio.cli.parser import Commands, add_model, find_run, reference
from genstudio.cli.progress import result
from genstudio.errors import DataError, StorageError
from genstudio.events import Array
from genstudio.paths import expanded
from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.diffusion import SAMPLERS

if TYPE_CHECKING:
    from genstudio.families.dashboard import Dashboard
    from genstudio.tasks.models import ModelRef
    from genstudio.tasks.sample import Samples

_CHOOSING = ("temperature", "top_k", "top_p")
_KEEP = ("nothing", "quarter", "half", "three-quarters")
_FILES = (".png", ".jpg", ".jpeg", ".gif", ".npy", ".zip")


def add(commands: Commands) -> None:
    """Commands that make samples, and show how they came about."""
    sample = commands.add("sample", _sample, "generate points or pictures with a trained model")
    add_model(sample)
    sample.add_argument("--count", type=int, default=64, metavar="N")
    sample.add_argument("--seed", type=int, default=0, metavar="S")
    sample.add_argument("--class", dest="label", metavar="K", help="class to generate, by name or number (conditional "
        "models only)")
    sample.add_argument("--variant", default="", metavar="NAME", help="which weights of the model to use")
    sample.add_argument("--raw", action="store_true", help="use the raw weights instead of the EMA: the same as "
        "--variant generator")
    sample.add_argument("--sampler", choices=SAMPLERS, help="how noise becomes a sample (diffusion models only)")
    sample.add_argument("--steps", type=int, metavar="N", help="steps from noise to a sample (diffusion models only)")
    sample.add_argument("--eta", type=float, metavar="E", help="fresh noise in each DDIM step, 0 to 1 (diffusion models only)")
    sample.add_argument("--guidance", type=float, metavar="G", help="strength of the class: 0 ignores it, 1 is the "
        "conditional model, more exaggerates (conditional diffusion models only)")
    sample.add_argument("--text", metavar="T", help="what the pictures should show (models that make pictures from texts only)")
    sample.add_argument("--no-prior", action="store_true", help="let the decoder read the text's vector as if it were a "
        "picture's (the same models only)")
    sample.add_argument("--size", type=int, metavar="PIXELS", help="pixels a side, one of the sizes that the model grew through, "
        "enlarged (progressive models only)")
    sample.add_argument("--fade", type=float, default=1.0, metavar="F", help="share of the newest layers of that size, 0 to 1")
    sample.add_argument("--prompt", metavar="PICTURE", help="a picture of your own to complete (models that make pictures pixel "
        "by pixel only)")
    sample.add_argument("--keep", choices=_KEEP, help="the upper part of the picture that is given; without --prompt, of a "
        "held-out one. Default with --prompt: half")
    sample.add_argument("--temperature", type=float, metavar="T", help="0: always the most probable colour, 1: as often as the "
        "model says, more: bolder (the same models only)")
    sample.add_argument("--top-k", type=int, metavar="K", help="only the K most probable colours")
    sample.add_argument("--top-p", type=float, metavar="P", help="only the most probable colours that together reach this share")
    sample.add_argument("--out", required=True, metavar="FILE.npz|DIR", help="a file of arrays, or a new "
        "folder of PNG pictures")

    translate = commands.add("translate", _translate, "turn pictures of one set into those of another, and back")
    add_model(translate)
    translate.add_argument("--picture", metavar="FILE", help="a picture of your own; default: pictures that were held back from "
        "the training")
    translate.add_argument("--to", default="B", metavar="A|B|NAME", help="the set that the pictures are turned into")
    translate.add_argument("--count", type=int, default=16, metavar="N", help="how many held-out pictures")
    translate.add_argument("--out", required=True, metavar="FILE.png|FILE.npz|DIR", help="the translation of your picture as "
        "a PNG; originals, translations and what comes back as arrays, or as PNGs in a new folder")

    film = commands.add("timeline", _timeline, "export what a run showed during training as an animation or a contact sheet")
    film.add_argument("run", metavar="RUN", help="a run's folder, id or name")
    film.add_argument("--channel", default="", metavar="NAME", help="what to export; default: the first channel of "
        "the run")
    film.add_argument("--frames", type=int, default=200, metavar="N", help="maximum number of steps, evenly spaced; "
        "default for a sheet: 12")
    film.add_argument("--rate", type=float, default=10.0, metavar="N", help="frames per second")
    film.add_argument("--size", type=int, default=480, metavar="PIXELS", help="width of a frame in pixels")
    film.add_argument("--out", required=True, metavar="FILE.gif|mp4|png", help="mp4 needs imageio-ffmpeg")


def _timeline(options: argparse.Namespace) -> None:
    from genstudio.tasks.film import ExportTimeline

    out = str(expanded(options.out))
    task = ExportTimeline(str(find_run(options).folder), out, options.channel, options.frames, options.rate, options.size)
    print(result(task))


def _check_out(out: Path, *files: str) -> None:
    """Raises StorageError or DataError where nothing can be written there: a new folder, a file of arrays, one of `files`."""
    named = out.suffix.lower() in (".npz", *files)
    if not named and out.exists():
        raise StorageError(f"{out} already exists.", "Name a new folder, or a file that ends in .npz.", out)
    if not named and out.suffix.lower() in _FILES:
        raise DataError(f"Samples cannot be written as {out.suffix}.", "Name a new folder, or a file that ends in .npz.", out)
    if not out.parent.is_dir():
        raise StorageError(f"The folder {out.parent} does not exist.", "Choose another place.", out)


def _translate(options: argparse.Namespace) -> None:
    from genstudio.tasks.translate_pictures import TranslateHeldOut, TranslatePicture

    ref, out = reference(options), expanded(options.out)
    _check_out(out, *([".png"] if options.picture else []))
    own, to = options.picture, options.to
    found = result(TranslatePicture(ref, own, to) if own else TranslateHeldOut(ref, to, options.count))
    named = {"originals": found.originals, "translations": found.made, "back": found.back}
    if found.partners is not None:
        named["partners"] = found.partners
    if out.suffix.lower() == ".npz":
        _write_npz(out, {**named, "cycle_errors": found.errors})
    elif options.picture and out.suffix.lower() == ".png":
        storage.write_atomic(out, _png(found.made[0]))
    else:
        with storage.StagedFolder(out) as stage:
            for number in range(len(found.originals)):
                for name, pixels in named.items():
                    stage.write(f"{number:05d}_{name.removesuffix('s')}.png", _png(pixels[number]))
            stage.commit()
    print(out)


def _sample(options: argparse.Namespace) -> None:
    from genstudio.tasks.illustrate import Text
    from genstudio.tasks.sample import Sample

    ref, out = reference(options), expanded(options.out)
    _check_out(out)
    if any(getattr(options, name) is not None for name in ("prompt", "keep", *_CHOOSING)):
        _complete(options, ref, out)
        return
    variant = options.variant or ("generator" if options.raw else "")
    given = {name: getattr(options, name) for name in ("sampler", "steps", "eta", "guidance")}
    sampler = {name: value for name, value in given.items() if value is not None}
    grown = None if options.size is None else (options.size, options.fade)
    if options.text is None and options.no_prior:
        raise DataError("Without a text there is nothing to leave the prior out of.", "Give a text with --text.")
    if options.text is not None and options.label is not None:
        raise DataError("A text and a class cannot be combined.", "Give --text or --class.")
    text = None if options.text is None else Text(options.text, False if options.no_prior else None)
    made = result(Sample(ref, options.count, options.seed, options.label, variant, sampler=sampler, grown=grown, text=text))
    if out.suffix.lower() == ".npz":
        _write_arrays(out, made)
    elif made.pixels is None:
        raise DataError("Points are not pictures.", "Name a file that ends in .npz with --out.")
    else:
        _write_pictures(out, made.pixels, made.labels)
    print(out)


def _complete(options: argparse.Namespace, ref: ModelRef, out: Path) -> None:
    """Pictures made pixel by pixel, of which a part may be given."""
    from genstudio.tasks.complete import Complete

    chosen = {name: value for name in _CHOOSING if (value := getattr(options, name)) is not None}
    keep = options.keep or ("half" if options.prompt else "nothing")
    task = Complete(ref, options.prompt or "", keep=keep, count=options.count, seed=options.seed,
        options=SamplingOptions(**chosen))  # fmt: skip
    made = result(task)
    if out.suffix.lower() == ".npz":
        _write_npz(out, {"samples": made.pixels, "pixels": made.pixels, "given": made.given, "keep": made.keep,
            "bits": made.bits, "palette": made.palette})  # fmt: skip
    else:
        _write_pictures(out, made.pixels, None)
    print(out)


def _write_arrays(out: Path, made: Samples) -> None:
    names = ("samples", "points" if made.pixels is None else "pixels", "labels", "latents", "scores")
    named = {name: getattr(made, name) for name in names}
    _write_npz(out, {name: array for name, array in named.items() if array is not None})


def _write_npz(out: Path, named: Mapping[str, Any]) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **named)
    storage.write_atomic(out, buffer.getvalue())


def _write_pictures(out: Path, pictures: Array, labels: Array | None) -> None:
    with storage.StagedFolder(out) as stage:
        for number, pixels in enumerate(pictures):
            name = "" if labels is None else f"_class{labels[number]}"
            stage.write(f"{number:05d}{name}.png", _png(pixels))
        stage.commit()


def _png(pixels: Array) -> bytes:
    """A picture (h, w, c) as a file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()


def tell(scores: Mapping[str, Any], board: Dashboard) -> None:
    """What was measured, a line each, beside what other real samples reach, or what else it is to be compared with."""
    beside: dict[str, str] = {}
    for chart in board.charts:
        for line in chart.lines:
            real = [scores[name] for name in (f"{line.name}_floor", f"{line.name}_real") if name in scores]
            real += [reference.value for reference in chart.references if reference.value is not None and not reference.when]
            others = [f"{words}: {scores[name]:.4f}" for name, words in chart.floors.items() if name in scores]
            beside[line.name] = f"real: {real[0]:.4f}" if real else "; ".join(others)
    for name in scores:  # of what has no chart
        real = [scores[other] for other in (f"{name}_floor", f"{name}_real") if other in scores]
        if real:
            beside[name] = f"real: {real[0]:.4f}"
    floors = {name for chart in board.charts for name in chart.floors}
    for name, value in scores.items():
        if isinstance(value, tuple):
            _table(name.replace("_", " "), value)
        elif name != "step" and name not in floors and not name.endswith(("_floor", "_real")):
            number, other = _number(value), beside.get(name, "")
            print(f"{name.replace('_', ' '):20}{number}" + (f"   {other}" if other else ""))
    print(f"of step {scores['step']:,.0f}" + ("; features of the program's own encoder" if "coverage" in scores else ""))


def _number(value: Any) -> str:
    return f"{value:>10}" if isinstance(value, str) else f"{value:10,}" if isinstance(value, int) else f"{value:10.4f}"


def _table(title: str, rows: Sequence[Mapping[str, float]]) -> None:
    """Rows with the same columns."""
    names = list(rows[0]) if rows else []
    print(title)
    print("  ".join(f"{name.replace('_', ' '):>{max(8, len(name))}}" for name in names))
    for row in rows:
        cells = (f"{value:,}" if isinstance(value, int) else f"{value:.4f}" for value in row.values())
        print("  ".join(f"{cell:>{max(8, len(name))}}" for name, cell in zip(names, cells, strict=True)))
