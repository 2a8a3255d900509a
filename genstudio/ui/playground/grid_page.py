"""The same text and seed with several temperatures and top-p."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QSpinBox, QTableWidget, QTableWidgetItem

from genstudio.events import Snapshot
from genstudio.snapshots.text import WritingGrid
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.write import SamplingGrid
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import named, paired
from genstudio.ui.playground.sampler import Sampling
from genstudio.ui.playground.work_page import WorkPage
from genstudio.ui.views.writing import segments_of
from genstudio.ui.widgets import plain_label, tooltip


class GridPage(WorkPage):
    """Cells are filled as they are written; double-click or Enter to insert into the document."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_grid", "Grid", "Write")
        self.grid: WritingGrid | None = None
        self.length = named(QSpinBox(), "grid_length", "Tokens in each cell")
        self.length.setRange(1, 400)
        self.length.setValue(60)
        self.add_settings(paired(plain_label("Tokens in each cell"), self.length))
        self.note.setText("Temperature against top-p, all with the same seed. Double-click a cell, or press Enter, to "
            "insert it.")
        self.table = named(QTableWidget(), "sampling_grid", "Texts by temperature, in rows, and top-p, in columns")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setWordWrap(True)
        self.table.setFont(theme.mono(theme.SMALL))
        self.table.setTabKeyNavigation(False)
        for header in (self.table.horizontalHeader(), self.table.verticalHeader()):
            header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.cellDoubleClicked.connect(self.take)
        self.table.installEventFilter(self)
        self.table.viewport().installEventFilter(self)
        self.column.addWidget(self.table, 1)

    def task(self, model: ModelRef, prompt: Prompt, sampling: Sampling) -> SamplingGrid:
        return SamplingGrid(model, prompt, length=self.length.value(), seed=sampling.seed, options=sampling.options)

    def show_result(self, snapshot: Snapshot) -> None:
        if not isinstance(snapshot, WritingGrid):
            return
        self.grid = snapshot
        rows, columns = len(snapshot.temperatures), len(snapshot.top_ps)
        if (self.table.rowCount(), self.table.columnCount()) != (rows, columns):
            self._begin(snapshot)
        done = 0
        for index, cell in enumerate(snapshot.cells):
            item = self.table.item(index // columns, index % columns)
            text = "".join(cell.pieces)
            if item is not None and item.text() != text:
                item.setText(text)
                item.setToolTip(tooltip(text[:2000]))
            done += cell.finished
        self._fit()
        seed = self.asked[2].seed if self.asked is not None else 0
        self.note.setText(
            f"{self.model_title}, weights of step {snapshot.step:,}  ·  seed {seed}  ·  {done} of {len(snapshot.cells)}"
            " cells  ·  double-click or Enter to insert"
        )

    def take(self, row: int, column: int) -> None:
        """Put a cell into the document."""
        if self.grid is None or self.asked is None or not 0 <= row < len(self.grid.temperatures):
            return
        cell = self.grid.cells[row * len(self.grid.top_ps) + column]
        method = f"T {self.grid.temperatures[row]:g}, top-p {self.grid.top_ps[column]:g}, seed {self.asked[2].seed}"
        self.take_wanted.emit(self.asked[1], segments_of(cell, self.made(cell.step, method)))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        pressed = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key()
        if watched is self.table and pressed in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.table.currentRow() >= 0:
            self.take(self.table.currentRow(), self.table.currentColumn())
            return True
        if watched is self.table.viewport() and event.type() == QEvent.Type.Resize:
            QTimer.singleShot(0, self, self._fit)
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        """Rows share the height while every text has room; else each is as high as its longest text."""
        rows, mode = self.table.rowCount(), QHeaderView.ResizeMode
        highest = max(map(self.table.sizeHintForRow, range(rows)), default=0)
        enough = rows * highest <= self.table.viewport().height()
        self.table.verticalHeader().setSectionResizeMode(mode.Stretch if enough else mode.ResizeToContents)

    def _begin(self, grid: WritingGrid) -> None:
        self.table.setRowCount(len(grid.temperatures))
        self.table.setColumnCount(len(grid.top_ps))
        self.table.setVerticalHeaderLabels([f"T {value:g}" for value in grid.temperatures])
        self.table.setHorizontalHeaderLabels([f"top-p {value:g}" for value in grid.top_ps])
        for row in range(len(grid.temperatures)):
            for column in range(len(grid.top_ps)):
                item = QTableWidgetItem()
                item.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
                self.table.setItem(row, column, item)
