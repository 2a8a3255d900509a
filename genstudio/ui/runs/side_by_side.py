"""What several runs made last, beside each other, or two of them behind one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QWidget

from genstudio import families
from genstudio.events import Snapshot
from genstudio.families.dashboard import SIDE, STAGE, Pane
from genstudio.runs import RunInfo
from genstudio.snapshots.samples import Pictures, Plane
from genstudio.ui import theme
from genstudio.ui.layouts import Stack, choice, hbox, named, vbox
from genstudio.ui.runs.overlay import labels
from genstudio.ui.runs.wipe import Wipe
from genstudio.ui.train.panes import VIEWS, PaneView
from genstudio.ui.widgets import ElidedLabel, plain_label

MOST = 4
"""Runs beside each other that there is room for."""
Made = tuple[Pane, Snapshot]


def looks(info: RunInfo, snapshots: Sequence[Snapshot]) -> tuple[Made, ...]:
    """What there is to see of a run, each with its pane, without what stands beside it there."""
    family, found = families.find(info.family), []
    newest = {snapshot.channel: snapshot for snapshot in snapshots if type(snapshot) in VIEWS}
    for pane in family.dashboard.panes if family is not None else ():
        channel = next((channel for channel in pane.channels if channel in newest), None)
        if pane.place in (STAGE, SIDE) and channel is not None:
            alone = replace(pane, channels=(channel,), choices=(), beside="", paired=False, staged="", field=None)
            found.append((alone, newest[channel]))
    return tuple(found)


def matching(offered: Sequence[Made], wanted: Made) -> Made | None:
    """What of another run is most like this: of the same pane, else of the same kind."""
    same = [made for made in offered if type(made[1]) is type(wanted[1])]
    return next((made for made in same if made[0].title == wanted[0].title), next(iter(same), None))


class SideBySide(QWidget):
    """Shows the newest samples of runs. `failed(Failure)` if a figure cannot be written."""

    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("runs_samples")
        self.which = choice("runs_look", "What is shown of each run")
        self.wiped = named(QCheckBox("One over the other"), "runs_wipe_on", "Overlay both, with a movable divider")
        for box in (self.which,):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.note = plain_label(role="quiet", wrap=True, name="runs_samples_note")
        self.wipe = Wipe()
        self.row = QWidget()
        self._columns: QHBoxLayout = hbox(into=self.row)
        self.stack = Stack()
        self.stack.addWidget(self.row)
        self.stack.addWidget(self.wipe)
        self.views: list[PaneView] = []
        self._infos: tuple[RunInfo, ...] = ()
        self._found: tuple[tuple[Made, ...], ...] = ()
        self._shown: tuple[object, ...] = ()
        vbox(hbox(self.which, self.wiped, None), self.note, (self.stack, 1), into=self, margins=(0, 8, 0, 0))
        self.which.activated.connect(lambda _: self._draw())
        self.wiped.toggled.connect(lambda _: self._draw())

    def show_runs(self, infos: Sequence[RunInfo], found: Mapping[str, Sequence[Snapshot] | None]) -> None:
        """Show these runs, whose snapshots by folder are there or still being read."""
        usable = [info for info in infos if info.usable][:MOST]
        self._infos = tuple(info for info in usable if found.get(str(info.folder)))
        self._found = tuple(looks(info, found[str(info.folder)] or ()) for info in self._infos)
        titles = [pane.title for pane, _ in next(iter(self._found), ())]
        if titles != [self.which.itemText(at) for at in range(self.which.count())]:
            now = self.which.currentText()
            self.which.clear()
            self.which.addItems(titles)
            self.which.setCurrentIndex(max(self.which.findText(now), 0))
        self.which.setEnabled(len(titles) > 1)
        missing = [info for info in usable if str(info.folder) not in found]
        words = ""
        if not infos:
            words = "Select a run, or several with Ctrl or Shift to see their samples side by side."
        elif missing:
            words = "Reading the samples…"
        elif not any(self._found):
            words = "No samples have been saved yet."
        elif len(infos) > MOST:
            words = f"The first {MOST} of {len(infos)} runs are shown."
        self.note.setText(words)
        self.note.setVisible(bool(words))
        self._draw()

    def _draw(self) -> None:
        place = self.which.currentIndex()
        first = self._found[0][place] if self._found and 0 <= place < len(self._found[0]) else None
        made = [first if first is None or not at else matching(offered, first) for at, offered in enumerate(self._found)]
        two = [one for one in made if one is not None and isinstance(one[1], Pictures | Plane)]
        can_wipe = len(two) == len(self._infos) == 2
        self.wiped.setVisible(can_wipe)
        wiping = can_wipe and self.wiped.isChecked()
        self.stack.setCurrentIndex(1 if wiping else 0)
        shown = (wiping, labels(self._infos), tuple(None if one is None else id(one[1]) for one in made))
        if shown == self._shown:
            return
        self._shown = shown
        if wiping:
            (pane, one), (other_pane, other) = two
            assert isinstance(one, Pictures | Plane) and isinstance(other, Pictures | Plane)
            left, right = labels(self._infos)
            self.wipe.show_sides((replace(pane, title=left), one), (replace(other_pane, title=right), other))
        else:
            self._build(made)

    def _build(self, made: Sequence[Made | None]) -> None:
        while (item := self._columns.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        self.views = []
        for label, one in zip(labels(self._infos), made, strict=True):
            column = QWidget()
            name = ElidedLabel(label)
            name.setFont(theme.font(theme.NORMAL, bold=True))
            if one is None:
                inside: QWidget = plain_label("Nothing of this kind.", role="quiet")
            else:
                view = PaneView(one[0])
                view.failed.connect(self.failed)
                view.show_snapshot(one[1])
                self.views.append(view)
                inside = view
            vbox(name, (inside, 1), into=column, spacing=4)
            self._columns.addWidget(column, 1)
