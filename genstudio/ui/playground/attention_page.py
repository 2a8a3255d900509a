"""The attention explorer: all heads small, one map large, as a picture or as lines."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QWidget

from genstudio.events import Frame
from genstudio.inspection.ablation import NOTHING_ABLATED, Ablation
from genstudio.snapshots.attention import HeadMap, Heads
from genstudio.tasks.inside import LookAtAttention, LookAtMap, Which
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Choice, hbox, vbox
from genstudio.ui.playground.ablation_page import describe, still_off
from genstudio.ui.playground.page import Page
from genstudio.ui.views.chart import value_text
from genstudio.ui.views.head_map import HeadMapView
from genstudio.ui.views.heads import HeadsView, height_of
from genstudio.ui.views.token_lines import TokenLinesView
from genstudio.ui.widgets import ElidedLabel, LabeledSlider, button, plain_label, tooltip

_WHAT = ("One head", "Mean of a layer", "Mean of all", "Rollout")
_WHAT_HELP = (
    "Rollout follows attention through all layers, counting half of each layer as the residual stream (Abnar & "
    "Zuidema 2020). "
    "Means are over heads."
)


class AttentionPage(Page):
    """Attention of the last tokens that the model can see, with the parts off that are off in Knock out.

    `switches_changed(Switches)` when that is changed here; `page_wanted(title)` asks for another page.
    """

    switches_changed = Signal(object)
    page_wanted = Signal(str)

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_attention", "Attention")
        self.heads = HeadsView()
        self.map = HeadMapView()
        self.lines = TokenLinesView()
        self.what, self.how = Choice(), Choice()
        self.mass = LabeledSlider("Mass", 0.1, 1.0, 1.0, name="attention_mass")
        self.measured = plain_label(role="quiet", wrap=True, name="attention_measured")
        self.switches = NOTHING_ABLATED
        self.knock_out = button(
            "Knock out this head", "attention_knock_out", does=self._knock_out,
            says="Switch this head off and see what the model predicts without it",
        )  # fmt: skip
        self.off = ElidedLabel()
        self.restore = button("Clear", "attention_restore", does=lambda: self.show_switches(NOTHING_ABLATED))
        self._looked_at: tuple[ModelRef, Prompt] | None = None
        self._found: Heads | None = None
        self._shown = 0
        self._build()
        for view in (self.heads, self.map, self.lines):
            view.failed.connect(self.failed)
        self.heads.head_chosen.connect(self._head_chosen)
        self.what.currentIndexChanged.connect(self._show_what)
        self.how.currentIndexChanged.connect(self._show_as)
        self.mass.changed.connect(lambda _: self._ask_map())
        self.map.wanted.connect(self._ask_part)
        self.lines.wanted.connect(self._ask_part)

    def which(self) -> Which:
        """The map that is asked for."""
        kind = self.what.currentIndex()
        layer, head = self.heads.layer, self.heads.head
        return (Which(layer, head), Which(layer), Which(), Which(rollout=True))[max(kind, 0)]

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        before, self._looked_at = self._looked_at, (model, prompt)
        if before is not None:
            self.show_switches(still_off(self.switches, before, self._looked_at))
        self._read()

    def show_switches(self, switches: Ablation) -> None:
        """Look at the model with exactly these parts off."""
        if switches == self.switches:
            return
        self.switches = switches
        self.heads.set_switches(switches)
        for widget in (self.off, self.restore):
            widget.setVisible(bool(switches))
        self.off.setText(f"Shown with parts {describe(switches)}")
        if self.isVisible():
            self._read()
        else:
            self._missed = True
        self.switches_changed.emit(switches)

    def _read(self) -> None:
        if self._looked_at is not None:
            self.ask("heads", LookAtAttention(*self._looked_at, self.switches), self._show_heads)

    def _knock_out(self) -> None:
        if self._found is not None:
            off = self.switches.heads | {(self.heads.layer, self.heads.head)}
            self.page_wanted.emit("Knock out")
            self.switches_changed.emit(replace(self.switches, heads=off))

    def _show_what(self, kind: int) -> None:
        self.knock_out.setEnabled(kind == 0)
        self._ask_map()

    def _show_heads(self, frame: Frame) -> None:
        for found in frame.snapshots:
            if isinstance(found, Heads):
                self._found = found
                self.heads.setMinimumHeight(height_of(len(found.labels)))
                self.heads.show_snapshot(found)
                if found.looked != self._shown:
                    for view in (self.map, self.lines):
                        view.show_text(found.tokens, found.causal)
                    self._ask_map()
                self._measure()

    def _ask_map(self) -> None:
        if self._looked_at is not None and self._found is not None and self._readable():
            self._shown = self._found.looked
            task = LookAtMap(*self._looked_at, self.which(), self._found.looked, mass=self.mass.value(), switches=self.switches)
            self.ask("map", task, on_result=self._show_map)

    def _readable(self) -> bool:
        """Whether the layers of the map that is asked for have been read; else it is asked for when they have."""
        layer, found = self.which().layer, self._found
        needed = 0 if found is None else len(found.labels) if layer is None else layer + 1
        ready = found is not None and needed <= found.read
        self._shown = self._shown if ready else 0
        return ready

    def _ask_part(self, rows: tuple[int, int], columns: tuple[int, int]) -> None:
        if self._looked_at is not None and self._found is not None:
            mass = self.mass.value()
            task = LookAtMap(*self._looked_at, self.which(), self._found.looked, rows, columns, mass, self.switches)
            self.ask("part", task, on_result=self._show_map)

    def _show_map(self, found: HeadMap) -> None:
        self.map.show_map(found)
        self.lines.show_map(found)
        self._measure(found)

    def _head_chosen(self) -> None:
        if self.what.currentIndex() > 1:
            self.what.setCurrentIndex(0)
        else:
            self._ask_map()

    def _show_as(self, index: int) -> None:
        self.stack.setCurrentIndex(index)

    def _measure(self, shown: HeadMap | None = None) -> None:
        """How much is shown; what was checked of it (sums of rows, masked weights, times) on hover."""
        found = self._found
        if found is None:
            return
        count = len(found.tokens)
        before = f", {found.skipped:,} before them do not fit in the context" if found.skipped else ""
        self.measured.setText(f"{count:,} token{'s' * (count != 1)}{before}")
        one = found if shown is None else shown
        checked = [f"Each row sums to 1 within {value_text(one.row_error)}"]
        if found.causal and not (shown is not None and shown.which.rollout):
            checked.append("masked weights are exactly 0" if one.leak == 0 else f"a masked weight is {one.leak:.1g}")
        elif not found.causal:
            checked.append("there is no look-ahead mask")
        read = f"Read in {found.seconds[0]:.2f} s, all heads in {found.seconds[1]:.2f} s."
        self.measured.setToolTip(tooltip(f"{', '.join(checked)}. {read}"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() > 1.35 * self.height()
        self._split.setOrientation(Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical)

    def _build(self) -> None:
        for box, name, label, entries in (
            (self.what, "attention_what", "What the large map shows", _WHAT),
            (self.how, "attention_how", "How the attention is drawn", ("As a map", "As lines")),
        ):
            box.setObjectName(name)
            box.setAccessibleName(label)
            box.addItems(entries)
        self.what.setToolTip(_WHAT_HELP)
        self.mass.setToolTip("Keep the fewest tokens that together make up this share of each row's attention")
        self.measured.setAccessibleName("Measurements")
        self.off.setObjectName("attention_off")
        self.off.setAccessibleName("Parts that are off")
        for widget in (self.off, self.restore):
            widget.hide()
        self.stack = QStackedWidget()
        self.stack.addWidget(self.map)
        self.stack.addWidget(self.lines)
        lower = QWidget()
        vbox(hbox(self.what, self.how, (self.mass, 1)), (self.stack, 1), into=lower)
        self._split = split = QSplitter(Qt.Orientation.Vertical)
        split.setObjectName("attention_split")
        split.setChildrenCollapsible(False)
        split.addWidget(self.heads)
        split.addWidget(lower)
        split.setStretchFactor(0, 2)
        split.setStretchFactor(1, 5)
        split.setSizes([180, 420])
        layout = vbox(hbox((self.off, 1), self.restore), (split, 1), into=self, spacing=4)
        foot = hbox((self.measured, 1), self.knock_out)
        layout.addLayout(foot)


