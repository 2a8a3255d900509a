"""One text over the training of a model: a slider through its saved steps."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMessageBox,
    QPushButton,
    QSlider,
    QSplitter,
    QTabWidget,
    QWidget,
)

from genstudio.events import Frame
from genstudio.runs.weight_history import BUDGET, MAXIMUM
from genstudio.storage import size_text
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.replay import ForgetSteps, ReadLoss, Replay, ReplayPoint, Saved, SavedSteps, Watched
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import named, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.playground.sampler import Sampling
from genstudio.ui.views.attention import AttentionView
from genstudio.ui.views.curves import CurvesView, Line
from genstudio.ui.views.next_tokens import NextTokensView
from genstudio.ui.views.tinted import TintedText
from genstudio.ui.views.trajectory import Path, TrajectoryView
from genstudio.ui.views.view import token_text
from genstudio.ui.widgets import ElidedLabel, button, plain_label, tooltip

LONGEST = 120
"""Tokens that each step writes at most."""
ROOM = 200_000_000
"""Bytes of replays that are remembered; the oldest go first."""
_PLAY_MS = 500
_RULE = (
    f"During training the weights of up to {MAXIMUM} steps are saved for the replay, at most {size_text(BUDGET)} per "
    "run, densely at first and more sparsely later. Checkpoints are not affected."
)


@dataclass(slots=True)
class Remembered:
    """A replay, as far as it went."""

    watched: Watched | None = None
    moments: dict[int, ReplayPoint] = field(default_factory=dict)
    marks: dict[int, str] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return sum(moment.bytes for moment in self.moments.values())


class ReplayPage(Page):
    """Replays the text when asked to: with each saved step a model writes, expects and attends again."""

    as_translated = True

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_replay", "Replay")
        self._sampling = Sampling()
        self._saved: Saved | None = None
        self._memory: OrderedDict[Any, Remembered] = OrderedDict()
        self._shown = self._running = Remembered()
        self._left_out: list[str] = []
        self._loss_of = ""
        self.start = button("Replay", "replay_start", "refresh", "Replay the text over the saved steps", self.replay)
        self.stop = button("Cancel", "replay_stop", "stop", does=lambda: self.cancel("replay"))
        self.play = QPushButton("Play")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.step = plain_label("", name="replay_step")
        self.note, self.storage = ElidedLabel(), ElidedLabel()
        self.forget = button("Delete replay data", "replay_forget", "trash", does=self._ask_to_forget)
        self.text = TintedText(
            "replay_text", "Replayed text", "Press Replay to see how the model learned this text."
        )
        self.written = TintedText("replay_written", "Text written at this step", "Press Replay.")
        self.trajectory = TrajectoryView()
        lines = Line("train_loss", "training", "training", True), Line("val_loss", "validation", "validation")
        self.loss = CurvesView("Loss", "nats per token", lines)
        self.next, self.attention = NextTokensView(), AttentionView()
        self.next.waiting = self.attention.waiting = "Press Replay to see it at every saved step"
        self.tabs = QTabWidget()
        self._timer = QTimer(self)
        self._timer.setInterval(_PLAY_MS)
        self._name_things()
        self._lay_out()
        self._connect()
        self._show_memory(Remembered())

    def show_sampling(self, sampling: Sampling) -> None:
        """How each step writes, from the sampler under the document."""
        self._sampling = sampling
        self.next.set_options(sampling.options)
        self._recall()

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        self.ask("saved", SavedSteps(model.run), on_result=self._show_saved)
        if model.run != self._loss_of:
            self._loss_of = model.run
            self.loss.clear()
            self.ask("loss", ReadLoss(model.run), self._show_loss)
        self._recall()

    def replay(self) -> None:
        """Work out what is not remembered of this text."""
        key = self._key()
        if self._model is None or key is None or self.busy("replay"):
            return
        held = self._running = self._memory.setdefault(key, Remembered())
        marks = self._saved.marks if self._saved is not None and self._saved.run == self._model.run else {}
        held.moments = {
            step: moment
            for step, moment in held.moments.items()
            if not moment.live and step in marks and held.marks.get(step) == marks[step]
        }
        held.marks = dict(marks)
        self._left_out.clear()
        self._show_memory(held)
        length = min(self._sampling.length, LONGEST)
        task = Replay(
            self._model.run,
            self._prompt,
            length,
            self._sampling.options,
            self._sampling.seed,
            held.watched,
            tuple(held.moments),
            self._model.source,
        )
        self.ask("replay", task, self._advance)

    def steps(self) -> list[int]:
        """The steps that the slider goes through."""
        return sorted(self._shown.moments)

    def moment(self) -> ReplayPoint | None:
        """The one that is shown."""
        steps = self.steps()
        return self._shown.moments[steps[min(self.slider.value(), len(steps) - 1)]] if steps else None

    def busy_changed(self) -> None:
        running = self.busy("replay")
        self.start.setEnabled(self._model is not None and not running)
        self.stop.setEnabled(running)
        self.forget.setEnabled(bool(self._saved and self._saved.kept) and not running)
        if not running:
            self._say()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.play.setChecked(False)

    def _key(self) -> Any:
        if self._model is None:
            return None
        sampling = self._sampling
        return self._model.run, self._model.source, self._prompt, min(sampling.length, LONGEST), sampling.options, sampling.seed

    def _recall(self) -> None:
        """Show what is remembered of this text and this sampler."""
        held = self._memory.get(self._key())
        if held is not None and held is not self._shown:
            self._memory.move_to_end(self._key())
            self._show_memory(held)
        self.busy_changed()

    def _show_memory(self, held: Remembered) -> None:
        self._shown = held
        self.text.choose(None)
        self._fill()

    def _advance(self, frame: Frame) -> None:
        held = self._running
        for notice in frame.notices:
            self._left_out.append(f"step {notice.step:,}: {notice.text}")
        for snapshot in frame.snapshots:
            if isinstance(snapshot, Watched):
                held.watched = snapshot
            elif isinstance(snapshot, ReplayPoint):
                held.moments[snapshot.step] = snapshot
                if held is self._shown:
                    self._fill()
        if frame.progress is not None and frame.progress.text:
            done = frame.progress.done
            self.note.setText(frame.progress.text + (f"  ·  {done:.0%}" if done is not None else ""))
        while len(self._memory) > 1 and sum(each.bytes for each in self._memory.values()) > ROOM:
            key = next(key for key, each in self._memory.items() if each is not held)
            del self._memory[key]

    def _fill(self) -> None:
        """The slider over all steps that there are; it stays at its step, or at the last one."""
        steps, before = self.steps(), self.slider.maximum()
        at_end = self.slider.value() >= before
        now = self.trajectory.at
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, max(len(steps) - 1, 0))
            place = len(steps) - 1 if at_end or now not in steps else steps.index(now)
            self.slider.setValue(max(place, 0))
        for widget in (self.slider, self.play):
            widget.setEnabled(len(steps) > 1)
        self._show_step()

    def _show_step(self) -> None:
        moment, watched = self.moment(), self._shown.watched
        self.trajectory.set_step(moment.step if moment else None)
        self._mark_loss()
        if moment is None or watched is None:
            self.step.setText("")
            self.text.show_tokens((), ())
            self.written.show_tokens((), ())
            self.next.clear()
            self.attention.clear()
        else:
            kind = "in training" if moment.live else "saved"
            place = self.slider.value() + 1
            self.step.setText(f"step {moment.step:,}  ({kind}, {place} of {len(self._shown.moments)})")
            self.text.show_tokens(watched.texts, np.exp(moment.logprobs).tolist(), note=self.step.text())
            if self.text.chosen is None:
                self.text.choose(min(watched.prompt, len(watched.ids) - 1))
            chosen = moment.writing.chosen
            chances = np.exp(chosen.logprobs) if chosen is not None else moment.writing.probabilities
            self.written.show_tokens(moment.writing.pieces, chances.tolist(), note=self.step.text())
            self.next.show_snapshot(moment.next)
            self.attention.show_snapshot(moment.attention)
        self.slider.setAccessibleDescription(self.step.text())
        self._show_token(self.text.chosen)

    def _mark_loss(self, hovered: object = None) -> None:
        if hovered is None and (moment := self.moment()) is not None:
            self.loss.set_crosshair(moment.step, said=False)

    def _show_token(self, token: int | None) -> None:
        """The way of a token and of its rivals over all steps."""
        watched, steps = self._shown.watched, self.steps()
        if watched is None or token is None or token >= len(watched.ids) or not steps:
            self.trajectory.show_paths((), ())
            return
        moments = [self._shown.moments[step] for step in steps]
        own = np.exp([moment.logprobs[token] for moment in moments])
        paths = [Path(watched.pieces[token], own, own=True)]
        for place, rival in enumerate(watched.candidates[token].tolist()):
            if rival != watched.ids[token] and token:
                values = np.exp([moment.candidates[token, place] for moment in moments])
                paths.append(Path(watched.names[rival], values))
        kind = "of the prompt" if token < watched.prompt else "written by the newest weights"
        note = f"'{token_text(watched.pieces[token])}', token {token + 1:,} of {len(watched.ids):,}, {kind}"
        self.trajectory.show_paths(steps, paths, note if token else f"{note}: there is no context to predict it from")

    def _point(self, token: int) -> None:
        self._show_token(token if token >= 0 else self.text.chosen)

    def _go_to(self, step: int) -> None:
        if steps := self.steps():
            self.slider.setValue(int(np.argmin([abs(there - step) for there in steps])))

    def _tick(self) -> None:
        if self.slider.value() >= self.slider.maximum():
            self.play.setChecked(False)
        else:
            self.slider.setValue(self.slider.value() + 1)

    def _playing(self, on: bool) -> None:
        self.play.setText("Pause" if on else "Play")
        theme.set_icon(self.play, "pause" if on else "play")
        if not on:
            self._timer.stop()
            return
        if self.slider.value() >= self.slider.maximum():
            self.slider.setValue(0)
        self._timer.start()

    def _show_saved(self, saved: Saved) -> None:
        self._saved = saved
        words = f"{len(saved.marks)} saved steps"
        kept = f", {saved.kept} of them for replay only: {size_text(saved.bytes)}" if saved.kept else ""
        self.storage.setText(words + kept)
        self.busy_changed()

    def _show_loss(self, frame: Frame) -> None:
        for name, series in frame.series.items():
            self.loss.append(name, series.steps, series.values)

    def _say(self) -> None:
        if self._model is None:
            self.note.setText("Train a model first; one minute is enough.")
        elif self._left_out:
            self.note.setText(f"{len(self._left_out)} steps were skipped: {'; '.join(self._left_out)}")
        elif self._memory.get(self._key()) is not self._shown or not self._shown.moments:
            other = "This is the replay of another text. " if self._shown.moments else ""
            self.note.setText(f"{other}Press Replay to run every saved step on this text.")
        else:
            self.note.setText("Choose a token to see how its probability changed.")

    def _ask_to_forget(self) -> None:
        saved = self._saved
        if saved is None or self._model is None:
            return
        text = f"Delete the weights of {saved.kept} steps, {size_text(saved.bytes)}?"
        question = QMessageBox(QMessageBox.Icon.Warning, "Delete replay data", text, parent=self)
        question.setInformativeText("Its checkpoints, curves and samples are kept.")
        question.setStandardButtons(QMessageBox.StandardButton.Cancel)
        yes = question.addButton("Delete", QMessageBox.ButtonRole.DestructiveRole)
        question.exec()
        if question.clickedButton() is yes:
            self.ask("forget", ForgetSteps(self._model.run), on_result=self._show_saved)

    def _name_things(self) -> None:
        for widget, name, label in (
            (self.play, "replay_play", "Play through the saved steps"),
            (self.slider, "replay_slider", "Saved step"),
            (self.note, "replay_note", "Status"),
            (self.storage, "replay_storage", "Saved steps and their size"),
            (self.tabs, "replay_tabs", "What to show"),
        ):
            widget.setObjectName(name)
            widget.setAccessibleName(label)
        self.play.setCheckable(True)
        self.play.setToolTip(tooltip("Half a second per saved step"))
        theme.set_icon(self.play, "play")
        self.forget.setToolTip(tooltip(_RULE))
        self.loss.setObjectName("replay_loss")
        self.next.setObjectName("replay_next")
        self.attention.setObjectName("replay_attention")
        self.text.choosable = True
        self.tabs.setDocumentMode(True)

    def _connect(self) -> None:
        self.slider.valueChanged.connect(lambda _: self._show_step())
        self.play.toggled.connect(self._playing)
        self._timer.timeout.connect(self._tick)
        self.text.token_chosen.connect(self._show_token)
        self.text.token_pointed.connect(self._point)
        for chart in (self.trajectory, self.loss):
            chart.step_chosen.connect(self._go_to)
        self.loss.hovered.connect(self._mark_loss)
        for view in (self.trajectory, self.loss, self.next, self.attention):
            view.failed.connect(self.failed)

    def _lay_out(self) -> None:
        actions, time, kept = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        for row in (actions, time, kept):
            row.setSpacing(8)
        for widget in (self.start, self.stop):
            actions.addWidget(widget)
        actions.addWidget(self.note, 1)
        time.addWidget(self.play)
        time.addWidget(self.slider, 1)
        time.addWidget(self.step)
        kept.addWidget(self.storage, 1)
        kept.addWidget(self.forget)
        words = named(QSplitter(Qt.Orientation.Vertical), "replay_splitter")
        words.setChildrenCollapsible(False)
        parts: tuple[tuple[QWidget, int], ...] = ((self.text, 3), (self.trajectory, 4), (self.loss, 3))
        for part, share in parts:
            words.addWidget(part)
            words.setStretchFactor(words.count() - 1, share)
        words.setSizes([130, 190, 140])
        self.tabs.addTab(words, "Tokens")
        self.tabs.addTab(self.written, "Continuation")
        self.tabs.addTab(self.next, "Next token")
        self.tabs.addTab(self.attention, "Attention")
        vbox(actions, time, (self.tabs, 1), kept, into=self)
