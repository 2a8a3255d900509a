"""Which model, and the weights of which step: the live one, or any checkpoint of any run that can be played with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QWidget

from genstudio import families
from genstudio.runs import RunInfo, is_included
from genstudio.tasks.models import ModelRef
from genstudio.ui.layouts import Choice, hbox, named
from genstudio.ui.widgets import button, plain_label, tooltip


class ModelChoice(QWidget):
    """Two boxes: the run, and its checkpoint. `changed()` when another model, or another step of it, is meant;
    `copy_wanted(folder)` when a model that ships is to become a run.

    `offers(family)` says whether the models of a family can be chosen.
    """

    changed = Signal()
    copy_wanted = Signal(str)

    def __init__(self, offers: Callable[[str], bool]) -> None:
        super().__init__()
        self.setObjectName("model_choice_row")
        self._offers = offers
        self.live: frozenset[str] = frozenset()
        self._runs: dict[str, RunInfo] = {}
        self._kept: tuple[str, tuple[int, ...]] = ("", ())
        self.model = Choice()
        self.checkpoint = Choice()
        layout = hbox(plain_label("Model", role="quiet"), into=self)
        for box, name, label, width, stretch in (
            (self.model, "model_choice", "Model", 20, 3),
            (self.checkpoint, "checkpoint_choice", "Checkpoint", 12, 1),
        ):
            box.setObjectName(name)
            box.setAccessibleName(label)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(width)
            layout.addWidget(box, stretch)
        self.int8 = named(
            QCheckBox("int8"), "int8", "Run the linear layers in 8-bit precision: faster, slightly less accurate"
        )
        self.int8.setToolTip(self.int8.accessibleName())
        layout.addWidget(self.int8)
        self.copy = button(
            "Copy to my runs", "copy_model", "", "Copy this included model to your runs to train it further",
            lambda: self.copy_wanted.emit(str(self.model.currentData())),
        )  # fmt: skip
        self.copy.hide()
        layout.addWidget(self.copy)
        self.int8.toggled.connect(lambda _: self.changed.emit())
        self.model.currentIndexChanged.connect(self._model_changed)
        self.checkpoint.currentIndexChanged.connect(lambda _: self.changed.emit())

    def reference(self) -> ModelRef | None:
        """The model chosen, or None when there is none yet."""
        run = self.model.currentData()
        which = self.checkpoint.currentData()
        int8 = self.int8.isChecked() and not self.int8.isHidden()
        precision: Literal["float32", "int8"] = "int8" if int8 else "float32"
        return ModelRef(run, which if which is not None else "last", precision) if run else None

    def info(self) -> RunInfo | None:
        """The run chosen, if there is one."""
        return self._runs.get(self.model.currentData() or "")

    @property
    def is_included(self) -> bool:
        """Whether the model chosen is one that ships."""
        return self.model.currentData() in self._runs and is_included(self.model.currentData())

    def abilities(self) -> tuple[str, ...] | None:
        """What the model chosen can do, once it has read a source where it needs one; None where there is none yet."""
        run = self.info()
        family = families.find(run.family) if run is not None else None
        return family.can(run.config) if run is not None and family is not None else None

    def show_runs(self, runs: tuple[RunInfo, ...], prefers: Callable[[str], bool] | None = None) -> None:
        """Every run that is offered and has weights, the newest first, and the models that ship behind them; keeps the choice.
        The first choice is the newest run, of those of a family that `prefers(family)` says where there are some."""
        before = self.reference()
        usable = [
            run
            for run in runs
            if run.usable and self._offers(run.family) and (run.checkpoints or str(run.folder) in self.live)
        ]
        self._runs = {str(run.folder): run for run in usable}
        with QSignalBlocker(self.model):
            self.model.clear()
            own = [run for run in usable if not is_included(run.folder)]
            usable = sorted(own, key=lambda run: run.created, reverse=True) + [run for run in usable if run not in own]
            for run in usable:
                self.model.addItem(self._title(run), str(run.folder))
            preferred = (place for place, run in enumerate(usable) if prefers is None or prefers(run.family))
            kept = self.model.findData(before.run) if before else -1
            self.model.setCurrentIndex(kept if kept >= 0 else next(preferred, 0 if usable else -1))
        self._fill_checkpoints(before)

    def set_live(self, live: frozenset[str]) -> None:
        """The runs that are in training now."""
        if live != self.live:
            before, self.live = self.reference(), live
            for index in range(self.model.count()):
                self.model.setItemText(index, self._title(self._runs[self.model.itemData(index)]))
            self._fill_checkpoints(before)

    def show_kept(self, run: str, steps: Iterable[int]) -> None:
        """List these steps of a run beside its checkpoints: weights that were kept along the way."""
        kept = run, tuple(sorted(steps))
        if kept != self._kept:
            self._kept = kept
            self._fill_checkpoints(self.reference())

    def choose(self, run: str, which: str | int | None = None) -> bool:
        """Choose a run by its folder, and a checkpoint of it; whether there is such a run."""
        index = self.model.findData(run)
        if index >= 0:
            self.model.setCurrentIndex(index)
            if (at := self.checkpoint.findData(which)) >= 0:
                self.checkpoint.setCurrentIndex(at)
        return index >= 0

    def _title(self, run: RunInfo) -> str:
        if str(run.folder) in self.live:
            return f"in training: {run.name}"
        if is_included(run.folder):
            return f"Included: {run.name}"
        return f"{run.name}  ·  {run.created[:16].replace('T', ' ')}"

    def _model_changed(self) -> None:
        self._fill_checkpoints(None)

    def _fill_checkpoints(self, before: ModelRef | None) -> None:
        run = self.model.currentData()
        included = self.is_included
        self.copy.setVisible(included)
        self.model.setToolTip(tooltip(self._runs[run].notes) if included else "")
        can = self.abilities() or ("Writes",)
        self.int8.setVisible("Writes" in can and "Translates" not in can)
        kept = before.which if before is not None and before.run == run else None
        with QSignalBlocker(self.checkpoint):
            self.checkpoint.clear()
            if run and run in self.live:
                self.checkpoint.addItem("live, while training", "live")
            steps = self._runs[run].checkpoints if run in self._runs else ()
            if steps:
                self.checkpoint.addItem("newest checkpoint", "last")
                self.checkpoint.addItem("best checkpoint", "best")
            kept_run, kept_steps = self._kept
            known = kept_run == run and (steps or run in self.live)  # else its last checkpoint is not listed yet
            for step in sorted({*steps, *(kept_steps if known else ())}, reverse=True):
                self.checkpoint.addItem(f"step {step:,}" + ("" if step in steps else ", weights alone"), step)
            self.checkpoint.setCurrentIndex(max(self.checkpoint.findData(kept), 0) if self.checkpoint.count() else -1)
        if self.reference() != before:
            self.changed.emit()
