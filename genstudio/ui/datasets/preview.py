"""The middle of the Datasets tab: what is in the chosen dataset, in pages that depend on its kind."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QWidget

from genstudio.data import generators
from genstudio.data.preview import Matches
from genstudio.data.shelf import DatasetInfo
from genstudio.ui.datasets.batch_page import BatchPage
from genstudio.ui.datasets.make_page import MakePage
from genstudio.ui.datasets.picture_pages import PictureFigures, PicturesPage
from genstudio.ui.datasets.point_pages import ClassesPage, PointsPage
from genstudio.ui.datasets.prepare_page import PreparePage
from genstudio.ui.datasets.region_pages import HistoryPage, RegionFigures, RegionsPage
from genstudio.ui.datasets.row_pages import LabelFigures, RowFigures, RowsPage
from genstudio.ui.datasets.sound_pages import ClipFigures, ClipsPage
from genstudio.ui.datasets.text_pages import TextFigures, TextPage
from genstudio.ui.layouts import Tabs, named, vbox


class PreviewPages(QWidget):
    """`show_look(info, preview)` fills the pages; the page last chosen for a kind is the one shown again.

    `find_wanted(needle, match_case)`, `read_wanted(position)`, `random_wanted()`, `batch_wanted()` and `clip_wanted(index)` ask
    for more.
    """

    find_wanted = Signal(str, bool)
    read_wanted = Signal(int)
    random_wanted = Signal()
    batch_wanted = Signal()
    clip_wanted = Signal(int)
    page_changed = Signal()

    def __init__(self, extra: dict[str, list[tuple[str, QWidget]]] | None = None) -> None:
        """`extra`: more pages, (title, widget), for each kind."""
        super().__init__()
        self.setObjectName("preview_pages")
        self.text, self.text_figures = TextPage(), TextFigures()
        self.pictures, self.picture_figures = PicturesPage(), PictureFigures()
        self.pairs, self.pair_figures = RowsPage("pairs", "Find in the pairs"), RowFigures("pair")
        self.tasks, self.task_figures = RowsPage("tasks", "Find in the examples"), RowFigures("task")
        self.labelled, self.label_figures = RowsPage("labelled", "Find in the texts"), LabelFigures()
        self.points = PointsPage()
        self.rows, self.row_figures, self.classes = RowsPage("rows", "Find in the rows"), LabelFigures("row"), ClassesPage()
        self.regions, self.region_figures, self.history = RegionsPage(), RegionFigures(), HistoryPage()
        self.clips, self.clip_figures = ClipsPage(), ClipFigures()
        self.prepare = PreparePage()
        self.batch, self.make = BatchPage(), MakePage()
        more = extra or {}
        text = [("Text", self.text), ("Figures", self.text_figures), *more.get("text", [])]
        self._pages: dict[str, list[tuple[str, QWidget]]] = {
            "text": [*text, ("What the model sees", self.batch)],
            "images": [
                ("Pictures", self.pictures), ("Figures", self.picture_figures), ("Prepare", self.prepare),
                ("What the model sees", self.batch),
            ],
            "pairs": [("Pairs", self.pairs), ("Figures", self.pair_figures)],
            "labelled": [
                ("Texts", self.labelled), ("Figures", self.label_figures), ("What the model sees", self.batch),
            ],
            "tasks": [("Examples", self.tasks), ("Figures", self.task_figures)],
            "rows": [
                ("Plane", self.classes), ("Rows", self.rows), ("Figures", self.row_figures), ("What the model sees", self.batch),
            ],
            "points": [("Points", self.points), ("What the model sees", self.batch)],
            "regions": [("Alignments", self.regions), ("Figures", self.region_figures), ("History", self.history)],
            "audio": [("Clips", self.clips), ("Figures", self.clip_figures)],
        }  # fmt: skip
        self.kind = ""
        self._chosen: dict[str, int] = {}
        self.tabs = named(Tabs(), "preview_tabs", "Views of the dataset")
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setObjectName("preview_tab_bar")
        vbox(self.tabs, into=self, spacing=None)
        for page in (self.text, self.pictures, self.pairs, self.labelled, self.rows, self.tasks):
            page.find_wanted.connect(self.find_wanted)
        self.text.read_wanted.connect(self.read_wanted)
        self.text.random_wanted.connect(self.random_wanted)
        self.batch.wanted.connect(self.batch_wanted)
        self.clips.clip_wanted.connect(self.clip_wanted)
        self.tabs.currentChanged.connect(self._turned)

    def show_kind(self, info: DatasetInfo) -> None:
        """The pages of this dataset's kind, empty until the look comes; what is made from a seed has one more."""
        kind, made = info.kind, generators.of(info) is not None
        self.text.clear()
        for finder in (self.pictures.finder, self.pairs.finder, self.labelled.finder, self.rows.finder, self.tasks.finder):
            finder.clear()
        self.batch.clear()
        self.clips.clear()
        if (kind, made) == (self.kind, self.tabs.indexOf(self.make) >= 0):
            return
        self.kind = kind
        with QSignalBlocker(self.tabs):
            while self.tabs.count():
                self.tabs.removeTab(0)
            for title, page in self._pages.get(kind, []):
                self.tabs.addTab(page, title)
            if made:
                self.tabs.addTab(self.make, "Make another")
            self.tabs.setCurrentIndex(self._chosen.get(kind, 0))

    def show_look(self, info: DatasetInfo, look: Any) -> None:
        """Give every page of the kind what it shows."""
        for _, page in self._pages.get(info.kind, []):
            if hasattr(page, "show_look"):
                page.show_look(info, look)
        self.make.show_look(info, look)
        if self.tabs.currentWidget() is self.batch:
            self.batch_wanted.emit()

    def show_matches(self, matches: Matches) -> None:
        page = self._searched()
        if isinstance(page, TextPage):
            page.finder.show_matches(matches)
        elif page is not None:
            page.show_matches(matches)

    def go_to(self, index: int, length: int = 0) -> None:
        """Show a place: so many characters of a text, a picture, a pair, an example, a point."""
        alone: dict[str, PointsPage | ClipsPage] = {"points": self.points, "audio": self.clips}
        page = alone.get(self.kind) or self._searched()
        if page is None:
            return
        self.tabs.setCurrentWidget(page)
        if isinstance(page, TextPage):
            page.finder.clear()
            page.go_to(index, length)
        else:
            page.go_to(index)

    def _searched(self) -> TextPage | PicturesPage | RowsPage | None:
        """The page of this kind that can be searched."""
        if self.kind == "text":
            return self.text
        if self.kind == "images":
            return self.pictures
        rows = {"pairs": self.pairs, "labelled": self.labelled, "rows": self.rows, "tasks": self.tasks}
        return rows.get(self.kind)

    def _turned(self, index: int) -> None:
        if self.kind:
            self._chosen[self.kind] = index
        if self.tabs.currentWidget() is self.batch:
            self.batch_wanted.emit()
        self.page_changed.emit()
