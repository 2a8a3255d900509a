"""The command line: the same tasks as the window. Scripts depend on its words, its output and its exit codes."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from genstudio import __version__, families, paths
from genstudio.errors import GenstudioError, RunError
from genstudio.events import Answer, Frame, Progress, Writing


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 2 when a person has to change something."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.runs:
        options.runs = Path(options.runs).expanduser()
    try:
        return int(options.command(options) or 0)
    except GenstudioError as error:
        print(f"genstudio: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("genstudio: interrupted.", file=sys.stderr)
        return 130


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        self.exit(2, f"genstudio: {message}\nTry '{self.prog} --help'.\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="genstudio", description="Train and explore generative models on your own data.")
    parser.add_argument("--version", action="version", version=f"genstudio {__version__}")
    parser.add_argument("--offscreen", action="store_true", help="open the window where nobody sees it (for tests)")
    parser.set_defaults(command=_window, runs=None)
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser)

    def command(name: str, does: Any, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--runs", metavar="DIR", help="the folder of runs (default: under GENSTUDIO_HOME)")
        sub.set_defaults(command=does)
        return sub

    train = command("train", _train, "train a new run; its folder is the last line printed")
    train.add_argument("family", metavar="FAMILY", help=f"one of: {', '.join(families.NAMES)}")
    train.add_argument("--data", required=True, metavar="NAME_OR_PATH", help="a dataset of the shelf, or a text file")
    train.add_argument("--preset", metavar="NAME", help="start from a preset (see 'families')")
    train.add_argument("--set", action="append", default=[], nargs="+", metavar="key=value", help="settings to change")
    _length(train)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    train.add_argument("--name", default="", help="a name for the run")

    resume = command("resume", _resume, "go on with a run; a number is the new total")
    resume.add_argument("run", metavar="RUN", help="a run's folder, id or name")
    _length(resume)

    evaluate = command("evaluate", _evaluate, "the exact loss over the whole validation split")
    evaluate.add_argument("run", metavar="RUN")
    evaluate.add_argument("--checkpoint", default="last", metavar="last|best|STEP")
    evaluate.add_argument("--data", metavar="PATH", help="score all of this text instead")
    evaluate.add_argument("--json", action="store_true")

    generate = command("generate", _generate, "write with a trained model")
    generate.add_argument("run", metavar="RUN")
    generate.add_argument("--prompt", default="\n", metavar="TEXT")
    generate.add_argument("--tokens", type=int, default=200, metavar="N")
    generate.add_argument("--temperature", type=float, default=1.0, metavar="T")
    generate.add_argument("--top-k", type=int, default=0, metavar="K", help="0: all tokens")
    generate.add_argument("--top-p", type=float, default=1.0, metavar="P")
    generate.add_argument("--greedy", action="store_true")
    generate.add_argument("--seed", type=int, default=0, metavar="N")
    generate.add_argument("--checkpoint", default="last", metavar="last|best|STEP")

    for name, does, text in (
        ("runs", _runs, "list the runs"),
        ("families", _families, "list the families, their presets and settings"),
        ("datasets", _datasets, "list the datasets"),
    ):
        command(name, does, text).add_argument("--json", action="store_true")

    download = command("download", _download, "fetch a dataset of the catalogue and put it on the shelf")
    download.add_argument("name", metavar="NAME", nargs="?", help="see --list")
    download.add_argument("--list", action="store_true", help="what can be downloaded, and how large it is")
    download.add_argument("--json", action="store_true", help="the list for scripts")

    export = command("export", _export, "write a model for other programs into a new folder")
    export.add_argument("run", metavar="RUN")
    export.add_argument("--format", choices=("hf", "safetensors"), default="safetensors", help="hf: a GPT-2 style folder")
    export.add_argument("--out", required=True, metavar="DIR")
    export.add_argument("--checkpoint", default="last", metavar="last|best|STEP")

    adopt = command("import-model", _import_model, "make a run of a GPT-2 style folder; the run's folder is printed")
    adopt.add_argument("folder", metavar="DIR", help="with config.json, model.safetensors and a tokenizer")
    adopt.add_argument("--name", default="", metavar="NAME")

    imported = command("import", _import, "copy texts, a table, pictures, an archive or arrays onto the shelf")
    imported.add_argument("path", metavar="PATH", nargs="+", help="a file, several of one kind, or a folder")
    imported.add_argument("--name", metavar="NAME")
    imported.add_argument("--kind", choices=("text", "pairs", "images", "points"), help="where it could be several")
    imported.add_argument(
        "--column", action="append", default=[], metavar="NAME", help="of a table: one makes a text, two make pairs"
    )
    imported.add_argument("--encoding", metavar="NAME", help="of a text or table that is not UTF-8, such as cp1252")
    imported.add_argument("--delimiter", metavar="C", help="what separates the columns of a table")
    imported.add_argument("--size", type=int, default=0, metavar="N", help="make pictures N x N pixels")
    imported.add_argument("--fit", choices=("crop", "pad", "stretch"), default="crop", help="how pictures become squares")
    imported.add_argument("--grey", action="store_true", help="make pictures grey")
    imported.add_argument("--skip-broken", action="store_true", help="leave out broken pictures, however many")
    return parser


def _length(parser: argparse.ArgumentParser) -> None:
    planned = parser.add_mutually_exclusive_group()
    planned.add_argument("--steps", type=int, metavar="N", help="train for N steps in all")
    planned.add_argument("--seconds", type=float, metavar="S", help="train for S seconds in all")
    parser.add_argument("--stop-after", type=int, metavar="N", help="save and stop after N steps; the plan stays")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def _window(options: argparse.Namespace) -> int:
    if options.offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from genstudio.ui.app import run

    return run()


def _train(options: argparse.Namespace) -> None:
    from genstudio.tasks.train import Train

    config = _config(options)
    task = Train(
        family=options.family,
        data=options.data,
        config=config,
        steps=options.steps,
        seconds=options.seconds,
        stop_after=options.stop_after,
        seed=options.seed,
        device=options.device,
        runs_folder=options.runs,
        name=options.name,
    )
    _drive(task, options.quiet)


def _config(options: argparse.Namespace) -> dict[str, Any]:
    try:
        family = families.get(options.family)
    except KeyError:
        raise GenstudioError(
            f"There is no family '{options.family}'.", f"There is: {', '.join(families.NAMES)}."
        ) from None
    values: dict[str, Any] = {}
    if options.preset:
        found = {preset.name: preset for preset in family.presets}
        if options.preset not in found:
            raise GenstudioError(f"There is no preset '{options.preset}'.", f"There is: {', '.join(found)}.")
        preset = found[options.preset]
        values = dict(preset.values)
        if options.steps is None and options.seconds is None:
            options.steps, options.seconds = preset.steps, preset.seconds
    assignments = [text for group in options.set for text in group]
    return dict(family.config.parse(values).override(assignments).model_dump())


def _resume(options: argparse.Namespace) -> None:
    from genstudio.tasks.train import Resume

    run = _find(options)
    _drive(Resume(str(run.folder), options.steps, options.seconds, options.stop_after), options.quiet)


def _drive(task: Any, quiet: bool) -> None:
    """Train until the end, Ctrl-C or SIGTERM; save in any case; print the run's folder."""
    from genstudio.tasks.models import Models

    asked: list[int] = []

    def stop(number: int, _frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    bar = _Bar(quiet)
    folder = ""
    job = task.run(Models())
    try:
        for frame in job:
            folder = next((s.value for s in frame.snapshots if isinstance(s, Answer) and s.channel == "run"), folder)
            bar.show(frame)
            if frame.halt:
                raise RunError(frame.halt, "Free some space, then 'genstudio resume'.")
            if asked:
                break
    finally:
        bar.end()
        job.close()
        for number, handler in before.items():
            signal.signal(number, handler)
    if asked:
        bar.say("Saved; go on with 'genstudio resume'.")
    print(folder)


class _Bar:
    """A progress line on a terminal; on anything else a line every ten seconds' worth of progress."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._live = sys.stderr.isatty()
        self._last: dict[str, float] = {}
        self._tenth = 0

    def show(self, frame: Frame) -> None:
        if self._quiet:
            return
        for name, series in frame.series.items():
            self._last[name] = float(series.values[-1])
        for notice in frame.notices:
            if notice.kind != "saved":
                self.say(notice.text)
        progress = frame.progress
        if progress is None or progress.done is None:
            return
        if self._live:
            print(f"\r\x1b[K{self._line(progress)}", end="", file=sys.stderr, flush=True)
        elif int(progress.done * 10) > self._tenth:
            self._tenth = int(progress.done * 10)
            print(self._line(progress), file=sys.stderr, flush=True)

    def _line(self, progress: Progress) -> str:
        done = progress.done or 0.0
        full = int(done * 24)
        parts = [f"[{'#' * full}{'.' * (24 - full)}] {done:4.0%}"]
        if progress.step:
            parts.append(f"step {progress.step:,}")
        for name, label in (("train_loss", "loss"), ("val_loss", "val")):
            if name in self._last:
                parts.append(f"{label} {self._last[name]:.3f}")
        if "tokens_per_second" in self._last:
            parts.append(f"{self._last['tokens_per_second']:,.0f} tokens/s")
        if progress.remaining is not None:
            parts.append(f"{int(progress.remaining) // 60}:{int(progress.remaining) % 60:02d} left")
        return "  ".join(parts)

    def say(self, text: str) -> None:
        if not self._quiet:
            clear = "\r\x1b[K" if self._live else ""
            print(f"{clear}{text}", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._live and not self._quiet:
            print(file=sys.stderr)


def _find(options: argparse.Namespace) -> Any:
    from genstudio import runs

    return runs.find(options.runs or paths.runs(), options.run)


def _ref(options: argparse.Namespace) -> Any:
    from genstudio.tasks.models import ModelRef
    from genstudio.training.checkpoint import which

    return ModelRef(str(_find(options).folder), which(options.checkpoint))


def _frames(task: Any) -> Iterator[Frame]:
    from genstudio.tasks.models import Models

    yield from task.run(Models())


def _answer(task: Any, channel: str, quiet: bool = True) -> Any:
    """The value of the last answer of `channel`."""
    bar, value = _Bar(quiet), None
    for frame in _frames(task):
        bar.show(frame)
        for snapshot in frame.snapshots:
            if isinstance(snapshot, Answer) and snapshot.channel == channel:
                value = snapshot.value
    bar.end()
    return value


def _evaluate(options: argparse.Namespace) -> None:
    from genstudio.tasks.evaluate import Evaluate

    scores = _answer(Evaluate(_ref(options), options.data), "scores", quiet=not sys.stderr.isatty() or options.json)
    if options.json:
        print(json.dumps(scores))
        return
    print(f"loss           {scores['loss_nats']:.4f} nats per token")
    print(f"compression    {scores['bits_per_char']:.4f} bits per character")
    print(f"tokens scored  {scores['tokens']:,} (step {scores['step']:,})")
    if scores["unknown"]:
        print(f"unknown words  {scores['unknown']:,}: <unk> is easier to foretell than what it stands for")


def _generate(options: argparse.Namespace) -> None:
    from genstudio.sampling.choose import SamplingOptions
    from genstudio.tasks.write import Generate

    sampling = SamplingOptions(
        temperature=options.temperature, top_k=options.top_k, top_p=options.top_p, greedy=options.greedy
    )
    if options.tokens < 1:
        raise GenstudioError(f"{options.tokens} tokens are too few.", "Ask for 1 or more with --tokens.")
    shown = 0
    for frame in _frames(Generate(_ref(options), (options.prompt,), options.tokens, sampling, options.seed)):
        for snapshot in frame.snapshots:
            if isinstance(snapshot, Answer) and snapshot.channel == "model":
                sys.stdout.write(options.prompt)
            elif isinstance(snapshot, Writing):
                sys.stdout.write("".join(snapshot.pieces[shown:]))
                sys.stdout.flush()
                shown = len(snapshot.pieces)
            elif isinstance(snapshot, Answer) and snapshot.channel == "unknown" and snapshot.value:
                letters = sorted({options.prompt[i] for i in snapshot.value})
                print(f"genstudio: left out, not in the vocabulary: {' '.join(map(repr, letters))}", file=sys.stderr)
    sys.stdout.write("\n")


def _export(options: argparse.Namespace) -> None:
    from genstudio.tasks.exchange import ExportModel

    print(_answer(ExportModel(_ref(options), options.out, options.format), "exported", quiet=not sys.stderr.isatty()))


def _import_model(options: argparse.Namespace) -> None:
    from genstudio.tasks.exchange import AdoptModel

    task = AdoptModel(options.folder, options.name, runs_folder=options.runs)
    print(_answer(task, "run", quiet=not sys.stderr.isatty()))


def _runs(options: argparse.Namespace) -> None:
    from genstudio import runs

    found = runs.list_runs(options.runs or paths.runs())
    if options.json:
        print(json.dumps([_plain(info) for info in found]))
        return
    if not found:
        print("There are no runs yet. Make one with: genstudio train gpt --data shakespeare")
    for info in found:
        loss = f"{info.losses['val_loss']:.3f}" if "val_loss" in info.losses else ""
        print(f"{info.id:44}  {info.state:12}  step {info.step:>8,}  {loss:>7}  {info.name}")


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(asdict(value), default=str))


def _families(options: argparse.Namespace) -> None:
    found = families.all_families()
    if options.json:
        print(json.dumps([_family(family) for family in found]))
        return
    for family in found:
        print(f"{family.name}: {family.title} (on {' or '.join(family.data_kinds)})")
        for preset in family.presets:
            print(f"  preset {preset.name:12} {preset.title}: {preset.expect}")
        for setting in family.config.settings():
            allowed = "|".join(setting.choices) or (
                f"{setting.low:g}..{setting.high:g}" if setting.low is not None else ""
            )
            print(f"  {setting.name:16} {setting.default!s:>10}  {setting.help}{f' [{allowed}]' if allowed else ''}")


def _family(family: Any) -> dict[str, Any]:
    return {
        "name": family.name,
        "title": family.title,
        "data": list(family.data_kinds),
        "presets": [
            {"name": p.name, "title": p.title, "expect": p.expect, "values": dict(p.values)} for p in family.presets
        ],
        "settings": [asdict(setting) for setting in family.config.settings()],
    }


def _datasets(options: argparse.Namespace) -> None:
    from genstudio.data import shelf

    found = shelf.list_datasets()
    if options.json:
        print(json.dumps([_plain(info) for info in found]))
        return
    for info in found:
        print(f"{info.id:24}  {info.origin:9}  {info.bytes / 1e6:8.2f} MB  {info.title}  ({info.licence})")


def _download(options: argparse.Namespace) -> None:
    from genstudio.data import catalogue
    from genstudio.tasks.download import Download

    if options.json:
        print(json.dumps([{"bytes": offer.bytes, **asdict(offer)} for offer in catalogue.OFFERS]))
    elif options.list or not options.name:
        for offer in catalogue.OFFERS:
            print(f"{offer.name:18}  {offer.bytes / 1e6:8.2f} MB  {offer.title}  ({offer.licence})")
        for place in catalogue.ELSEWHERE:
            print(f"not offered: {place.title}, {place.why}; open {place.page} yourself", file=sys.stderr)
    else:
        info = _answer(Download(options.name), "imported", quiet=not sys.stderr.isatty())
        print(f"{info.id}: {info.title}, {info.bytes / 1e6:.2f} MB")


def _import(options: argparse.Namespace) -> None:
    from genstudio.data.images import PictureSettings
    from genstudio.data.importing.options import ImportOptions
    from genstudio.tasks.shelf import Import

    chosen = ImportOptions(
        name=options.name,
        kind=options.kind,
        encoding=options.encoding,
        columns=tuple(options.column),
        delimiter=options.delimiter,
        pictures=PictureSettings(options.size, options.fit, options.grey),
        skip_broken=options.skip_broken,
    )
    info = _answer(Import(tuple(options.path), chosen), "imported", quiet=not sys.stderr.isatty())
    for name, why in info.details.get("broken", ()):
        print(f"genstudio: left out: {name} {why}", file=sys.stderr)
    print(f"{info.id}: {info.title}, {info.bytes / 1e6:.2f} MB")
