"""Keeps the weights of a learner along the way, and puts kept ones back: weights alone, for looking, not for resuming."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping

from torch import nn

from genstudio.errors import CheckpointError, RunError, StorageError
from genstudio.events import Notice
from genstudio.runs import Run
from genstudio.runs.thinning import is_due
from genstudio.runs.weight_history import room
from genstudio.training import checkpoint
from genstudio.training import tensors as packed
from genstudio.training.learner import Learner
from genstudio.training.matching import check_weights
from genstudio.training.tensors import DamagedError

_SHARE, _AHEAD = 1 / 50, 2.5


class WeightRecorder:
    """Keeps weights while a run is written: where they are due, and cheap enough.

    All savings together take at most a fiftieth of the time, as if it had begun some seconds earlier: most is learned
    early. What cannot be written is told once and ends the keeping, never the training.
    """

    def __init__(self, run: Run, learner: Learner, elapsed: float) -> None:
        self._run, self._learner, self._key = run, learner, run.info.key
        self._maximum = room(
            sum(p.numel() * p.element_size() for part in learner.model.modules.values() for p in part.parameters())
        )
        self._kept = run.weights.steps()
        self._began, self._step = elapsed, 0
        self._spent = self._cost = 0.0

    def keep_if_due(self, step: int, elapsed: float, saving: float = 0.0) -> list[Notice]:
        """Keep the weights of this step or do not; `saving` are the seconds that checkpoints took. Never raises."""
        if step < self._step:  # training went back, and what came after went with it
            self._kept = self._run.weights.steps()
        self._step = step
        allowed = _SHARE * (elapsed - self._began + _AHEAD)
        if not self._maximum or self._spent + self._cost + saving > allowed or not is_due(self._kept, step, self._maximum):
            return []
        began = time.monotonic()
        try:
            weights = checkpoint.weights_of(self._learner.model.modules)
            if not packed.nonfinite(weights):
                self._kept = self._run.weights.add(step, packed.dump(weights, {"run": self._key, "step": str(step)}))
        except StorageError as error:
            self._maximum = 0
            return [Notice(step, "warning", f"No more weights are saved for the replay. {error}")]
        self._cost = time.monotonic() - began
        self._spent += self._cost
        return []


def load(run: Run, step: int, modules: Mapping[str, nn.Module]) -> None:
    """Puts the weights of a step into these modules: from its checkpoint or, without one, those kept along the way.

    Raises CheckpointError or RunError, and then nothing was changed.
    """
    if step in checkpoint.steps(run):
        try:
            checkpoint.load_modules(run, step, modules)
        except CheckpointError:
            if step not in run.weights.steps():
                raise
        else:
            return
    data = run.weights.read(step)
    try:
        said = packed.read_header(data).get("__metadata__", {})
        weights = packed.load(data)
    except DamagedError as error:
        raise RunError(f"The weights saved at step {step:,} are damaged: {error}.", "Choose another step.") from error
    if (said.get("run"), said.get("step")) != (run.info.key, str(step)):
        raise RunError(f"The weights saved at step {step:,} belong to another run.", "Choose another step.", run.folder)
    mine = {name: tensor for name, tensor in weights.items() if name.startswith(tuple(f"{module}." for module in modules))}
    check_weights(checkpoint.weights_of(modules), mine, run.folder)
    checkpoint.fill(modules, mine)


def resolve(run: Run, which: checkpoint.Which) -> int:
    """As that of checkpoints; a step of which only the weights were kept is one too. Raises CheckpointError."""
    if isinstance(which, int) and which not in checkpoint.steps(run) and which in run.weights.steps():
        return which
    return checkpoint.resolve(run, which)


def steps(run: Run) -> list[int]:
    """Every step whose weights can be looked at, ascending: checkpoints, and what was kept between them."""
    return sorted({*checkpoint.steps(run), *run.weights.steps()})


def marks(run: Run) -> dict[int, str]:
    """For each of these steps a word that changes when its weights may have."""
    found = {step: run.weights.mark(step) for step in run.weights.steps()}
    for step in checkpoint.steps(run):
        with contextlib.suppress(OSError):
            found[step] = str((checkpoint.checkpoint_dir(run, step) / "manifest.json").stat().st_mtime_ns)
    return dict(sorted(found.items()))
