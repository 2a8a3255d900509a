"""An explorer of optimisers: they race down one surface, or down the loss of one's own network, from the same start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QCheckBox, QWidget

from genstudio.events import Array
from genstudio.families.dashboard import Line
from genstudio.nn.by_hand import HandNetwork, backward, forward, losses, targets_of
from genstudio.nn.descent import FORMULAS, TITLES, Descent, Kind
from genstudio.snapshots.network import NetworkState
from genstudio.tasks.models import ModelRef
from genstudio.tasks.networks import NewNetwork, ReadNetwork
from genstudio.ui import theme
from genstudio.ui.asking import Asking
from genstudio.ui.basics.state import network_of
from genstudio.ui.engine import Engine
from genstudio.ui.explorers import ExplorerPage, SetUp
from genstudio.ui.layouts import Flow, choice, hbox, paired, splitter, vbox
from genstudio.ui.views.curves import CurvesView
from genstudio.ui.views.plane_parts import image
from genstudio.ui.views.view import Figure, Table, paint_title, polyline
from genstudio.ui.widgets import LabeledSlider, button, plain_label

_TICK_MS, _STEPS, _LONGEST, _MOST = 50, 2, 5000, 600
_FAR = 1e6
_COLORS: dict[Kind, str] = dict(zip(TITLES, theme.CYCLE, strict=False))


@dataclass(frozen=True)
class Surface:
    """A function of two numbers, (..., 2) -> (...), its gradient, where it is looked at, and where a race begins."""

    title: str
    says: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    extent: tuple[float, float, float, float]
    start: tuple[float, float]


def _valley_slope(w: Array) -> Array:
    x, y = w[..., 0], w[..., 1]
    return np.stack([-2 * (1 - x) - 40 * x * (y - x**2), 20 * (y - x**2)], -1)


SURFACES: Sequence[Surface] = (
    Surface(
        "Long bowl", "Ten times steeper across than along: gradient descent zigzags, momentum and Adam go along.",
        lambda w: np.asarray(0.5 * (w[..., 0] ** 2 + 20 * w[..., 1] ** 2)), lambda w: np.asarray(w * [1.0, 20.0]),
        (-4.0, 4.0, -2.0, 2.0), (-3.5, 1.2),
    ),
    Surface(
        "Curved valley", "A narrow bent valley (Rosenbrock 1960): down into it is easy, along it is slow.",
        lambda w: np.asarray((1 - w[..., 0]) ** 2 + 10 * (w[..., 1] - w[..., 0] ** 2) ** 2), _valley_slope,
        (-2.0, 2.0, -1.0, 3.0), (-1.5, 2.4),
    ),
    Surface(
        "Saddle", "Flat in the middle, falling to both sides: who starts on the ridge has to leave it first.",
        lambda w: np.asarray(w[..., 0] ** 2 - w[..., 1] ** 2 + 0.1 * w[..., 1] ** 4 + 2.5),
        lambda w: np.stack([2 * w[..., 0], -2 * w[..., 1] + 0.4 * w[..., 1] ** 3], -1), (-3.0, 3.0, -3.0, 3.0), (-2.5, 0.01),
    ),
    Surface(
        "Four minima", "Four equal minima (Himmelblau 1972): where a race ends depends on start, rate and momentum.",
        lambda w: np.asarray((w[..., 0] ** 2 + w[..., 1] - 11) ** 2 + (w[..., 0] + w[..., 1] ** 2 - 7) ** 2) / 20,
        lambda w: np.stack([
            4 * w[..., 0] * (w[..., 0] ** 2 + w[..., 1] - 11) + 2 * (w[..., 0] + w[..., 1] ** 2 - 7),
            2 * (w[..., 0] ** 2 + w[..., 1] - 11) + 4 * w[..., 1] * (w[..., 0] + w[..., 1] ** 2 - 7),
        ], -1) / 20, (-5.0, 5.0, -5.0, 5.0), (-0.5, -0.8),
    ),
)  # fmt: skip
OWN = "Own network"


@dataclass
class Racer:
    """One optimiser on its way: where it is, and where it has been."""

    descent: Descent
    parameters: list[Array]
    path: list[tuple[float, float]]
    losses: list[float]


class SurfaceFigure(Figure):
    """A surface seen from above with the paths of all racers. `start_chosen(x, y)` on a click, or with the arrow keys."""

    start_chosen = Signal(float, float)

    def __init__(self) -> None:
        super().__init__("Surface", "optimisers_surface")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.surface, self.start = SURFACES[0], np.array(SURFACES[0].start)
        self.racers: dict[Kind, Racer] = {}

    def show_surface(self, surface: Surface, start: Array) -> None:
        self.surface, self.start = surface, start
        self.redraw()

    def table(self) -> Table:
        rows = [(TITLES[kind], step, *place, loss) for kind, racer in self.racers.items()
                for step, (place, loss) in enumerate(zip(racer.path, racer.losses, strict=True))]  # fmt: skip
        return ("optimiser", "step", "w1", "w2", "loss"), rows

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        paint_title(painter, self.surface.title, "click: another start", area)
        plot, look = self._plot(), theme.current()
        x0, x1, y0, y1 = self.surface.extent
        x, y = np.meshgrid(np.linspace(x0, x1, 96), np.linspace(y1, y0, 96))
        heights = np.log1p(np.maximum(self.surface.value(np.stack([x, y], -1)), 0))
        levels = np.floor(heights / max(float(heights.max()), 1e-9) * 24) / 24
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(plot, image(theme.mapped(-levels, -1.0, 0.0)))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.save()
        painter.setClipRect(plot)
        for kind, racer in self.racers.items():
            color = QColor(_COLORS[kind])
            at = np.array([self._at(place) for place in racer.path[-1500:]])
            painter.setPen(QPen(QColor("white"), 4))
            painter.drawPolyline(polyline(at[:, 0], at[:, 1]))
            painter.setPen(QPen(color, 2.2))
            painter.drawPolyline(polyline(at[:, 0], at[:, 1]))
            painter.setPen(QPen(QColor("white"), 1.5))
            painter.setBrush(color)
            painter.drawEllipse(QPointF(*at[-1].tolist()), 6, 6)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(look.color("#FFFFFF"), 2))
        painter.drawEllipse(QPointF(*self._at(tuple(self.start.tolist()))), 8, 8)
        painter.restore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        plot, (x0, x1, y0, y1) = self._plot(), self.surface.extent
        if event.button() == Qt.MouseButton.LeftButton and plot.contains(event.position()):
            across = (event.position().x() - plot.left()) / plot.width()
            up = (plot.bottom() - event.position().y()) / plot.height()
            self.start_chosen.emit(x0 + across * (x1 - x0), y0 + up * (y1 - y0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        x0, x1, y0, y1 = self.surface.extent
        moves = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}
        key = Qt.Key(event.key())
        if key in moves:
            x, y = self.start + np.array(moves[key]) * [(x1 - x0) / 40, (y1 - y0) / 40]
            self.start_chosen.emit(float(np.clip(x, x0, x1)), float(np.clip(y, y0, y1)))
        else:
            super().keyPressEvent(event)

    def _at(self, place: tuple[float, ...]) -> tuple[float, float]:
        plot, (x0, x1, y0, y1) = self._plot(), self.surface.extent
        x, y = np.clip(place, -_FAR, _FAR)
        return (plot.left() + (x - x0) / (x1 - x0) * plot.width(), plot.bottom() - (y - y0) / (y1 - y0) * plot.height())

    def _plot(self) -> QRectF:
        return QRectF(self.rect()).adjusted(12, 34, -12, -12)


class OptimisersPage(ExplorerPage):
    """A race: every chosen optimiser from the same start; rate and momentum may change while it runs."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "optimisers_page", "Optimisers")
        self._asking, self._source = Asking(engine), SetUp()
        self.state: NetworkState | None = None
        self.network: HandNetwork | None = None
        self.step = 0
        self.racers: dict[Kind, Racer] = {}
        self.where = choice("optimisers_where", "What they descend", *(one.title for one in SURFACES), OWN)
        self.run = button("Race", "optimisers_run", "play", "Start or pause the race")
        self.run.setCheckable(True)
        self.one = button("One step", "optimisers_step", "chevron-right", "One step of each optimiser", lambda: self.advance(1))
        self.again = button("Start again", "optimisers_again", "refresh", "Back to the start", self.begin)
        self.boxes: dict[Kind, QCheckBox] = {}
        for kind, title in TITLES.items():
            box = self.boxes[kind] = QCheckBox(title)
            box.setObjectName(f"optimisers_{kind}")
            box.setAccessibleDescription(FORMULAS[kind])
            box.setToolTip(FORMULAS[kind])
            box.setChecked(True)
            box.toggled.connect(lambda _: self.begin())
        self.rate = LabeledSlider("Learning rate", 1e-4, 10.0, 0.03, logarithmic=True, name="optimisers_rate")
        self.momentum = LabeledSlider("Momentum", 0.0, 0.99, 0.9, name="optimisers_momentum")
        self.figure = SurfaceFigure()
        lines = tuple(Line(kind, title, _COLORS[kind]) for kind, title in TITLES.items())
        self.chart = CurvesView("Loss", "all from the same start", lines, log=True, name="optimisers_chart")
        self.said = plain_label("", wrap=True, name="optimisers_said")
        self.said.setMinimumHeight(2 * self.said.fontMetrics().lineSpacing())
        row = Flow(paired(plain_label("On"), self.where), self.run, self.one, self.again)
        handles = QWidget()
        hbox((self.rate, 1), (self.momentum, 1), into=handles)
        parts = splitter("optimisers_splitter", (self.figure, 1), (self.chart, 1), sizes=(430, 430), down=False)
        boxes = Flow(*self.boxes.values(), spacing=12)
        vbox(row, boxes, handles, (parts, 1), self.said, into=self, margins=(0, 4, 0, 0), spacing=6)
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(lambda: self.advance(_STEPS))
        self.run.toggled.connect(lambda on: self._timer.start() if on else self._timer.stop())
        self.where.currentIndexChanged.connect(lambda _: self._chosen())
        self.figure.start_chosen.connect(self._start_at)
        for figure in (self.figure, self.chart):
            figure.failed.connect(self.failed)
        self._chosen()

    @property
    def own(self) -> bool:
        """Whether they descend the loss of a network."""
        return self.where.currentIndex() == len(SURFACES)

    def show_set_up(self, now: SetUp) -> None:
        key = replace(now, live=False, values={}, data="", seed=0) if now.run else now
        if key != self._source:
            self._source, self.state, self.network = key, None, None
            if self.own:
                self._read()

    def begin(self) -> None:
        """Everybody back to the start."""
        self.step, self.racers = 0, {}
        for kind, box in self.boxes.items():
            if box.isChecked() and (not self.own or self.network is not None):
                self.racers[kind] = Racer(Descent(kind), self._start(), [], [])
        self.chart.clear()
        self.figure.racers = {} if self.own else self.racers
        self._record()
        self._say()

    def advance(self, steps: int) -> None:
        """So many steps of every optimiser, with the rate and the momentum as they stand."""
        if self.step >= _LONGEST:
            self.run.setChecked(False)
            return
        for _ in range(steps):
            self.step += 1
            for racer in self.racers.values():
                if not np.isfinite(racer.losses[-1]) or racer.losses[-1] > _FAR:
                    continue  # it has left the surface
                racer.descent.momentum = self.momentum.value()
                gradients = self._slopes(racer.parameters)
                racer.parameters = racer.descent.step(racer.parameters, gradients, self.rate.value())
            self._record()
        self._say()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.run.setChecked(False)

    def _record(self) -> None:
        for kind, racer in self.racers.items():
            loss = self._loss(racer.parameters)
            racer.losses.append(loss)
            if not self.own:
                x, y = racer.parameters[0][0].tolist()
                racer.path.append((x, y))
            if np.isfinite(loss):
                self.chart.append(kind, np.array([self.step]), np.array([max(loss, 1e-12)]))
        self.figure.redraw()

    def _start(self) -> list[Array]:
        if self.own and self.network is not None:
            return [part.copy() for pair in zip(self.network.weights, self.network.biases, strict=True) for part in pair]
        return [self.figure.start[None].copy()]

    def _with(self, parameters: Sequence[Array]) -> HandNetwork:
        assert self.network is not None
        return replace(self.network, weights=tuple(parameters[::2]), biases=tuple(parameters[1::2]))

    def _data(self) -> tuple[Array, Array]:
        assert self.state is not None
        train = ~self.state.held
        return self.state.inputs[train].astype(np.float64), targets_of(self.state.labels[train], self.state.sizes[-1])

    def _loss(self, parameters: Sequence[Array]) -> float:
        with np.errstate(all="ignore"):
            if self.own:
                inputs, targets = self._data()
                network = self._with(parameters)
                return float(losses(network, forward(network, inputs), targets).mean())
            return float(self.figure.surface.value(parameters[0][0]))

    def _slopes(self, parameters: Sequence[Array]) -> list[Array]:
        with np.errstate(all="ignore"):
            if self.own:
                inputs, targets = self._data()
                network = self._with(parameters)
                back = backward(network, forward(network, inputs), targets)
                return [part for pair in zip(back.weights, back.biases, strict=True) for part in pair]
            return [self.figure.surface.slope(parameters[0])]

    def _chosen(self) -> None:
        self.figure.setVisible(not self.own)
        if self.own:
            self.network = None
            self._read()
        else:
            surface = SURFACES[self.where.currentIndex()]
            self.figure.show_surface(surface, np.array(surface.start))
        self.begin()

    def _start_at(self, x: float, y: float) -> None:
        self.figure.start = np.array([x, y])
        self.begin()

    def _read(self) -> None:
        now = self._source
        if now.run or (now.data and now.values):
            task = ReadNetwork(ModelRef(now.run, "live")) if now.run else NewNetwork(now.family, now.data, now.values, now.seed)
            self._asking.ask(
                "network", task, on_result=self._got,
                on_end=lambda failure: self.said.setText(failure.message) if failure is not None else None,
            )  # fmt: skip

    def _got(self, state: NetworkState) -> None:
        network = network_of(state)
        self.state, self.network = state, network if network.parameters <= _MOST else None
        self.begin()
        if self.network is None:
            self.said.setText(f"{network.parameters:,} parameters are too many to race here: at most {_MOST}. Use Race… instead.")

    def _say(self) -> None:
        """Who leads."""
        ends = {kind: racer.losses[-1] for kind, racer in self.racers.items()}
        sound = {kind: loss for kind, loss in ends.items() if np.isfinite(loss) and loss <= _FAR}
        says = "The training loss of the network that is set up, or of the run, from its weights." if self.own else (
            self.figure.surface.says)  # fmt: skip
        parts = [says]
        if self.step and sound:
            leader = min(sound, key=lambda kind: sound[kind])
            parts.append(f"Step {self.step:,}: {TITLES[leader]} leads with a loss of {sound[leader]:.4g}.")
        lost = [TITLES[kind] for kind in ends if kind not in sound]
        if lost:
            parts.append(f"Diverged: {', '.join(lost)}.")
        self.said.setText(" ".join(parts))
