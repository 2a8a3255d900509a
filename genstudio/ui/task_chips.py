"""The running tasks in the status bar: a chip for each, with its progress, the way to it and a button that stops it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from genstudio import families
from genstudio.events import Frame, Progress
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import hbox, named, single_shot
from genstudio.ui.widgets import icon_button, plain_label, tooltip

WAIT_MS = 400
"""What ends sooner gets no chip: it would only flicker."""
_MOST = 4
_STATES = {"paused": "paused", "stopping": "stopping"}

TASKS: Mapping[str, tuple[str, str]] = {
    "Train": ("Training", ""),
    "Resume": ("Training", ""),
    "Resynthesise": ("Vocoder", ""),
    "CompareSound": ("Vocoder", "playground"),
    "ShowTranscript": ("Transcript", "playground"),
    "CopyIncluded": ("Copy a run", "runs"),
    "Bench": ("Speed of this computer", ""),
    "ReadRun": ("Open run", ""),
    "DescribeRun": ("Open run", "runs"),
    "ReadReferences": ("Reference lines", ""),
    "ReadPast": ("Race", ""),
    "MeasureEnd": ("Final loss", ""),
    "FrequentWords": ("Reference lines", ""),
    "WarmUp": ("Start-up", ""),
    "ReadNetwork": ("Network", ""),
    "NewNetwork": ("Network", ""),
    "Generate": ("Writing", "playground"),
    "Writer": ("Writing", "playground"),
    "SamplingGrid": ("Grid", "playground"),
    "Beam": ("Beam search", "playground"),
    "Speak": ("Speech", "playground"),
    "Score": ("Score", "playground"),
    "Judge": ("Score", "playground"),
    "ComparePrecision": ("Precision", "playground"),
    "Replay": ("Replay", "playground"),
    "ForgetSteps": ("Delete replay data", "playground"),
    "MapVectors": ("Embedding map", "playground"),
    "LookAtAttention": ("Attention", "playground"),
    "HeldOutPair": ("Held-out pair", "playground"),
    "MeasureLengths": ("By length", "playground"),
    "Both": ("Compare", "playground"),
    "OpenDocument": ("Open document", "playground"),
    "SaveDocument": ("Save document", "playground"),
    "InspectSample": ("Sample", ""),
    "SaveSample": ("Save sample", ""),
    "FindSpace": ("Explore", ""),
    "FindWays": ("Samplers", ""),
    "BlendPictures": ("Pictures between two", ""),
    "SampleWays": ("Samplers", ""),
    "NoiseAndBack": ("Your picture", ""),
    "WalkFromNoise": ("From noise to samples", ""),
    "WalkToNoise": ("From samples to noise", ""),
    "Sample": ("Samples", ""),
    "EncodePicture": ("Your picture", ""),
    "Complete": ("Completions", ""),
    "TranslatePicture": ("Your picture", ""),
    "ShowFading": ("Growth", ""),
    "TranslateHeldOut": ("Held-out pictures", ""),
    "ExportTimeline": ("Export", ""),
    "ExportShown": ("Export", ""),
    "Import": ("Import", "datasets"),
    "ImportPoints": ("Import", "datasets"),
    "ImportClassPoints": ("Import", "datasets"),
    "ImportDrawings": ("Import", "datasets"),
    "Inspect": ("Look at files", "datasets"),
    "DuplicateDataset": ("Copy dataset", "datasets"),
    "RemoveDataset": ("Delete dataset", "datasets"),
    "RenameDataset": ("Rename dataset", "datasets"),
    "UsedBy": ("Delete dataset", "datasets"),
    "Download": ("Download", "datasets"),
    "CheckDataset": ("Checks", "datasets"),
    "ShowSplit": ("Split", "datasets"),
    "Look": ("Preview", "datasets"),
    "LookAtClip": ("Sound", "datasets"),
    "ReadText": ("Preview", "datasets"),
    "Find": ("Search", "datasets"),
    "TryPictures": ("Preview", "datasets"),
    "TryGenerated": ("Preview", "datasets"),
    "FirstBatch": ("First batch", "datasets"),
    "MakeTokenizer": ("Tokenizer", "datasets"),
    "SplitText": ("Tokenizer", "datasets"),
    "SplitDataset": ("Tokenizer", "datasets"),
    "CompareSizes": ("Vocabulary sizes", "datasets"),
    "StepMerges": ("Merges", "datasets"),
    "SaveTokenizer": ("Save tokenizer", "datasets"),
    "OpenTokenizer": ("Open tokenizer", "datasets"),
    "ImportModel": ("Import model", "runs"),
    "ExportModel": ("Export model", "runs"),
    "RenameRun": ("Rename run", "runs"),
    "TrashRuns": ("Delete run", "runs"),
    "RestoreRuns": ("Restore run", "runs"),
    "EmptyTrash": ("Empty trash", "runs"),
    "Evaluate": ("Evaluation", "runs"),
}
"""Of each task a person may start, by its class: what it is called, and the room where its result is seen; where none is
named, that is the room that was in front when it began."""


def title_of(task: Any) -> str:
    """What a task is called on the screen."""
    name = TASKS.get(type(task).__name__, ("Task", ""))[0]
    family = families.find(getattr(task, "family", "")) if name == "Training" else None
    return name if family is None else f"{family.short} training"


_AROUND = 16
"""Width that a chip takes beside its words."""


class TaskChip(QWidget):
    """One task: a button that leads to it and one that stops it."""

    def __init__(self, task: Any, name: str) -> None:
        super().__init__()
        self.title = title_of(task)
        self.setObjectName(name)
        self.show_ = named(QPushButton(self.title), f"{name}_show")
        self.show_.setProperty("chip", True)
        self.cancel = icon_button("close", f"{name}_cancel", f"Stop: {self.title}")
        self._state, self._progress = "running", Progress()
        self.cancel.setProperty("chip", True)  # as low as the other: the bar takes its height from the page above it
        hbox(self.show_, self.cancel, into=self, spacing=0)
        self._say()

    def show_state(self, state: str) -> None:
        """Running, paused or stopping."""
        if state != self._state:
            self._state = state
            self.cancel.setEnabled(state != "stopping")
            self._say()

    def show_progress(self, progress: Progress) -> None:
        """How far the task is."""
        before, self._progress = self._progress, progress
        if (before.text, _share(before)) != (progress.text, _share(progress)):
            self._say()

    def _say(self) -> None:
        state = _STATES.get(self._state, _share(self._progress) or "…")
        self.show_.setText(f"{self.title} {state}" if state != "…" else f"{self.title}…")
        # room for the longest that it will say: a percentage that grows by a digit moves nothing, and is not cut meanwhile
        self.show_.ensurePolished()
        widest = max(map(self.show_.fontMetrics().horizontalAdvance, (f"{self.title} 100%", self.show_.text())))
        self.show_.setMinimumWidth(widest + _AROUND)
        doing = self._progress.text.rstrip("…")
        words = ", ".join(part for part in (self.title, doing if doing != self.title else "", state.strip("…")) if part)
        self.show_.setAccessibleName(f"{words}. Show it")
        self.show_.setToolTip(tooltip(words))


def _room() -> QWidget:
    """As high as a chip and of no width, always there: the bar grows with none that comes, and the page above stays."""
    room = icon_button("close", "status_room", "Room for a task")
    room.setProperty("chip", True)
    room.setFixedWidth(0)
    policy = room.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    room.setSizePolicy(policy)
    room.hide()
    return room


class TaskChips(QWidget):
    """A chip for each running task that a person started. `opened(name, room)`, `cancelled(name)`.

    `place()` is the room in front. `said(text)`: a task that had a chip was ended because something else began.
    """

    opened = Signal(str, str)
    cancelled = Signal(str)
    said = Signal(str)

    def __init__(self, engine: Engine, place: Callable[[], str]) -> None:
        super().__init__()
        self.setObjectName("status_tasks")
        self.setAccessibleName("Running tasks")
        self._engine = engine
        self._place = place
        self._began: dict[str, tuple[float, str]] = {}
        self.chips: dict[str, TaskChip] = {}
        self.more = plain_label(role="quiet", name="status_more_tasks")
        self._row = hbox(self.more, _room(), into=self, margins=(0, 0, 8, 0))
        self._timer = single_shot(self)
        self._timer.timeout.connect(self._show)
        engine.changed.connect(self._show)
        engine.framed.connect(self._framed)
        engine.superseded.connect(self._superseded)
        self._show()

    def _show(self) -> None:
        work, now = self._engine.work(), time.monotonic()
        self._began = {name: self._began.get(name, (now, self._place())) for name in work}
        for name in [name for name in self.chips if name not in work]:
            chip = self.chips.pop(name)
            self._row.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        for name, (began, place) in self._began.items():
            if name not in self.chips and 1000 * (now - began) >= WAIT_MS:
                self._add(name, place)
        for number, (name, chip) in enumerate(self.chips.items()):
            chip.show_state(work[name])
            chip.setVisible(number < _MOST)
        hidden = [chip.title for chip in self.chips.values()][_MOST:]
        self.more.setText(f"{len(hidden)} more" if hidden else "")
        self.more.setToolTip(tooltip("\n".join(hidden)))
        self.more.setVisible(bool(hidden))
        if len(self.chips) < len(work) and not self._timer.isActive():
            self._timer.start(WAIT_MS)

    def _add(self, name: str, place: str) -> None:
        task = self._engine.tasks[name]
        base = f"task_{'_'.join(title_of(task).lower().replace('-', ' ').split())}"
        taken = {chip.objectName() for chip in self.chips.values()}
        free = (base if count == 1 else f"{base}_{count}" for count in itertools.count(1))
        chip = self.chips[name] = TaskChip(task, next(word for word in free if word not in taken))
        room = TASKS.get(type(task).__name__, ("", ""))[1] or place
        chip.show_.clicked.connect(lambda: self.opened.emit(name, room))
        chip.cancel.clicked.connect(lambda: self.cancelled.emit(name))
        self._row.insertWidget(self._row.indexOf(self.more), chip)

    def _framed(self, name: str, frame: Frame) -> None:
        if frame.progress is not None and name in self.chips:
            self.chips[name].show_progress(frame.progress)

    def _superseded(self, name: str, reason: str) -> None:
        if name in self.chips:
            self.said.emit(f"{self.chips[name].title} was stopped: {reason}.")


def _share(progress: Progress) -> str:
    return "" if progress.done is None else f"{progress.done:.0%}"
