"""The Datasets tab: the shelf on the left, what is in a text in the middle, what to know before training on the right."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from genstudio.data.shelf import DatasetInfo
from genstudio.errors import Failure
from genstudio.events import Answer, Frame
from genstudio.tasks.shelf import ImportText, ListDatasets, Look, RemoveDataset
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.tabs.transformer import size
from genstudio.ui.views.frequency import FrequencyView
from genstudio.ui.widgets import plain_label, primary_button

FIGURES = ("Size", "Characters", "Lines", "Words", "Vocabulary", "Longest line", "Odd characters", "Split")


class DatasetsTab(QWidget):
    """`listed(tuple of DatasetInfo)`, `chosen(DatasetInfo, statistics)`, `train_wanted(id)`, `failed(Failure)`."""

    listed = Signal(object)
    looked = Signal(object, object)
    train_wanted = Signal(str)
    file_wanted = Signal()
    failed = Signal(object)

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.setObjectName("datasets_tab")
        self._engine = engine
        self._infos: dict[str, DatasetInfo] = {}
        self._look = ""
        self._seed = 0
        self._wanted: str | None = None
        self.shelf = QListWidget()
        self.shelf.setObjectName("shelf")
        self.shelf.setAccessibleName("Datasets")
        self.title = plain_label(role="title", name="dataset_title", wrap=True)
        self.about = plain_label(role="quiet", wrap=True, name="dataset_about")
        self.figures: dict[str, QLabel] = {
            name: plain_label(name=f"figure_{name.lower().replace(' ', '_')}", wrap=True) for name in FIGURES
        }
        self.frequency = FrequencyView()
        self.excerpt = QPlainTextEdit()
        self.excerpt.setObjectName("excerpt")
        self.excerpt.setAccessibleName("An excerpt")
        self.excerpt.setReadOnly(True)
        self.excerpt.setFont(theme.mono())
        self.another = QPushButton("Another excerpt")
        self.another.setObjectName("another_excerpt")
        self.another.setAccessibleName("Another excerpt")
        theme.set_icon(self.another, "dice")
        self.open_file = QPushButton("Open a text file…")
        self.open_file.setObjectName("import_text")
        self.open_file.setAccessibleName("Open a text file")
        theme.set_icon(self.open_file, "open")
        self.delete = QPushButton("Delete")
        self.delete.setObjectName("delete_dataset")
        self.delete.setAccessibleName("Delete this dataset")
        theme.set_icon(self.delete, "trash")
        self.train = primary_button("Train on this", "train_on_this", "play")
        self._lay_out()
        self.shelf.currentItemChanged.connect(lambda item, _before: self._show(item))
        self.open_file.clicked.connect(self.file_wanted)
        self.another.clicked.connect(self._again)
        self.delete.clicked.connect(self._delete)
        self.train.clicked.connect(lambda: self.train_wanted.emit(self.current or ""))

    @property
    def current(self) -> str | None:
        item = self.shelf.currentItem()
        return item.data(Qt.ItemDataRole.UserRole) if item is not None else None

    def refresh(self) -> None:
        self._engine.start(ListDatasets(), self._on_frame, self._on_end)

    def import_file(self, path: str) -> None:
        """Make a dataset of a text file and show it."""
        self.title.setText("Importing…")
        self._engine.start(ImportText(path), self._on_frame, self._on_end)

    def _on_frame(self, frame: Frame) -> None:
        if frame.progress is not None and frame.progress.text == "Importing" and frame.progress.done is not None:
            self.title.setText(f"Importing… {frame.progress.done:.0%}")
        for snapshot in frame.snapshots:
            if not isinstance(snapshot, Answer):
                continue
            if snapshot.channel == "datasets":
                self._fill(snapshot.value)
            elif snapshot.channel == "imported":
                self._wanted = snapshot.value.id
                self.refresh()
            elif snapshot.channel == "look":
                self._show_look(*snapshot.value)

    def _on_end(self, failure: Failure | None) -> None:
        if failure is not None:
            self.failed.emit(failure)
            self._show(self.shelf.currentItem())

    def _fill(self, infos: tuple[DatasetInfo, ...]) -> None:
        wanted = self._wanted or self.current
        self._wanted = None
        self._infos = {info.id: info for info in infos}
        self.shelf.blockSignals(True)
        self.shelf.clear()
        for info in infos:
            item = QListWidgetItem(
                f"{info.title}\n{'ships' if info.origin == 'ships' else 'imported'} · {size(info.bytes)}"
            )
            item.setData(Qt.ItemDataRole.UserRole, info.id)
            self.shelf.addItem(item)
        self.shelf.blockSignals(False)
        ids = list(self._infos)
        self.listed.emit(infos)
        if ids:
            self.shelf.setCurrentRow(ids.index(wanted) if wanted in self._infos else 0)

    def choose(self, name: str) -> None:
        """Show this dataset; once it is listed, if it is not yet."""
        ids = list(self._infos)
        if name in self._infos:
            self.shelf.setCurrentRow(ids.index(name))
        else:
            self._wanted = name

    def _show(self, item: QListWidgetItem | None) -> None:
        info = self._infos.get(item.data(Qt.ItemDataRole.UserRole)) if item is not None else None
        for button in (self.train, self.another):
            button.setEnabled(info is not None)
        self.delete.setEnabled(info is not None and info.origin == "imported")
        if info is None:
            return
        self.title.setText(info.title)
        self.about.setText("  ·  ".join(part for part in (info.description, info.licence, info.source) if part))
        self._read(info)

    def _read(self, info: DatasetInfo) -> None:
        if self._look:
            self._engine.stop(self._look)
        self._look = self._engine.start(Look(info.id, self._seed), self._on_frame, self._on_end)

    def _again(self) -> None:
        self._seed += 1
        if (info := self._infos.get(self.current or "")) is not None:
            self._read(info)

    def _show_look(self, info: DatasetInfo, found: Any) -> None:
        if info.id != self.current:
            return
        train = int(0.9 * found.characters)
        words = {
            "Size": size(found.bytes),
            "Characters": f"{found.characters:,}",
            "Lines": f"{found.lines:,}",
            "Words": f"{found.words:,}",
            "Vocabulary": f"{found.vocabulary:,} different characters",
            "Longest line": f"{found.longest_line:,} characters (line {found.longest_line_number:,})",
            "Odd characters": ", ".join(f"{name} × {count:,}" for name, count in found.odd) or "none",
            "Split": f"first 90 % to train ({train:,}), last 10 % to validate ({found.characters - train:,})",
        }
        for name, text in words.items():
            self.figures[name].setText(text)
        self.frequency.show_counts(found.top)
        self.excerpt.setPlainText(found.excerpt)
        self.looked.emit(info, found)

    def _delete(self) -> None:
        info = self._infos.get(self.current or "")
        if info is None:
            return
        question = QMessageBox(
            QMessageBox.Icon.Warning, "Delete dataset", f"Delete '{info.title}' from the shelf?", parent=self
        )
        question.setTextFormat(Qt.TextFormat.PlainText)
        question.setInformativeText(
            "The file it was made from stays. Runs trained on it can still write, but not go on training."
        )
        question.setStandardButtons(QMessageBox.StandardButton.Cancel)
        yes = question.addButton("Delete", QMessageBox.ButtonRole.DestructiveRole)
        question.exec()
        if question.clickedButton() is yes:
            self._engine.start(RemoveDataset(info.id), self._on_frame, self._on_end)

    def _lay_out(self) -> None:
        left = _column(plain_label("Shelf", role="heading"), self.shelf, self.open_file)
        self.shelf.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        left.setMinimumWidth(220)
        head = QHBoxLayout()
        head.addWidget(plain_label("Excerpt", role="heading"), 1)
        head.addWidget(self.another)
        middle = _column(self.title, self.about)
        box = middle.layout()
        assert isinstance(box, QVBoxLayout)
        box.addLayout(head)
        box.addWidget(self.excerpt, 3)
        box.addWidget(plain_label("Most frequent characters", role="heading"))
        box.addWidget(self.frequency, 2)
        form = QFormLayout()
        form.setSpacing(8)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        for name, label in self.figures.items():
            form.addRow(plain_label(name, role="quiet"), label)
        right = _column(plain_label("Figures", role="heading"))
        side = right.layout()
        assert isinstance(side, QVBoxLayout)
        side.addLayout(form)
        side.addStretch(1)
        side.addWidget(self.train)
        side.addWidget(self.delete)
        right.setMinimumWidth(240)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setObjectName("datasets_splitter")
        self.splitter.setChildrenCollapsible(False)
        for widget in (left, middle, right):
            self.splitter.addWidget(widget)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([260, 700, 300])
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.addWidget(self.splitter)


def _column(*widgets: QWidget) -> QWidget:
    holder = QWidget()
    layout = QVBoxLayout(holder)
    layout.setContentsMargins(8, 0, 8, 0)
    layout.setSpacing(8)
    for widget in widgets:
        layout.addWidget(widget)
    return holder
