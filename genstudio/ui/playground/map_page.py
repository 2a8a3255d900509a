"""Tokens, or what a layer holds of a text, as a map; and what lies near a token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QWidget,
)

from genstudio.events import Frame
from genstudio.snapshots.layers import EmbeddingMap
from genstudio.tasks.embedding import FindNear, MapVectors, Near
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Choice, named, splitter, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.views.embedding import EmbeddingView
from genstudio.ui.views.view import token_text
from genstudio.ui.widgets import ElidedLabel, button, plain_label

_NO_NEAR = "Click a {} for its nearest neighbours"


class MapPage(Page):
    """A map to search, zoom and click, with the nearest neighbours of the chosen token beside it."""

    identity = "page_map", "Embedding map"
    spaces: tuple[tuple[str, str], ...] = (("Token embeddings (W_E)", "tokens"), ("Output layer", "output"))
    unit = "token"

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, *self.identity)
        self.view = EmbeddingView()
        self.space = self._choice("map_space", "What to map", self.spaces)
        self.method = self._choice("map_method", "How", (("Principal components", "pca"), ("t-SNE", "tsne")))
        self.search = named(QLineEdit(), "map_search", f"Find a {self.unit} on the map")
        self.search.setPlaceholderText(f"Find a {self.unit}")
        self.search.setClearButtonEnabled(True)
        self.near = named(QListWidget(), "map_near", "Nearest neighbours")
        self.near_title = plain_label(_NO_NEAR.format(self.unit), role="quiet", wrap=True, name="map_near_title")
        self.progress = named(QProgressBar(), "map_progress", "Progress of the map")
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self.stop = button("Cancel", "map_cancel", "stop", "Stop the optimisation", lambda: self.cancel("map"))
        self.again = button("Again", "map_again", "refresh", "Compute the map again with the current weights",
            self._again)
        self.status = named(ElidedLabel(), "map_status", "What is shown")
        self._key: tuple[Any, ...] = ()
        self._near_of = False, -1
        self._lay_out()
        self.busy_changed()
        self.view.failed.connect(self.failed)
        self.view.chosen_changed.connect(self._ask_near)
        self.search.textChanged.connect(self._search)
        self.search.returnPressed.connect(self._take_found)
        self.near.itemActivated.connect(self._take_listed)
        for box in (self.space, self.method):
            box.currentIndexChanged.connect(lambda _: self._look())

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        kind, layer = self._space()
        read = prompt if kind == "hidden" else ()
        wanted = (model, read, kind, layer, self.method.currentData())
        if wanted == self._key and self.method.currentData() == "tsne":
            return  # the weights moved on: placing the points again every two seconds would never let them rest
        self._key = wanted
        if self.busy("map"):
            self.cancel("map")
        task = MapVectors(model, prompt, kind, layer, self.method.currentData())
        self.ask("map", task, self._heard, on_result=self._show)

    def busy_changed(self) -> None:
        moving, busy = self.method.currentData() == "tsne", self.busy("map")
        for widget in (self.progress, self.stop):
            widget.setVisible(busy and moving)
        self.again.setVisible(moving and not busy)

    def _space(self) -> tuple[Any, int]:
        data = self.space.currentData()
        return (data, 0) if isinstance(data, str) else ("hidden", int(data))

    def _heard(self, frame: Frame) -> None:
        if frame.progress is not None and frame.progress.done is not None:
            self.progress.setValue(round(100 * frame.progress.done))
        for snapshot in frame.snapshots:
            if isinstance(snapshot, EmbeddingMap):
                self._show(snapshot)

    def _show(self, found: EmbeddingMap) -> None:
        self._name_layers(found.layers)
        self.view.show_snapshot(found)
        some = found.note or f"all {found.total:,}"
        moving = "" if found.finished else ", still moving"
        self.status.setText(f"{some}{moving}   ·   weights of step {found.step:,}")
        if found.finished:
            self._look_near(found)

    def _name_layers(self, layers: int) -> None:
        if not layers:
            return
        names = [f"Text, after layer {n}" if n else "Text, before layer 1" for n in range(layers + 1)]
        if [self.space.itemText(i) for i in range(2, self.space.count())] == names:
            return
        chosen = self.space.currentIndex()
        with QSignalBlocker(self.space):
            while self.space.count() > 2:
                self.space.removeItem(2)
            for number, name in enumerate(names):
                self.space.addItem(name, number)
            self.space.setCurrentIndex(min(chosen, self.space.count() - 1))

    def _ask_near(self, ident: int) -> None:
        if self._model is not None:
            kind, layer = self._space()
            self._near_of = kind == "hidden", ident
            self.ask("near", FindNear(self._model, self._prompt, ident, kind, layer), on_result=self._show_near)

    def _look_near(self, shown: EmbeddingMap) -> None:
        """The neighbours in the space and with the weights of the map; none where it has no such token."""
        in_text, ident = self._near_of
        if ident >= 0 and in_text == (shown.space == "hidden") and (not in_text or ident < len(shown.names)):
            self._ask_near(ident)
        elif ident >= 0:
            self._near_of = False, -1
            self.near.clear()
            self.near_title.setText(_NO_NEAR.format(self.unit))

    def _show_near(self, near: Near) -> None:
        self.near_title.setText(f"Nearest to '{token_text(near.name)}', by cosine")
        self._list(near.found)
        around = [place for number, _, _ in near.found if (place := self.view.index_of(number)) >= 0]
        self.view.choose(self.view.index_of(near.index), around)

    def _list(self, found: Sequence[tuple[int, str, float]]) -> None:
        """Tokens by their ids (-1: not on the map), names and cosines."""
        self.near.clear()
        for number, other, cosine in found:
            item = QListWidgetItem(f"{cosine:+.3f}   {token_text(other)}")
            item.setData(Qt.ItemDataRole.UserRole, number)
            self.near.addItem(item)

    def _again(self) -> None:
        self._key = ()
        self._look()

    def _search(self, text: str) -> None:
        count = self.view.search(text)
        if text:
            first = "; Enter selects the first" if count else ""
            self.near_title.setText(f"{count:,} {self.unit}s of the map contain '{text}'{first}")

    def _take_found(self) -> None:
        if self.view.found and self.view.snapshot is not None:
            self._ask_near(int(self.view.snapshot.ids[self.view.found[0]]))

    def _take_listed(self, item: QListWidgetItem) -> None:
        self._ask_near(item.data(Qt.ItemDataRole.UserRole))

    def _choice(self, name: str, label: str, values: tuple[tuple[str, str], ...]) -> QComboBox:
        box = named(Choice(), name, label)
        for text, data in values:
            box.addItem(text, data)
        return box

    def _lay_out(self) -> None:
        side = QWidget()
        vbox(self.near_title, (self.near, 1), into=side, spacing=4)
        split = splitter("map_splitter", (self.view, 1), side, sizes=(460, 150), down=False)
        self.grid = grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(8)
        grid.addWidget(self.space, 0, 0)
        grid.addWidget(self.method, 0, 1)
        grid.addWidget(self.search, 0, 2)
        grid.addWidget(split, 1, 0, 1, 3)
        grid.addWidget(self.status, 2, 0)
        grid.addWidget(self.progress, 2, 1)
        for widget in (self.stop, self.again):
            grid.addWidget(widget, 2, 2, Qt.AlignmentFlag.AlignLeft)
        for index, share in enumerate((3, 3, 2)):
            grid.setColumnStretch(index, share)
        grid.setRowStretch(1, 1)
