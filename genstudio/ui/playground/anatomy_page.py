"""The anatomy of a model: this text's numbers at every stage, from the tokens to the probabilities."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QScrollArea,
    QWidget,
)

from genstudio.snapshots.layers import Anatomy
from genstudio.tasks.anatomy import Dissect
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Choice, hbox, named, splitter, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.views.anatomy import AnatomyDiagram, matrix_of
from genstudio.ui.views.anatomy_sums import sum_of
from genstudio.ui.views.heat import MatrixView
from genstudio.ui.widgets import ElidedLabel, LabeledSlider, icon_button, plain_label

_TOKENS = (8, 12, 16, 24, 32, 64)
_WIDE = 1000


class AnatomyPage(Page):
    """A diagram to step through, the chosen stage large beside it, and switches to see what a part is for."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_anatomy", "Anatomy")
        self._is_wide: bool | None = None
        self.diagram = AnatomyDiagram()
        self.matrix = MatrixView("Stage", "anatomy_matrix")
        self.layer, self.head, self.tokens = (self._choice(*names) for names in (
            ("anatomy_layer", "Layer"), ("anatomy_head", "Head"), ("anatomy_tokens", "Number of tokens shown"),
        ))  # fmt: skip
        for count in _TOKENS:
            self.tokens.addItem(f"last {count} tokens", count)
        self.tokens.setCurrentIndex(2)
        self.temperature = LabeledSlider("Temperature", 0.05, 5.0, 1.0, logarithmic=True, name="anatomy_temperature")
        self.scaled = self._switch("÷ √d_k", "anatomy_scaled", "Divide the scores by √d_k")
        self.causal = self._switch("Mask", "anatomy_causal", "Hide future tokens (look-ahead mask)")
        self.previous = icon_button("chevron-left", "anatomy_previous", "Previous stage", shortcut="Shift+F3")
        self.next = icon_button("chevron-right", "anatomy_next", "Next stage", shortcut="F3")
        self.heading = plain_label(role="heading", name="anatomy_heading")
        self.formula = plain_label(name="anatomy_formula", wrap=True)
        self.sentence = plain_label(name="anatomy_sentence", wrap=True)
        self.note = plain_label(name="anatomy_note", wrap=True)
        self.sum = named(ElidedLabel(), "anatomy_sum", "How the value under the pointer is calculated")
        self.status = named(ElidedLabel(), "anatomy_status", "What is shown")
        self.note.setStyleSheet("font-weight: 600")
        self.formula.setFont(theme.mono(theme.NORMAL))
        self.sum.setFont(theme.mono(theme.SMALL))
        self._lay_out()
        self.diagram.failed.connect(self.failed)
        self.matrix.failed.connect(self.failed)
        self.diagram.stage_chosen.connect(lambda _: self._show_stage())
        self.matrix.pointed.connect(self._show_sum)
        self.previous.clicked.connect(lambda: self.diagram.choose(self.diagram.chosen - 1))
        self.next.clicked.connect(lambda: self.diagram.choose(self.diagram.chosen + 1))
        for box in (self.layer, self.head, self.tokens):
            box.currentIndexChanged.connect(lambda _: self._look())
        self.temperature.changed.connect(lambda _: self._look())
        for switch in (self.scaled, self.causal):
            switch.toggled.connect(lambda _: self._look())

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        task = Dissect(
            model, prompt, max(self.layer.currentIndex(), 0), max(self.head.currentIndex(), 0), self.tokens.currentData(),
            self.temperature.value(), self.scaled.isChecked(), self.causal.isChecked(),
        )  # fmt: skip
        self.ask("anatomy", task, on_result=self._show)

    def _show(self, found: Anatomy) -> None:
        self._fill(self.layer, "Layer", found.layers, found.layer)
        self._fill(self.head, "Head", found.heads, found.head)
        self.causal.setEnabled(found.causal)
        self.causal.setToolTip("" if found.causal else "This model was trained without a mask")
        key = self._key()
        self.diagram.show_snapshot(found)
        keys = [stage.key for stage in found.stages]
        self.diagram.chosen = keys.index(key) if key in keys else self.diagram.chosen
        self._show_stage()
        left = f", {found.left_out:,} before them not shown" if found.left_out else ""
        self.status.setText(f"{len(found.tokens)} tokens{left}   ·   weights of step {found.step:,}")

    def _key(self) -> str:
        stages = self.diagram.stages
        return stages[self.diagram.chosen].key if stages else ""

    def _show_stage(self) -> None:
        stages, index = self.diagram.stages, self.diagram.chosen
        if not stages:
            return
        stage = stages[index]
        self.heading.setText(f"{index + 1} of {len(stages)}   {stage.title}")
        self.formula.setText(stage.formula)
        self.sentence.setText(stage.sentence)
        self.note.setText(stage.note)
        self.note.setVisible(bool(stage.note))
        self.matrix.show_matrix(matrix_of(stage), stage.title, stage.shape)
        self._show_sum(-1, -1)
        self.previous.setEnabled(index > 0)
        self.next.setEnabled(index + 1 < len(stages))
        self._scroll_to(index)

    def _show_sum(self, row: int, column: int) -> None:
        """How the value under the pointer is calculated; its row and column light up in the stages it is made of."""
        stages = {stage.key: stage for stage in self.diagram.stages}
        stage = stages.get(self._key())
        found = sum_of(stages, stage, row, column) if stage is not None and row >= 0 else None
        self.sum.setText(found.words if found is not None else "")
        self.diagram.light(found.lit if found is not None else {})

    def _scroll_to(self, index: int) -> None:
        box = self.diagram.tile(index)
        middle = box.center().toPoint()
        self.room.ensureVisible(middle.x(), middle.y(), int(box.width() / 2) + 12, int(box.height() / 2) + 16)

    def _fill(self, box: QComboBox, word: str, count: int, chosen: int) -> None:
        with QSignalBlocker(box):
            if box.count() != count:
                box.clear()
                box.addItems([f"{word} {number}" for number in range(1, count + 1)])
            box.setCurrentIndex(chosen)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp):
            self.diagram.choose(self.diagram.chosen + (1 if event.key() == Qt.Key.Key_PageDown else -1))
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(event.size().width() >= _WIDE)

    def _arrange(self, wide: bool) -> None:
        """Beside each other where there is room, else the diagram over the stage with its words beside it."""
        if self._is_wide == wide:
            return
        self._is_wide = wide
        self.splitter.setOrientation(Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical)
        self.splitter.setSizes([640, 400] if wide else [250, 250])
        self._controls.addWidget(self.temperature, 0 if wide else 1, 6 if wide else 0, 1, 1 if wide else 7)
        for widget in (self.matrix, self.words):
            self._grid.removeWidget(widget)
        self._grid.addWidget(self.words, 0, 0)
        self._grid.addWidget(self.matrix, 1 if wide else 0, 0 if wide else 1)
        for index, (row, column) in enumerate(((0, 3), (1, 4)) if wide else ((1, 3), (0, 4))):
            self._grid.setRowStretch(index, row)
            self._grid.setColumnStretch(index, 0 if wide and index else column)

    def _choice(self, name: str, label: str) -> QComboBox:
        box = named(Choice(), name, label)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        return box

    def _switch(self, text: str, name: str, says: str) -> QCheckBox:
        box = named(QCheckBox(text), name, says)
        box.setChecked(True)
        return box

    def _lay_out(self) -> None:
        self._controls = QGridLayout()
        self._controls.setSpacing(8)
        for column, widget in enumerate((self.layer, self.head, self.tokens, self.scaled, self.causal)):
            self._controls.addWidget(widget, 0, column)
        self._controls.setColumnStretch(6, 1)
        self.room = named(QScrollArea(), "anatomy_scroll", "Diagram of the stages")
        self.room.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.room.setWidget(self.diagram)
        self.room.setWidgetResizable(True)
        self.room.setFrameShape(QScrollArea.Shape.NoFrame)
        self.room.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.splitter = splitter("anatomy_splitter", self.room, self._details())
        vbox(self._controls, (self.splitter, 1), self.sum, self.status, into=self, spacing=6)
        self._arrange(False)

    def _details(self) -> QWidget:
        """The chosen stage: its words, and its numbers large."""
        self.words = QWidget()
        vbox(
            hbox(self.previous, self.next, self.heading, None, spacing=4),
            self.formula, self.sentence, self.note, None, into=self.words, spacing=4,
        )  # fmt: skip
        holder = QWidget()
        self._grid = QGridLayout(holder)
        self._grid.setContentsMargins(0, 4, 0, 0)
        self._grid.setSpacing(8)
        return holder
