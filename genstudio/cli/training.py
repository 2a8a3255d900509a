"""train, resume, evaluate."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from genstudio import families
from genstudio.cli import findings, samples
from genstudio.cli.parser import Commands, add_model, add_precision, find_run, reference
from genstudio.cli.progress import Bar, result
from genstudio.config import Values
from genstudio.errors import GenstudioError, RunError, TrainingError

if TYPE_CHECKING:
    from genstudio.tasks.train import Resume, Train

_ENDS = ("SIGTERM", "SIGHUP", "SIGBREAK")


def add(commands: Commands) -> None:
    """Commands that train and measure."""
    train = commands.add("train", _train, "train a new model; the run's folder is the last line printed")
    train.add_argument("family", metavar="FAMILY", help=f"one of: {', '.join(families.NAMES)}")
    train.add_argument("--data", required=True, metavar="NAME_OR_PATH", help="a dataset by name, or a file")
    train.add_argument("--data-b", metavar="NAME_OR_PATH", help="the second dataset, for a family that learns from two")
    train.add_argument("--preset", metavar="NAME", help="start from a preset (see 'families')")
    train.add_argument("--set", action="append", default=[], nargs="+", metavar="key=value", help="settings to change")
    _length(train)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    train.add_argument("--name", default="", help="a name for the run")

    resume = commands.add("resume", _resume, "continue a run; a number of steps or seconds is the new total")
    resume.add_argument("run", metavar="RUN", help="a run's folder, id or name")
    _length(resume)
    resume.add_argument(
        "--set", action="append", default=[], nargs="+", metavar="key=value", help="settings to change, starting with "
        "the next step"
    )

    evaluate = commands.add("evaluate", _evaluate, "measure how good a model is on all its validation data")
    add_model(evaluate)
    add_precision(evaluate)
    evaluate.add_argument("--data", metavar="PATH", help="evaluate on this text instead")
    evaluate.add_argument("--json", action="store_true")


def _length(parser: argparse.ArgumentParser) -> None:
    planned = parser.add_mutually_exclusive_group()
    planned.add_argument("--steps", type=int, metavar="N", help="train for N steps in total")
    planned.add_argument("--seconds", type=float, metavar="S", help="train for S seconds in total")
    parser.add_argument("--stop-after", type=int, metavar="N", help="save and stop after N steps without changing the "
        "planned length")
    parser.add_argument("--quiet", action="store_true", help="hide the progress display")


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
    _drive(task, families.get(options.family), options.quiet)


def _config(options: argparse.Namespace) -> dict[str, Any]:
    try:
        family = families.get(options.family)
    except KeyError:
        raise GenstudioError(
            f"Unknown family '{options.family}'.", f"Choose one of: {', '.join(families.NAMES)}."
        ) from None
    values: dict[str, Any] = {}
    if options.preset:
        preset = families.preset_called(family.presets, options.preset)
        if preset is None:
            known = ", ".join(preset.name for preset in family.presets)
            raise GenstudioError(f"Unknown preset '{options.preset}'.", f"Choose one of: {known}.")
        values = dict(_fitted(family, preset, options) if preset.sizes else preset.values)
        if options.steps is None and options.seconds is None:
            options.steps, options.seconds = preset.steps, preset.seconds
    if options.data_b is not None:
        second = [setting.name for setting in family.config.settings() if setting.dataset]
        if not second:
            raise GenstudioError(f"{family.title} learns from one dataset.", "Omit --data-b.")
        values[second[0]] = options.data_b
    return dict(family.config.parse(values).override(_assignments(options)).model_dump())


def _fitted(family: families.AnyFamily, preset: families.Preset, options: argparse.Namespace) -> Values:
    """The settings of a preset of a given time, of a size that this computer trains in it."""
    from genstudio.tasks.estimate import FitPreset

    values = result(FitPreset(family.name, options.data, preset.name, options.device), quiet=options.quiet)
    if not options.quiet:
        named = {name: value for name, value in values.items() if any(name in size.values for size in preset.sizes)}
        said = ", ".join(f"{name}={value}" for name, value in named.items())
        print(f"Sized for this computer: {said}", file=sys.stderr)
    return values


def _assignments(options: argparse.Namespace) -> list[str]:
    return [text for group in options.set for text in group]


def _resume(options: argparse.Namespace) -> None:
    from genstudio.tasks import live
    from genstudio.tasks.live import settings_of
    from genstudio.tasks.train import Resume

    run = find_run(options)
    changes = live.settings(run, run.info.step).override(_assignments(options)).model_dump() if options.set else {}
    task = Resume(str(run.folder), options.steps, options.seconds, options.stop_after, changes=changes)
    _drive(task, settings_of(run)[0], options.quiet)


def _drive(task: Train | Resume, family: families.AnyFamily, quiet: bool) -> None:
    """Train until the end, Ctrl-C or a signal that ends programs; save in any case; print the run's folder.

    Only a second Ctrl-C does not wait for the step to end: a closed terminal sends SIGHUP more than once. Where it was
    started with nohup, it trains on.
    """
    from genstudio.tasks.models import Models

    asked: list[int] = []

    def stop(number: int, _frame: Any) -> None:
        if number == signal.SIGINT in asked:
            raise KeyboardInterrupt
        asked.append(number)

    numbers = [signal.SIGINT, *(getattr(signal, name) for name in _ENDS if hasattr(signal, name))]
    before = {
        number: signal.signal(number, stop)
        for number in numbers
        if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN
    }
    bar = Bar(quiet, family.dashboard)
    folder = ""
    job = task.run(Models())
    try:
        for frame in job:
            folder = frame.run or folder
            bar.show(frame)
            if frame.halt:
                raise RunError(frame.halt, "Free some space, then 'genstudio resume'.")
            if asked:
                break
    except TrainingError as error:
        raise TrainingError(error.message, f"{error.hint} {_gentler(folder)}", error.path) from error
    finally:
        bar.end()
        job.close()
        for number, handler in before.items():
            signal.signal(number, handler)
    if asked:
        bar.say("Saved; continue with 'genstudio resume'.")
    print(folder)


def _gentler(folder: str) -> str:
    """The command that goes on with learning rates a quarter as large."""
    from genstudio.runs import Run
    from genstudio.tasks import live

    run = Run.open(folder)
    config = live.settings(run, run.info.step)
    values = config.model_dump()
    rates = [s.name for s in config.settings() if s.live and "rate" in s.name and s.logarithmic and s.applies(values)]
    changes = " ".join(f"{name}={values[name] / 4:.3g}" for name in rates)
    return f"Try: genstudio resume {run.id} --set {changes}"


def _evaluate(options: argparse.Namespace) -> None:
    from genstudio.runs import Run
    from genstudio.tasks.evaluate import Evaluate
    from genstudio.tasks.live import settings_of

    ref = reference(options)
    scores = result(Evaluate(ref, options.data), quiet=options.json or None)
    run = Run.open(ref.run)
    family = settings_of(run)[0]
    found = findings.of_run(run, int(scores["step"])) if family.doctor is not None else []
    if options.json:
        print(json.dumps({**scores, **({} if family.doctor is None else {"findings": [asdict(one) for one in found]})}))
        return
    samples.tell(scores, family.dashboard)
    if scores.get("unknown"):
        print("unknown: tokens that stand for characters missing from the vocabulary; they are easier to predict than "
            "the originals")
    if family.doctor is not None:
        print("\n".join(["The doctor found:", *findings.record(found)] if found else ["The doctor found no problems."]))
