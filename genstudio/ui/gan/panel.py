"""One GAN run on the screen: the plane or the pictures over the charts, and beside them what a person can do with it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QTabWidget, QVBoxLayout, QWidget

from genstudio.config import Config
from genstudio.events import Frame
from genstudio.snapshots.samples import Histograms, Pictures, Plane
from genstudio.snapshots.step_stage import StepStage
from genstudio.tasks.timeline import Moment
from genstudio.ui.engine import Engine
from genstudio.ui.gan.charts import GANCharts
from genstudio.ui.gan.doctor import DoctorPage
from genstudio.ui.gan.explore import ExplorePage
from genstudio.ui.gan.live import LiveHandles
from genstudio.ui.gan.sample import SamplePage
from genstudio.ui.gan.slow import SlowMotion
from genstudio.ui.gan.stage import LiveStage
from genstudio.ui.gan.time_machine import TimeMachine
from genstudio.ui.views.chart import value_text
from genstudio.ui.widgets import ElidedLabel, named_tabs


class GANPanel(QWidget):
    """Shows the frames of one GAN run. `failed(Failure)` if a figure cannot be written.

    `pages` is the tab widget in the middle and `side` the one at the right: both take further pages.
    """

    failed = Signal(object)

    def __init__(self, engine: Engine, config_type: type[Config]) -> None:
        super().__init__()
        self.setObjectName("gan_panel")
        self.kind = "points"
        self.stage, self.charts = LiveStage(), GANCharts()
        self.live, self.slow = LiveHandles(config_type), SlowMotion()
        self.sample, self.doctor = SamplePage(engine), DoctorPage(config_type)
        self.time, self.explore = TimeMachine(engine), ExplorePage(engine)
        self.headline = ElidedLabel()
        self.headline.setObjectName("gan_headline")
        self.headline.setAccessibleName("What is happening")
        self.pages, self.side = _tabs("gan_pages", "What is looked at"), _tabs("gan_side", "What can be done")
        self._lay_out()
        figures = (self.stage.plane.view, self.stage.pictures.samples, self.stage.pictures.real, self.slow.diagram)
        for figure in (*figures, self.charts, self.sample, self.time, self.explore):
            figure.failed.connect(self.failed)
        self.time.channel = self._channel
        self.time.moment_shown.connect(self.show_moment)
        self.time.cursor_moved.connect(self._cursor_moved)
        self.charts.filled.connect(lambda: self._tell(self.time.step))
        self.charts.step_chosen.connect(self.time.go_to)
        self.doctor.step_wanted.connect(self.time.go_to)
        self.doctor.changed.connect(self._diagnosed)
        self.slow.turn_on.toggled.connect(lambda _: self.time.follow())
        self.slow.stage_wanted.connect(self.time.follow)

    def set_kind(self, kind: str) -> None:
        """Show what belongs to data of this kind: points or images."""
        self.kind = kind
        self.stage.set_kind(kind)
        self.charts.set_kind(kind)

    def clear(self) -> None:
        """Forget the run that was shown."""
        self.stage.clear()
        self.charts.clear()
        self.slow.show_stage(None)
        self.sample.clear()
        self.doctor.clear()
        self.time.clear()
        self.headline.setText("")

    def show_frame(self, frame: Frame) -> None:
        """Everything in the frame to where it belongs."""
        frame = self.time.passing(frame)
        self.charts.show_frame(frame)
        self.live.show_frame(frame)
        self.doctor.show_frame(frame)
        if frame.back is not None:
            self.charts.forget_after(frame.back)
        staged = any(isinstance(snapshot, StepStage) for snapshot in frame.snapshots)
        for snapshot in frame.snapshots:
            if isinstance(snapshot, StepStage) and self.slow.active:
                self.slow.show_stage(snapshot)
            if isinstance(snapshot, Plane):
                self.charts.set_bounded(snapshot.bounded)
                self.stage.plane.fixed = not staged
            self.stage.show_snapshot(snapshot)

    def show_moment(self, moment: Moment) -> None:
        """Everything that is looked at, as it was."""
        self.stage.plane.fixed = self.slow.stage is None or not self.time.following
        for snapshot in moment.snapshots:
            if isinstance(snapshot, Histograms):
                self.charts.histograms.show_snapshot(snapshot)
            elif isinstance(snapshot, Plane | Pictures):
                self.stage.show_snapshot(snapshot)
        for figure in (self.stage.plane.view, self.stage.pictures.samples, self.charts.histograms):
            figure.redraw()
        if self.time.step is not None and not moment.damaged:
            self._tell(self.time.step)

    def _channel(self) -> str:
        return "plane" if self.kind == "points" else "fixed_raw" if self.stage.pictures.raw else "fixed"

    def _cursor_moved(self, step: int | None) -> None:
        self.charts.set_cursor(step)
        self._tell(step)

    def _tell(self, step: int | None) -> None:
        """The numbers of a step under the slider."""
        values = {} if step is None else self.charts.values_at(step)
        self.time.tell("   ".join(f"{name.replace('_', ' ')} {value_text(value)}" for name, value in values.items()))

    def _diagnosed(self, holding: int) -> None:
        self.side.setTabText(self.side.indexOf(self.doctor), f"Doctor ({holding})" if holding else "Doctor")

    def turn_page(self) -> None:
        """From the training to the explorer and back."""
        self.pages.setCurrentIndex((self.pages.currentIndex() + 1) % self.pages.count())

    def flush(self) -> None:
        """Hand the numbers that wait to their charts."""
        self.charts.flush()

    def _lay_out(self) -> None:
        self.upright = QSplitter(Qt.Orientation.Vertical)
        self.upright.setObjectName("gan_upright_splitter")
        self.upright.setChildrenCollapsible(False)
        seen = QWidget()
        above = QVBoxLayout(seen)
        above.setContentsMargins(0, 0, 0, 0)
        above.setSpacing(4)
        above.addWidget(self.stage, 1)
        above.addWidget(self.time)
        self.upright.addWidget(seen)
        self.upright.addWidget(self.charts)
        self.upright.setStretchFactor(0, 2)
        self.upright.setStretchFactor(1, 1)
        self.upright.setSizes([640, 320])
        self.pages.setTabBarAutoHide(True)
        self.pages.addTab(self.upright, "Training")
        self.pages.addTab(self.explore, "Explore")
        self.side.addTab(self.live, "Live")
        self.side.addTab(self.slow, "Slow motion")
        self.side.addTab(self.sample, "Sample")
        self.side.addTab(self.doctor, "Doctor")
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setObjectName("gan_run_splitter")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.pages)
        self.splitter.addWidget(self.side)
        self.splitter.setStretchFactor(0, 1)
        self.side.setMinimumWidth(304)
        self.side.setUsesScrollButtons(False)
        self.side.setStyleSheet("QTabBar::tab { margin: 0 4px; }")  # all are seen where there is least room
        self.splitter.setSizes([600, 320])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.headline)
        layout.addWidget(self.splitter, 1)


def _tabs(name: str, says: str) -> QTabWidget:
    tabs = QTabWidget()
    tabs.setObjectName(name)
    named_tabs(tabs, says)
    tabs.setDocumentMode(True)
    return tabs
