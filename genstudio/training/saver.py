"""When a training saves: checkpoints, and weights along the way, each for a small share of the time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np

from genstudio.events import Series
from genstudio.training import checkpoint
from genstudio.training.learner import Learner
from genstudio.training.loop import Plan, Stopwatch
from genstudio.training.recorder import Recorder
from genstudio.training.weights import WeightRecorder

_HIGHER = 0.01
"""By which share of it a loss has to be higher than the lowest to count as worse: estimates of it differ by less."""

Best = Sequence[float | None]
"""The lowest value of the learner's criterion, and its step; both None before there is one."""


class Saver:
    """Decides when a checkpoint is due, and has it written: at most a fiftieth of the time, and never the same step twice.

    `step` is the one that the model is of. `stuck` once the step after it is not finite.
    """

    def __init__(
        self, recorder: Recorder, learner: Learner, plan: Plan, watch: Stopwatch, step: int, best: Best | None,
        *, keeps_weights: bool,
    ) -> None:  # fmt: skip
        self._recorder, self._learner, self._plan, self._watch = recorder, learner, plan, watch
        self.stuck = False
        self._cost = self._spent = 0.0
        self._loss: float | None = None
        self._best: Best = (None, None)
        self.back(step, best)
        self._saved = step if step else -1
        along = keeps_weights and recorder.writes
        self._weights = WeightRecorder(recorder.run, learner, watch.elapsed) if along else None

    def saw(self, series: Mapping[str, Series]) -> None:
        """Take note of how good the model is."""
        losses = series.get(self._learner.criterion)
        if losses is None or not len(losses):
            return
        self._loss = float(losses.values[-1])
        least = int(np.argmin(losses.values))
        if self._best[0] is None or losses.values[least] < self._best[0]:
            self._best, self._better = (float(losses.values[least]), int(losses.steps[least])), True

    def back(self, step: int, best: Best | None) -> None:
        """The model is that of a step that is saved."""
        self.step = self._saved = step
        self._saved_at, self._better = self._watch.elapsed, False
        self._loss, self._best = None, best or (None, None)

    def worse_for(self) -> float:
        """The share of the training, in [0, 1], since its criterion was at its lowest; 0 where it is hardly higher now, or where
        the best checkpoint would be this one."""
        least, at = self._best
        if least is None or at is None or self._loss is None or self._loss <= least + _HIGHER * abs(least):
            return 0.0
        done = self._plan.progress(self.step, self._watch.elapsed)
        return done * (self.step - at) / max(self.step, 1)

    def due(self) -> bool:
        """Whether so much time has passed, or less where the model has become better."""
        since = self._watch.elapsed - self._saved_at
        return since >= max(30.0, 50 * self._cost) or (self._better and since >= max(10.0, 50 * self._cost))

    def save_if_changed(self) -> None:
        """Write a checkpoint unless this very step is saved. Raises StorageError, TrainingError."""
        if self.step == self._saved and not self.stuck:
            return
        began = time.monotonic()
        state = {
            "elapsed": self._watch.elapsed, "plan": self._plan.total, "best": list(self._best), "stuck": self.stuck,
        }  # fmt: skip
        run = self._recorder.run
        undoable = [change.step for change in run.changes() if change.saved][-3:]
        self._recorder.write(
            checkpoint.save, run, self.step, self._learner, state, loss=self._loss, keep=undoable
        )
        self._cost = time.monotonic() - began
        self._spent += self._cost
        self._saved, self._saved_at, self._better = self.step, self._watch.elapsed, False
        self._recorder.tell(self.step, "saved", f"Saved at step {self.step:,}")

    def keep_weights(self) -> None:
        """Keep the weights of this step for a replay, where that is due and cheap. Never raises."""
        if self._weights is not None:
            for notice in self._weights.keep_if_due(self.step, self._watch.elapsed, self._spent):
                self._recorder.tell(notice.step, notice.kind, notice.text)
