"""The charts of a GAN: what each shows, on which page it stands, and which numbers go where."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QObject, QPointF, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QTabWidget, QWidget

from genstudio.events import Frame, Notice, Series
from genstudio.snapshots.samples import Histograms
from genstudio.ui import theme
from genstudio.ui.views.curves import CurveGroup, CurvesView, Line
from genstudio.ui.views.histograms import HistogramView
from genstudio.ui.widgets import named_tabs

CEILING = 1 - math.exp(-4.5)
"""Share of a perfect generator's samples within 3 sigma of a mode of a mixture in the plane."""
_FLUSH_MS, _FLUSH_SHARE = 200, 0.01
"""How long numbers wait for their charts at least, and the share of a core that handing them over may take."""
_SLOWEST_MS = 2000
"""Milliseconds between two drawings of a chart at most: half a dozen are in sight, and the training pays for each."""


@dataclass(frozen=True)
class Chart:
    """One chart: `references` are lines at values that are always the same, with their words and shorter ones; `floors` name
    the numbers that are lines. The first of their words stands alone where there is little room."""

    name: str
    title: str
    unit: str
    lines: tuple[Line, ...]
    kinds: tuple[str, ...] = ("points", "images")
    references: Mapping[str, tuple[float, str, str]] = field(default_factory=dict)
    floors: Mapping[str, str] = field(default_factory=dict)
    log: bool = False


def _pair(generator: str, discriminator: str, *, smooth: bool = True) -> tuple[Line, ...]:
    return (
        Line(generator, "generator", theme.GREEN, smooth),
        Line(discriminator, "discriminator", theme.VERMILION, smooth),
    )


def _both(real: str, fake: str, first: str, second: str) -> tuple[Line, ...]:
    return Line(real, first, theme.BLUE, True), Line(fake, second, theme.GREEN, True)


PAGES: Mapping[str, tuple[Chart, ...]] = {
    "Losses": (
        Chart("losses", "Losses", "", _pair("g_loss", "d_loss")),
        Chart("opinions", "D(x) and D(G(z))", "mean", _both("d_real", "d_fake", "D(x)", "D(G(z))")),
    ),
    "Accuracy": (
        Chart(
            "accuracy",
            "Discriminator is right",
            "share",
            _both("accuracy_real", "accuracy_fake", "on real", "on fake"),
            references={"chance": (0.5, "50 %: it cannot tell", "50 %")},
        ),
    ),
    "Quality": (
        Chart(
            "divergence",
            "Divergence",
            "nats",
            (Line("js_divergence", "JS", theme.BLUE), Line("kl_divergence", "KL(real || fake)", theme.PURPLE)),
            ("points",),
            log=True,
        ),
        Chart("modes", "Modes covered", "", (Line("modes", "modes", theme.GREEN),), ("points",)),
        Chart(
            "high_quality",
            "High quality",
            "within 3 sigma",
            (Line("high_quality", "share", theme.GREEN),),
            ("points",),
            references={"ceiling": (CEILING, f"ceiling {CEILING:.2%}", f"{CEILING:.1%}")},
        ),
        Chart(
            "distance",
            "Fréchet distance",
            "own encoder",
            (Line("frechet_distance", "samples", theme.GREEN),),
            ("images",),
            floors={"frechet_distance_floor": "real against real"},
        ),
        Chart(
            "kernel",
            "Kernel distance",
            "own encoder",
            (Line("kernel_distance", "samples", theme.GREEN),),
            ("images",),
            floors={"kernel_distance_floor": "real against real"},
        ),
    ),
    "Variety": (
        Chart(
            "coverage",
            "Density, coverage",
            "",
            (Line("density", "density", theme.PURPLE), Line("coverage", "coverage", theme.GREEN)),
            ("images",),
            floors={"density_floor": "real density", "coverage_floor": "real coverage"},
        ),
        Chart(
            "agreement",
            "Class agreement",
            "share",
            (Line("agreement", "samples", theme.GREEN),),
            ("images",),
            floors={"agreement_real": "real pictures"},
        ),
        Chart(
            "copying",
            "Distance to data",
            "of held-back pictures'",
            (Line("nearest_ratio", "ratio", theme.GREEN),),
            ("images",),
            references={"fresh": (1.0, "as far as new pictures", "new")},
        ),
    ),
    "Gradients": (
        Chart("gradients", "Gradient norms", "", _pair("gradient_norm_g", "gradient_norm_d"), log=True),
        Chart("rates", "Learning rates", "", _pair("rate_g", "rate_d", smooth=False)),
        Chart("speed", "Iterations a second", "", (Line("steps_per_second", "steps/s", theme.SKY, True),)),
    ),
}


def floor_words(value: float, words: str) -> tuple[str, str]:
    """The label of a floor and its short form.

    The kernel distance is an unbiased estimate of a squared distance: between samples of one distribution it scatters
    around 0, so a value below 0 means 0.
    """
    number = f"{value:.3g}" if value >= 0 else "0"
    note = "" if value >= 0 else f" (estimated {value:.3g})"
    return f"{number} {words}{note}", f"{number} {words.split()[0]}"


class ColourKey(QWidget):
    """What the colours mean on every chart, in a line."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("colour_key")
        words = {"real": theme.BLUE, "fake, generator": theme.GREEN, "discriminator": theme.VERMILION}
        self._words = words
        self.setAccessibleName("Colours: real blue, fake and generator green, discriminator vermilion")
        self.setFont(theme.font(theme.SMALL))
        metrics = self.fontMetrics()
        self.setFixedSize(sum(metrics.horizontalAdvance(word) + 24 for word in words), metrics.height() + 14)
        theme.changed.connect(self._recolour)

    def _recolour(self, _theme: object) -> None:
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        metrics, x, middle = self.fontMetrics(), 8.0, self.height() / 2
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for word, color in self._words.items():
                painter.setPen(QColor(0, 0, 0, 0))
                painter.setBrush(QColor(theme.visible(color)))
                painter.drawEllipse(QPointF(x, middle), 4, 4)
                painter.setPen(theme.current().color("quiet"))
                painter.drawText(QPointF(x + 8, middle + metrics.ascent() / 2 - 1), word)
                x += metrics.horizontalAdvance(word) + 24


class GANCharts(QTabWidget):
    """Pages of charts that share one crosshair. `step_chosen(step)` where one was clicked; `filled()` when there are more
    numbers; `failed(Failure)` if a figure cannot be written."""

    failed = Signal(object)
    step_chosen = Signal(int)
    filled = Signal()

    def __init__(self, kind: str = "points") -> None:
        super().__init__()
        self.setObjectName("gan_charts")
        named_tabs(self, "Charts")
        self.setDocumentMode(True)
        self.kind = kind
        self.specs = {chart.name: chart for page in PAGES.values() for chart in page}
        self.views = {
            name: CurvesView(chart.title, chart.unit, chart.lines, log=chart.log, name=f"chart_{name}")
            for name, chart in self.specs.items()
        }
        for chart_view in self.views.values():
            chart_view.slowest_ms = _SLOWEST_MS
        self._of = {line.name: self.views[name] for name, chart in self.specs.items() for line in chart.lines}
        self._floors = {key: (name, words) for name, chart in self.specs.items() for key, words in chart.floors.items()}
        self.histograms = HistogramView("Judgement", "chart_histograms", "D", (theme.BLUE, theme.GREEN, theme.VERMILION))
        self._group = CurveGroup(list(self.views.values()), QObject(self))
        self._cursor: int | None = None
        self._waiting: dict[str, list[Series]] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_FLUSH_MS)
        self._timer.timeout.connect(self.flush)
        self.key = ColourKey()
        self.key.setParent(self)
        for page, charts in PAGES.items():
            holder = QWidget()
            layout = QHBoxLayout(holder)
            layout.setContentsMargins(0, 8, 0, 0)
            layout.setSpacing(8)
            for chart in charts:
                layout.addWidget(self.views[chart.name], 1)
            if page == "Accuracy":
                layout.addWidget(self.histograms, 1)
            self.addTab(holder, page)
        for view in (*self.views.values(), self.histograms):
            view.setMinimumWidth(160)
            view.failed.connect(self.failed)
        for view in self.views.values():
            view.step_chosen.connect(self.step_chosen)
            view.hovered.connect(self._rest)
        self.set_kind(kind)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.key.move(self.width() - self.key.width(), 4)
        self.key.setVisible(self.tabBar().sizeHint().width() + self.key.width() < self.width())

    def set_kind(self, kind: str) -> None:
        """Show the charts of points or of pictures."""
        self.kind = kind
        for index, charts in enumerate(PAGES.values()):
            self.setTabVisible(index, any(kind in chart.kinds for chart in charts))
        for name, chart in self.specs.items():
            self.views[name].setVisible(kind in chart.kinds)
            for key, (value, words, short) in chart.references.items():
                self.views[name].set_reference(key, value, words, short)

    def set_bounded(self, bounded: bool) -> None:
        """Whether the discriminator gives probabilities: then 1/2 is where it cannot tell."""
        self.views["opinions"].set_reference("half", 0.5 if bounded else None, "cannot tell")

    def set_modes(self, count: int | None) -> None:
        """How many modes the data is known to have."""
        self.views["modes"].set_reference("all", None if count is None else float(count), f"all {count}")

    def show_frame(self, frame: Frame) -> None:
        """Numbers a few times a second, marks at once."""
        for name, series in frame.series.items():
            if name in self._of:
                self._waiting.setdefault(name, []).append(series)
            elif name in self._floors:
                chart, words = self._floors[name]
                value = float(series.values[-1])
                self.views[chart].set_reference(name, value, *floor_words(value, words))
        if self._waiting and not self._timer.isActive():
            self._timer.start()
        for snapshot in frame.snapshots:
            if isinstance(snapshot, Histograms):
                self.histograms.show_snapshot(snapshot)
        for notice in frame.notices:
            self._mark(notice)

    def set_cursor(self, step: int | None) -> None:
        """Where the crosshair rests while nothing is pointed at; None: nowhere."""
        self._cursor = step
        self._rest()

    def values_at(self, step: int) -> dict[str, float]:
        """The newest values up to a step of everything that belongs to this kind of data, by name."""
        found = {}
        for name, view in self._of.items():
            steps, values = view.points(name)
            place = int(np.searchsorted(steps, step, side="right"))
            if place and not name.startswith("rate_") and name != "steps_per_second":
                found[name] = float(values[place - 1])
        return found

    def flush(self) -> None:
        """Hand the numbers that wait to their charts."""
        began = time.thread_time()
        self._timer.stop()
        for name, parts in self._waiting.items():
            steps, values = (np.concatenate([getattr(part, which) for part in parts]) for which in ("steps", "values"))
            self._of[name].append(name, steps, values)
        if self._waiting:
            self._waiting.clear()
            self.filled.emit()
            taken = 1000 * (time.thread_time() - began)
            self._timer.setInterval(round(min(max(taken / _FLUSH_SHARE, _FLUSH_MS), _SLOWEST_MS / 2)))

    def clear(self) -> None:
        """Forget the run that was shown."""
        self._timer.stop()
        self._waiting.clear()
        for view in self.views.values():
            view.clear()
        self.histograms.clear()
        self.set_cursor(None)
        self.set_kind(self.kind)

    def forget_after(self, step: int) -> None:
        """Take away what came after a step: the training went back to it."""
        self.flush()
        for view in self.views.values():
            view.forget_after(step)

    def _rest(self, hovered: object = None) -> None:
        if hovered is None:
            for view in self.views.values():
                view.set_crosshair(self._cursor, said=False)

    def _mark(self, notice: Notice) -> None:
        if notice.kind in ("saved", "best", "changed", "warning", "done"):
            self._group.mark(notice.step, notice.kind, notice.text)
