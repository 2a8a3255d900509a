"""Train and Resume: from a dataset and settings to a run folder that grows."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genstudio import families, paths, runs
from genstudio.config import Config, Values
from genstudio.data import shelf
from genstudio.data.info import IN_WORDS, TRANSCRIBED
from genstudio.errors import ConfigError, DataError, DeviceError, Problem
from genstudio.events import Frame, Notice, Progress
from genstudio.families.abilities import Writes
from genstudio.runs import Run
from genstudio.runs import plan as plans
from genstudio.tasks import live
from genstudio.tasks.live import settings_of
from genstudio.tasks.models import Models, Opened, dataset_of, keep_beside
from genstudio.tasks.task import Frames, frames_of
from genstudio.training import steering
from genstudio.training.changes import Change, GoBack, Pace, SetLive, Watch

if TYPE_CHECKING:
    from genstudio.training.checkpoint import State
    from genstudio.training.learner import Learner
    from genstudio.training.session import Session, Setup

Kind = families.AnyFamily


@dataclass(frozen=True)
class Train:
    """Train a new run of a family on a dataset (a name on the shelf or a path), perhaps one of a `race`: see `RunInfo`.

    Everything that is asked for is checked before anything is written. Raises ConfigError, DataError, DeviceError,
    StorageError.
    """

    family: str
    data: str
    config: Values = field(default_factory=dict)
    steps: int | None = None
    seconds: float | None = None
    stop_after: int | None = None
    seed: int = 0
    device: str = "auto"
    runs_folder: Path | None = None
    name: str = ""
    watch: Mapping[str, str] = field(default_factory=dict)
    race: Mapping[str, Any] = field(default_factory=dict)

    def run(self, models: Models) -> Training:
        return Training(self, models)

    def parsed(self) -> tuple[Kind, Config]:
        """The family and its config. Raises ConfigError."""
        try:
            family = families.get(self.family)
        except KeyError:
            known = ", ".join(families.NAMES)
            raise ConfigError([Problem("family", f"unknown family '{self.family}'; choose one of: {known}")]) from None
        config = family.config.parse(self.config)
        return family, config if family.resolve is None else family.resolve(config)

    def plan(self, family: Kind, config: Config) -> dict[str, float]:
        """The planned length: what is asked for, else that of the preset. Raises ConfigError, which names the field of
        every number that cannot be."""
        problems = [*_problems(self)]
        if not 0 <= self.seed < 1 << 63:
            problems.append(Problem("seed", f"{self.seed} is outside 0 to 2**63 - 1"))
        if problems:
            raise ConfigError(problems)
        if plan := plans.parse(self.steps, self.seconds):
            return plan
        same = [p for p in family.presets if any(family.config.parse(values) == config for values in p.every)]
        chosen = same[0] if same else family.presets[0]
        return plans.parse(chosen.steps, chosen.seconds)


@dataclass(frozen=True)
class Resume:
    """Go on with a run from its newest sound checkpoint.

    `steps` or `seconds` change the plan to that many in all, which must not be less than what is done. `changes` are
    settings and their values from the next step on; those that differ must be `live` ones, and are recorded in the run
    like a `SetLive`. Everything that is asked for is checked before anything is written. Raises ConfigError, with the
    field of each problem; RunError, CheckpointError, DataError, DeviceError, StorageError.
    """

    run_path: str
    steps: int | None = None
    seconds: float | None = None
    stop_after: int | None = None
    device: str | None = None
    watch: Mapping[str, str] = field(default_factory=dict)
    changes: Values = field(default_factory=dict)

    def run(self, models: Models) -> Training:
        return Training(self, models)

    def check(self, run: Run) -> None:
        """Raises ConfigError for what cannot be asked of this run; RunError."""
        from genstudio.training import checkpoint

        if problems := list(_problems(self)):
            raise ConfigError(problems)
        steering.changed(live.settings(run, max(checkpoint.steps(run), default=0)), self.changes)

    def plan(self, run: Run, state: State) -> tuple[Mapping[str, float], str]:
        """The length that is asked for, or that of run.json, or that of the checkpoint where run.json has none that can be
        used, with a warning then. Raises ConfigError."""
        info, asked = run.info, plans.parse(self.steps, self.seconds)
        plan = asked or info.plan or plans.read(state.get("plan"))[0]
        if not plan:
            raise ConfigError([Problem("", f"{info.reason.rstrip('.')}; give it a new length in steps or seconds")])
        if asked:
            plans.check_longer(plan, int(state["step"]), float(state.get("elapsed", 0.0)))
            return plan, ""
        return plan, f"{info.reason} The {plans.words(plan)} of the checkpoint is used instead." if info.reason else ""


def _problems(task: Train | Resume) -> Iterator[Problem]:
    """What is wrong with the numbers that both tasks have."""
    for unit in ("steps", "seconds"):
        value = getattr(task, unit)
        if value is not None and (wrong := plans.problem(unit, value)):
            yield Problem(unit, wrong)
    if task.stop_after is not None and task.stop_after < 1:
        yield Problem("stop_after", f"{task.stop_after} is too few; stop after at least 1 step")


class Training(Generator[Frame, None, str]):
    """A running training; it returns the folder of its run. Between two frames it can be adjusted; closing it saves."""

    def __init__(self, task: Train | Resume, models: Models) -> None:
        self._task, self._models = task, models
        self.session: Session | None = None
        self._early: list[Change] = []
        self._frames = self._work()

    def send(self, value: None) -> Frame:
        return next(self._frames)

    def throw(self, *error: Any) -> Frame:
        return self._frames.throw(*error)

    def adjust(self, change: Change) -> Frame | None:
        """Take a change into account, between two frames and so between two steps; a frame tells what came of it."""
        if self.session is not None:
            frame = self.session.adjust(change)
            self._opened.step = self.session.step
            return frame
        if isinstance(change, SetLive | GoBack | Pace | Watch):
            self._early.append(change)
        return None

    def _work(self) -> Frames[str]:
        yield Frame(progress=Progress("Starting the engine"))
        from genstudio.training.session import Session

        task = self._task
        family, setup = yield from (_begun(task) if isinstance(task, Train) else _resumed(task))
        run, model, doctor = setup.run, setup.learner.model, family.doctor
        info, key = run.info, str(run.folder.resolve())
        keep_beside(model, run)
        session = Session(
            replace(
                setup,
                watch=task.watch,
                stop_after=task.stop_after,
                doctor=None if doctor is None else lambda told: doctor(told, model.data),
                keeps_weights=isinstance(model, Writes),
                saves_memory=family.saves_memory,
            )
        )
        self._opened = Opened(model, session.step, f"{info.name} (in training)", info.family, live=True)
        self._models.training[key] = self._opened
        self.session = session
        try:
            yield next(session)
            for change in self._early:
                if (told := self.adjust(change)) is not None:
                    yield told
            for frame in session:
                self._opened.step = session.step
                yield frame
            return str(run.folder)
        finally:
            del self._models.training[key]
            session.close()


def _begun(task: Train) -> Frames[tuple[Kind, Setup]]:
    """A new run, once everything that can be refused is known to be right."""
    from genstudio.training.device import choose
    from genstudio.training.loop import Plan
    from genstudio.training.session import Setup

    family, config = task.parsed()
    plan, device = task.plan(family, config), choose(task.device)
    yield Frame(progress=Progress("Reading the dataset"))
    info = fitting(family, task.data)
    data = yield from frames_of(family.prepare(config, shelf.open_dataset(info)), "Preparing the data")
    learner = _learner(family, config, data, device, task.seed)
    run = runs.create(
        task.runs_folder or paths.runs(),
        family=family.name,
        name=task.name or info.title,
        config=config.model_dump(),
        dataset={"id": info.id, "title": info.title, "hash": info.sha256, "kind": info.kind},
        seed=task.seed,
        device=device,
        plan=plan,
        kept=family.metadata(data),
        measures=[measure.name for measure in family.dashboard.result],
        race=task.race,
    )
    return family, Setup(run=run.acquire(), learner=learner, plan=Plan.of(plan), config=config)


def _resumed(task: Resume) -> Frames[tuple[Kind, Setup]]:
    """A run that goes on from its newest sound checkpoint."""
    run = Run.open(task.run_path)
    task.check(run)
    with contextlib.ExitStack() as undo:
        undo.callback(run.acquire().release)
        ready = yield from _reopened(run, task)
        undo.pop_all()
    return ready


def _reopened(run: Run, task: Resume) -> Frames[tuple[Kind, Setup]]:
    from genstudio.training import checkpoint
    from genstudio.training.device import choose
    from genstudio.training.loop import Plan
    from genstudio.training.session import Setup

    (family, config), device, seed = settings_of(run), choose(task.device or "auto"), run.info.seed
    yield Frame(progress=Progress("Reading the dataset"))
    dataset = shelf.open_dataset(fitting(family, dataset_of(run).id))
    data = yield from frames_of(family.prepare(config, dataset, run.kept()), "Preparing the data")
    learner = _learner(family, config, data, device, seed)
    state = checkpoint.load(run, "last", learner)
    notices: list[Notice] = []
    before = [step for step in checkpoint.steps(run) if step < state["step"]]
    while task.changes and state.get("stuck"):
        stuck = int(state["step"])
        if before:
            state = checkpoint.load(run, before.pop(), learner)
        else:  # the weights of step 0 follow from the seed alone
            learner, state = _learner(family, config, data, device, seed), {"step": 0}
        text = f"The step after {stuck:,} is not finite with any settings: continuing from step {state['step']:,}"
        notices.append(Notice(int(state["step"]), "warning", text))
    step = int(state["step"])
    plan, warning = task.plan(run, state)
    texts = [("warning", text) for text in (warning, *state.get("warnings", [])) if text]
    notices += [Notice(step, kind, text) for kind, text in (*texts, ("info", f"Resumed at step {step:,}"))]
    setup = Setup(
        run=run, learner=learner, plan=Plan.of(plan), config=config, state=state, notices=tuple(notices),
        changes=task.changes,
    )  # fmt: skip
    return family, setup


def _learner(family: Kind, config: Config, data: Any, device: str, seed: int) -> Learner:
    """Raises DeviceError where there is too little memory."""
    from genstudio.training.device import out_of_memory

    try:
        return family.learner(family.model(config, data, device, seed), seed)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise DeviceError(
            "There is not enough memory for a model of this size.", "Choose a smaller model or a smaller batch."
        ) from error


def fitting(family: Kind, name: str) -> shelf.DatasetInfo:
    """The dataset, or the file, of this name. Raises DataError where the family learns from other kinds of data."""
    info = shelf.find_dataset(name, family.data_kinds)
    if not family.takes(info):
        wanted = " or ".join(IN_WORDS[kind] for kind in family.data_kinds)
        said = "sound without transcripts" if TRANSCRIBED in family.data_kinds and info.kind == "audio" else IN_WORDS[info.kind]
        raise DataError(
            f"{family.title} cannot be trained on '{info.title}': it needs {wanted}, and this dataset holds {said}.",
            "Choose another dataset.", info.place,
        )  # fmt: skip
    return info
