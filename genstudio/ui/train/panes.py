"""What a run is looked at in: for each pane of its dashboard a view of the kind of thing that comes on its channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QLineEdit, QStackedWidget, QWidget

from genstudio.events import Snapshot
from genstudio.families.dashboard import Pane
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.confusion import Confusion
from genstudio.snapshots.filled import Filled
from genstudio.snapshots.grounding import WordLooks
from genstudio.snapshots.layers import EmbeddingMap, LayerStatistics
from genstudio.snapshots.listening import Listening
from genstudio.snapshots.matching import Meeting, Similarity
from genstudio.snapshots.network import Depth, NetworkState
from genstudio.snapshots.patches import PatchAttention
from genstudio.snapshots.population import Population
from genstudio.snapshots.samples import Bars, Codes, Growing, Histograms, Pictures, Plane
from genstudio.snapshots.sound import Sound
from genstudio.snapshots.text import Text
from genstudio.snapshots.translation import Translations
from genstudio.tasks.inspect_sample import Shown
from genstudio.ui import theme
from genstudio.ui.basics.depth_view import DepthView
from genstudio.ui.basics.network_page import NetworkPage
from genstudio.ui.layouts import Flow, choice, hbox, named, splitter, vbox
from genstudio.ui.views.attention import AttentionView
from genstudio.ui.views.codes import BarsView, CodesView
from genstudio.ui.views.confusion import ConfusionView
from genstudio.ui.views.embedding import EmbeddingView
from genstudio.ui.views.filled import FilledView
from genstudio.ui.views.grounding import WordPage
from genstudio.ui.views.histograms import HistogramView
from genstudio.ui.views.layers import LayersPanel
from genstudio.ui.views.listening import ListeningPage
from genstudio.ui.views.matching import MeetingView, SimilarityView
from genstudio.ui.views.patches import PatchPage
from genstudio.ui.views.pictures import PicturesView
from genstudio.ui.views.plane import PlaneView
from genstudio.ui.views.population import PopulationView
from genstudio.ui.views.samples import SamplesView
from genstudio.ui.views.tracks import TracksPage
from genstudio.ui.views.translation import TranslationsPage
from genstudio.ui.views.view import NO_DATA, Figure
from genstudio.ui.widgets import plain_label, tooltip


class PlanePage(QWidget):
    """A plane of the chosen channel, and a box for each of its layers. `picked(index)`: of the real points, then of those that
    were made."""

    picked = Signal(int)

    def __init__(self, pane: Pane) -> None:
        super().__init__()
        self.pane = pane
        prefix = "" if pane.channels[0] == "plane" else f"{pane.channels[0]}_"
        self.setObjectName(f"{prefix}plane_page")
        self.view = PlaneView(pane)
        self.which = choice(f"which_{pane.channels[0]}", pane.choice_title or pane.title, *pane.choices)
        self.which.setToolTip(tooltip(pane.choice_help))
        self.which.setVisible(bool(pane.choices))
        self._newest: dict[str, Plane] = {}
        self.layers: dict[str, QCheckBox] = {}
        for name, (title, says) in pane.layers.items():
            box = self.layers[name] = QCheckBox(title)
            box.setObjectName(f"{prefix}layer_{name}")
            box.setAccessibleDescription(says)
            box.setToolTip(tooltip(says))
            box.setChecked(True)
            box.toggled.connect(lambda on, name=name: self.view.set_layer(name, on))
        self.switches = Flow(self.which, *self.layers.values(), spacing=12)
        vbox(self.switches, (self.view, 1), into=self, spacing=4)
        self.view.picked.connect(self.picked)
        self.which.currentIndexChanged.connect(lambda _: self._choose())

    @property
    def channel(self) -> str:
        """The channel that is chosen."""
        return self.pane.channels[max(self.which.currentIndex(), 0)]

    def show_snapshot(self, snapshot: Plane) -> None:
        """Keep the newest of each channel, and show the one that is chosen, or what stands in for it."""
        self._newest[snapshot.channel] = snapshot
        if len(self.pane.channels) > 1 and snapshot.channel != self.channel:
            return
        self.view.show_snapshot(snapshot)
        for name, box in self.layers.items():
            box.setVisible(self.view.has_layer(name))

    def shown(self, number: int, fixed: bool) -> Shown | None:
        """The made point of this number as it is shown."""
        found = self.view.snapshot
        if found is None or not 0 <= number < len(found.fake):
            return None
        score = None if found.scores is None else float(found.scores[len(found.real) + number])
        return Shown(found.step, found.fake[number].copy(), -1, score, fixed)

    def clear(self) -> None:
        """Show nothing."""
        self._newest.clear()
        self.view.clear()

    def _choose(self) -> None:
        if (found := self._newest.get(self.channel)) is not None:
            self.show_snapshot(found)


class PicturesPage(QWidget):
    """Pictures of the chosen channel, and where the pane says so others beside them. `picked(index)` of the first."""

    picked = Signal(int)

    def __init__(self, pane: Pane) -> None:
        super().__init__()
        self.pane = pane
        self.setObjectName("pictures_page")
        self.samples = PicturesView(pane.title, f"pictures_{pane.channels[0]}", pane.note, score=pane.score)
        self.which = choice(f"which_{pane.channels[0]}", pane.choice_title or pane.title, *pane.choices)
        self.which.setToolTip(tooltip(pane.choice_help))
        self.which.setVisible(bool(pane.choices))
        self._newest: dict[str, Pictures] = {}
        self.pictures = splitter("pictures_splitter", self.samples, down=False)
        self.figures = [self.samples]
        if pane.beside:
            self.beside = PicturesView(
                pane.beside_title, f"pictures_{pane.beside}", pane.beside_note, dated=False, score=pane.score
            )
            self.figures.append(self.beside)
            self.pictures.addWidget(self.beside)
            self.pictures.setSizes([500, 500] if pane.paired else [600, 400])
        vbox(hbox(self.which, None), (self.pictures, 1), into=self, spacing=4)
        self.which.currentIndexChanged.connect(lambda _: self._show())
        self.samples.picked.connect(self.picked)

    @property
    def channel(self) -> str:
        """The channel that is chosen."""
        return self.pane.channels[max(self.which.currentIndex(), 0)]

    def shown(self, number: int, fixed: bool) -> Shown | None:
        """The picture of this number as it is shown."""
        found = self.samples.snapshot
        if found is None or not 0 <= number < len(found.pixels):
            return None
        label = -1 if found.labels is None else int(found.labels[number])
        score = None if found.scores is None else float(found.scores[number])
        return Shown(found.step, found.pixels[number].copy(), label, score, fixed)

    def show_snapshot(self, snapshot: Pictures) -> None:
        """Keep the newest of each channel, and show the one that is chosen."""
        self._newest[snapshot.channel] = snapshot
        if snapshot.channel == self.pane.beside:
            self.beside.show_snapshot(snapshot)
        elif snapshot.channel == self.pane.staged:
            self.samples.note = "what this stage works on"
            self.samples.show_snapshot(snapshot)
        else:
            self._show()

    def clear(self) -> None:
        """Show nothing."""
        self._newest.clear()
        for figure in self.figures:
            figure.clear()

    def _show(self) -> None:
        found = self._newest.get(self.channel)
        if found is not None and found is not self.samples.snapshot:
            self.samples.note = self.pane.note
            self.samples.show_snapshot(found)


def _histograms(pane: Pane) -> HistogramView:
    return HistogramView(pane.title, f"histograms_{pane.channels[0]}", pane.score, (theme.BLUE, theme.GREEN, theme.VERMILION))


VIEWS: Mapping[type[Snapshot], Callable[[Pane], Any]] = {
    Text: lambda _: SamplesView(),
    Filled: lambda pane: FilledView(pane.title),
    Confusion: lambda pane: ConfusionView(pane.title),
    Population: lambda pane: PopulationView(pane.title, f"population_{pane.channels[0]}", pane.note),
    Similarity: lambda pane: SimilarityView(pane.title),
    Meeting: lambda pane: MeetingView(pane.title),
    Attention: lambda pane: AttentionView(pane.title),
    PatchAttention: lambda pane: PatchPage(pane.title),
    WordLooks: lambda pane: WordPage(pane.title, f"words_{pane.channels[0]}"),
    LayerStatistics: lambda _: LayersPanel(),
    Plane: PlanePage,
    Pictures: PicturesPage,
    Histograms: _histograms,
    EmbeddingMap: lambda _: EmbeddingView(),
    Bars: lambda pane: BarsView(pane.title, f"bars_{pane.channels[0]}"),
    Translations: lambda pane: TranslationsPage(pane.title, pane.rows),
    NetworkState: NetworkPage,
    Depth: lambda pane: DepthView(pane.title),
    Sound: TracksPage,
    Listening: ListeningPage,
    Codes: lambda pane: CodesView(pane.title, f"codes_{pane.channels[0]}", pane.note),
}
"""What shows a kind of snapshot, built for a pane: it has `show_snapshot` and `clear`."""


class PaneView(QStackedWidget):
    """One pane. Its view is built when the first thing to show arrives: that says of which kind it is.

    `picked(index)` when a sample was clicked, `failed(Failure)` if a figure cannot be written, `built()` with a new view.
    """

    built = Signal()
    picked = Signal(int)
    failed = Signal(object)

    def __init__(self, pane: Pane) -> None:
        super().__init__()
        self.pane = pane
        self.setObjectName(f"pane_{pane.channels[0]}")
        self.setAccessibleName(pane.title)
        self.fixed = True
        self._views: dict[type[Snapshot], Any] = {}
        waiting = plain_label(NO_DATA, role="quiet")
        waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.addWidget(waiting)

    @property
    def view(self) -> Any:
        """The view of what came last; None before that."""
        return next((view for view in self._views.values() if view is self.currentWidget()), None)

    @property
    def channel(self) -> str:
        """The channel that is looked at."""
        return self.view.channel if isinstance(self.view, PicturesPage | PlanePage) else self.pane.channels[0]

    def takes(self, channel: str) -> bool:
        """Whether snapshots of this channel are shown here."""
        return channel in (*self.pane.channels, self.pane.beside, self.pane.staged)

    def show_snapshot(self, snapshot: Snapshot, fixed: bool = True) -> None:
        """Show it, if there is a view for its kind. `fixed`: it was made of the noise that stays the same."""
        kind = Pictures if isinstance(snapshot, Growing) else type(snapshot)
        if kind not in VIEWS:
            return
        if kind not in self._views:
            self._views[kind] = self._build(kind)
            self.built.emit()
        self.fixed = fixed
        self.setCurrentWidget(self._views[kind])
        self._views[kind].show_snapshot(snapshot)

    @property
    def real(self) -> int:
        """How many of what can be picked come before what was made: real points."""
        points = self.view.view.snapshot if isinstance(self.view, PlanePage) else None
        return 0 if points is None else len(points.real)

    def shown(self, number: int) -> Shown | None:
        """The sample of this number as it is shown; None where there is none."""
        return self.view.shown(number, self.fixed) if isinstance(self.view, PlanePage | PicturesPage) else None

    def redraw(self) -> None:
        """Draw at once what is shown."""
        for figure in (self.view, *self.findChildren(Figure)):
            if isinstance(figure, Figure):
                figure.redraw()

    def clear(self) -> None:
        """Show nothing."""
        for view in self._views.values():
            view.clear()
        self.setCurrentIndex(0)

    def _build(self, kind: type[Snapshot]) -> Any:
        view = VIEWS[kind](self.pane)
        self.addWidget(view)
        for figure in (view, *view.findChildren(Figure)):
            if isinstance(figure, Figure):
                figure.failed.connect(self.failed)
        if kind in (Plane, Pictures) and self.pane.picks:
            view.picked.connect(self.picked)
        return view


def with_field(pane: PaneView) -> tuple[QWidget, QLineEdit | None]:
    """A pane below the text that it follows, and the field of that text, where it follows one."""
    said = pane.pane.field
    if said is None:
        return pane, None
    edit = named(QLineEdit(said.text), f"live_{said.name}", said.help)
    edit.setToolTip(said.help)
    edit.setMaxLength(400)
    words = plain_label(said.label, role="quiet")
    words.setBuddy(edit)
    line, holder = QWidget(), QWidget()
    hbox(words, (edit, 1), into=line)
    vbox(line, (pane, 1), into=holder, margins=(0, 8, 0, 0))
    return holder, edit
