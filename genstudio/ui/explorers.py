"""Pages beside a training that need no run: parts of a model to play with. A family names those that belong to it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QStackedWidget, QTabBar, QWidget

from genstudio.config import Values
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import named
from genstudio.ui.widgets import tooltip


@dataclass(frozen=True, slots=True)
class SetUp:
    """What a training tab shows now: the run, if any, and whether it trains; else what is set up to be trained."""

    run: str = ""
    live: bool = False
    family: str = ""
    data: str = ""
    values: Values = field(default_factory=dict)
    seed: int = 0


class ExplorerPage(QWidget):
    """A page that is told what the tab shows whenever it is looked at. `failed(Failure)`."""

    failed = Signal(object)

    def __init__(self, engine: Engine, name: str, title: str) -> None:
        super().__init__()
        self._engine = engine
        named(self, name, title)

    def show_set_up(self, _now: SetUp) -> None:
        """The page is seen, with this in the tab."""


@dataclass(frozen=True, slots=True)
class Explorer:
    """A page by its `title`, what it is for, and the class that is built when it is first chosen."""

    title: str
    says: str
    module: str
    name: str


EXPLORERS: Mapping[str, Explorer] = {
    "by_hand": Explorer("By hand", "Compute a step by hand: forward, loss, backward, update", "basics.by_hand", "ByHandPage"),
    "activations": Explorer("Activations", "Curves and slopes of activation functions", "basics.curves_page", "ActivationsPage"),
    "losses": Explorer("Losses", "Curves and slopes of losses: what a wrong answer costs", "basics.curves_page", "LossesPage"),
    "optimisers": Explorer("Optimisers", "Optimisers racing on one surface", "basics.optimisers", "OptimisersPage"),
    "depth": Explorer("Depth", "Signals and slopes through many layers", "basics.depth_page", "DepthPage"),
    "scaling": Explorer("Compute and data", "The best size of a language model and of its text for a given compute, by three "
        "published fits, and where yours stand", "train.scaling", "ScalingPage"),
}


class ExplorerBar(QTabBar):
    """The pages of a training, then the explorers of its family. `chosen()` when another one is looked at, `turned(index)` when
    it is a page of the training.

    `now()` says what the room shows; `page` is the explorer in front, None where that is the training.
    """

    chosen = Signal()
    turned = Signal(int)
    failed = Signal(object)

    def __init__(self, engine: Engine, stack: QStackedWidget, now: Callable[[], SetUp], prefix: str) -> None:
        super().__init__()
        named(self, f"{prefix}explorers", "Training and explorers")
        self._engine, self._stack, self._now = engine, stack, now
        self._pages: dict[str, ExplorerPage] = {}
        self._names: tuple[str, ...] = ("",)
        self._titles: tuple[str, ...] = ("Training",)
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setDocumentMode(True)
        self.addTab("Training")
        self.currentChanged.connect(lambda _: self._turned())
        self.hide()

    def set_explorers(self, names: Sequence[str]) -> None:
        """Offer these, by name; the training where what was in front is not among them."""
        if names != self._names[len(self._titles) :]:
            self._offer(self._titles, tuple(names), max(self.currentIndex(), 0) if not self.current else 0)
            self._turned()

    def set_titles(self, titles: Sequence[str], at: int) -> None:
        """The pages of the training, and which of them is in front."""
        if tuple(titles) != self._titles:
            self._offer(tuple(titles), self._names[len(self._titles) :], at)
        elif not self.current and self.currentIndex() != at:
            with QSignalBlocker(self):
                self.setCurrentIndex(at)

    def _offer(self, titles: tuple[str, ...], names: tuple[str, ...], at: int) -> None:
        front = self.current
        with QSignalBlocker(self):
            while self.count():
                self.removeTab(0)
            self._titles, self._names = titles, ("",) * len(titles) + names
            for title in titles:
                self.addTab(title)
            for name in names:
                self.setTabToolTip(self.addTab(EXPLORERS[name].title), tooltip(EXPLORERS[name].says))
            self.setCurrentIndex(self._names.index(front) if front and front in names else min(at, len(titles) - 1))
        self.setVisible(bool(names))

    @property
    def current(self) -> str:
        """The explorer in front by its name; empty where that is the training."""
        return self._names[max(self.currentIndex(), 0)]

    @property
    def page(self) -> ExplorerPage | None:
        """The explorer in front."""
        return self._pages.get(self.current)

    def choose(self, name: str) -> None:
        """Bring an explorer to the front, or the training where `name` is empty. Raises ValueError for one not offered."""
        if name or self.current:
            self.setCurrentIndex(self._names.index(name))

    def refresh(self) -> None:
        """Tell the explorer in front what the room shows."""
        if self.page is not None:
            self.page.show_set_up(self._now())

    def _turned(self) -> None:
        name = self.current
        if name and name not in self._pages:
            known = EXPLORERS[name]
            made = getattr(importlib.import_module(f"genstudio.ui.{known.module}"), known.name)
            page: ExplorerPage = made(self._engine)
            self._pages[name] = page
            page.failed.connect(self.failed)
            self._stack.addWidget(page)
        self.refresh()
        if not name:
            self.turned.emit(max(self.currentIndex(), 0))
        self.chosen.emit()
