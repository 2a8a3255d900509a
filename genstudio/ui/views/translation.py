"""Fixed sentences as a model translates them: what it reads, the reference, and what it made of it, token by token."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea

from genstudio.snapshots.translation import Translated, Translations
from genstudio.ui import theme
from genstudio.ui.layouts import named
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import (
    CENTRE,
    LEFT,
    NO_DATA,
    RIGHT,
    Lines,
    SnapshotFigure,
    Table,
    paint_empty,
    paint_title,
    token_text,
    write_quietly,
)

ROWS = ("source", "reference", "model")
SOURCE, REFERENCE, MODEL = range(3)
_TOP, _EDGE, _NAMES, _LINE, _BETWEEN = 58.0, 12.0, 72.0, 22.0, 12.0
_PAD, _GAP = 4.0, 2.0
_ANNOUNCED = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a token is: the number of its sentence, its row, its number there, and its box in the figure. A `token` behind
    the last one of the model's row stands for what is missing there."""

    sentence: int
    row: int
    token: int
    box: QRectF


class TranslationsView(SnapshotFigure[Translations], PointedFigure[tuple[int, int, int]]):
    """Three rows for each sentence. Of what the model made, right tokens stand on blue, wrong ones on orange and underlined,
    so that they can be told apart without colours; the pointer or the arrow keys say what would be right."""

    def __init__(self, title: str = "Translations", name: str = "translations", rows: tuple[str, str, str] = ROWS) -> None:
        super().__init__(title, name)
        self.rows = rows
        self._cells: list[Cell] = []
        self._tops: list[float] = []
        self._laid: tuple[Translations | None, int] = (None, -1)
        self._height = 0

    def prepare(self, snapshot: Translations) -> None:
        self.hover = self.hover if self.hover is not None and _there(snapshot, self.hover) else None
        self.setAccessibleDescription(spoken(snapshot, self.rows))
        self.setMinimumHeight(self._lay(self.width()))

    def cells(self) -> list[Cell]:
        """Where everything is now."""
        self._lay(self.width())
        return self._cells

    def table(self) -> Table:
        if self.snapshot is None:
            return (), ()
        header = ("sentence", "row", "position", "token", "right")
        rows = (
            (number + 1, words, place + 1, piece, int(one.right[place]) if row == MODEL and one.judged else "")
            for number, one in enumerate(self.snapshot.sentences)
            for row, words in enumerate(self.rows)
            for place, piece in enumerate(_pieces(one, row))
        )
        return header, rows

    def minimumSizeHint(self) -> QSize:
        return QSize(240, 120)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setMinimumHeight(self._lay(self.width()))

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        shown = self.snapshot
        paint_title(painter, self.title, "" if shown is None else summary(shown), area)
        if shown is None or not shown.sentences:
            paint_empty(painter, area, NO_DATA)
            return
        self._paint_key(painter)
        self._lay(round(area.width()))
        look = theme.current()
        for number, (one, top) in enumerate(zip(shown.sentences, self._tops, strict=True)):
            write_quietly(painter)
            if number:
                painter.setPen(QPen(look.color("grid"), 1))
                y = top - _BETWEEN / 2
                painter.drawLine(QPointF(_EDGE, y), QPointF(area.width() - _EDGE, y))
            painter.setPen(look.color("accent" if one.judged and one.exact else "quiet"))
            painter.drawText(QRectF(_EDGE, top, area.width() - 2 * _EDGE, _LINE), RIGHT, verdict(one))
        self._paint_names(painter)
        painter.setFont(theme.mono())
        for cell in self._cells:
            self._paint_cell(painter, shown.sentences[cell.sentence], cell)

    def paint_hover(self, painter: QPainter) -> None:
        if self.hover is not None and (box := self._box(self.hover)) is not None:
            painter.setPen(QPen(theme.current().color("accent"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box)
            super().paint_hover(painter)

    def mark_at(self, point: QPointF) -> tuple[int, int, int] | None:
        found = next((cell for cell in self.cells() if cell.box.contains(point)), None)
        return None if found is None else (found.sentence, found.row, found.token)

    def beside(self, mark: tuple[int, int, int] | None, right: int, down: int) -> tuple[int, int, int] | None:
        cells = self.cells()
        if not cells:
            return None
        keys = [(cell.sentence, cell.row, cell.token) for cell in cells]
        if mark is None or mark not in keys:
            return next((key for key in keys if key[1] == MODEL), keys[0])
        if right:
            row = [key for key in keys if key[:2] == mark[:2]]
            return row[moved(row.index(mark), right, len(row))]
        rows = list(dict.fromkeys(key[:2] for key in keys))
        sentence, row_number = rows[moved(rows.index(mark[:2]), down, len(rows))]
        other = [key for key in keys if key[:2] == (sentence, row_number)]
        return other[min(mark[2], len(other) - 1)]

    def card(self, mark: tuple[int, int, int]) -> tuple[QPointF, Lines, str]:
        assert self.snapshot is not None
        number, row, place = mark
        one = self.snapshot.sentences[number]
        box = self._box(mark) or QRectF()
        pieces = _pieces(one, row)
        title = f"{self.rows[row]}, token {place + 1} of {len(pieces)}"
        if row == MODEL and place >= len(pieces):
            missing = one.wanted[len(pieces) :]
            words = " ".join(map(token_text, missing))
            return box.center(), [(None, "missing", words)], f"model: {len(missing)} missing"
        said = f"'{token_text(pieces[place])}'"
        if row != MODEL:
            return box.center(), [(None, said, "")], title
        wanted = f"'{token_text(one.wanted[place])}'" if place < len(one.wanted) else "nothing: it is already at its end"
        here = f"{self.rows[REFERENCE]} here"
        if not one.judged:
            return box.center(), [(None, said, "")], title
        judged = [(None, said, "right")] if one.right[place] else [(None, said, "wrong"), (None, here, wanted)]
        return box.center(), judged, title

    def _box(self, mark: tuple[int, int, int]) -> QRectF | None:
        return next((cell.box for cell in self.cells() if (cell.sentence, cell.row, cell.token) == mark), None)

    def _lay(self, width: int) -> int:
        """Place every token for this width; returns the height that all of them take."""
        shown = self.snapshot
        if self._laid != (shown, width):
            self._laid = (shown, width)
            self._cells, self._tops, y = [], [], _TOP
            metrics = QFontMetricsF(theme.mono())
            for number, one in enumerate(() if shown is None else shown.sentences):
                self._tops.append(y)
                for row in range(len(ROWS)) if one.judged else (SOURCE, MODEL):
                    y = self._lay_row(metrics, number, one, row, y, width - _EDGE)
                y += _BETWEEN
            self._height = round(y)
        return self._height

    def _lay_row(self, metrics: QFontMetricsF, number: int, one: Translated, row: int, y: float, end: float) -> float:
        """Place one row from `y` on; returns where the next one begins."""
        left = x = _EDGE + _NAMES
        judged = 0.0
        if row == SOURCE:  # the verdict stands at the end of its first line
            judged = QFontMetricsF(theme.font(theme.SMALL, tabular=True)).horizontalAdvance(verdict(one)) + 12
        texts = [token_text(piece) for piece in _pieces(one, row)]
        if row == MODEL and len(one.made) < len(one.wanted):
            texts.append(_missing(one))
        for place, text in enumerate(texts):
            wide = min(metrics.horizontalAdvance(text) + 2 * _PAD, max(end - left, 24.0))
            if x + wide > end - judged and x > left:
                x, y, judged = left, y + _LINE, 0.0
            self._cells.append(Cell(number, row, place, QRectF(x, y + 1, wide, _LINE - 3)))
            x += wide + _GAP
        return y + _LINE

    def _paint_key(self, painter: QPainter) -> None:
        """What the grounds mean."""
        x = _EDGE
        for words, right in (("right", True), ("wrong", False)):
            write_quietly(painter)
            wide = painter.fontMetrics().horizontalAdvance(words) + 2 * _PAD
            box = QRectF(x, 33, wide, 17)
            _paint_ground(painter, box, right)
            painter.setPen(theme.current().color("text"))
            painter.drawText(box, CENTRE, words)
            x += wide + 8

    def _paint_names(self, painter: QPainter) -> None:
        write_quietly(painter)
        named_rows = set()
        for cell in self._cells:
            if (key := (cell.sentence, cell.row)) not in named_rows:
                named_rows.add(key)
                at = QRectF(_EDGE, cell.box.top(), _NAMES - 8, cell.box.height())
                painter.drawText(at, LEFT, self.rows[cell.row])

    def _paint_cell(self, painter: QPainter, one: Translated, cell: Cell) -> None:
        look, pieces = theme.current(), _pieces(one, cell.row)
        missing = cell.token >= len(pieces)
        if missing:
            painter.setPen(QPen(look.color("border"), 1, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(cell.box)
        elif cell.row == MODEL and one.judged:
            _paint_ground(painter, cell.box, bool(one.right[cell.token]))
        else:
            painter.fillRect(cell.box, look.color("raised"))
        painter.setPen(look.color("quiet" if missing or cell.row == SOURCE else "text"))
        text = _missing(one) if missing else token_text(pieces[cell.token])
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, round(cell.box.width()))
        painter.drawText(cell.box, CENTRE, shown)


class TranslationsPage(QScrollArea):
    """The same in a pane that may be lower than all sentences together."""

    def __init__(self, title: str = "Translations", rows: tuple[str, str, str] = ROWS) -> None:
        super().__init__()
        named(self, "translations_scroll", title)
        self.figure = TranslationsView(title, rows=rows)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setWidget(self.figure)

    @property
    def snapshot(self) -> Translations | None:
        return self.figure.snapshot

    def show_snapshot(self, snapshot: Translations) -> None:
        """Replace what is shown."""
        self.figure.show_snapshot(snapshot)

    def clear(self) -> None:
        """Show nothing."""
        self.figure.clear()


def verdict(one: Translated) -> str:
    """How a translation compares with its reference, in a few words; empty where there is none."""
    if not one.judged:
        return ""
    if one.exact:
        return "✓ exact"
    return f"{int(one.right.sum())} of {max(len(one.wanted), len(one.made))} right"


def summary(shown: Translations) -> str:
    """All that have a reference, in one line."""
    sentences = [one for one in shown.sentences if one.judged]
    if not sentences:
        return f"step {shown.step:,}"
    exact = sum(one.exact for one in sentences)
    right = sum(int(one.right.sum()) for one in sentences)
    every = sum(max(len(one.wanted), len(one.made)) for one in sentences)
    share = f"  ·  {right / every:.0%} of tokens right" if every else ""
    return f"step {shown.step:,}  ·  {exact} of {len(sentences)} exact{share}"


def spoken(shown: Translations, rows: tuple[str, str, str] = ROWS) -> str:
    """What a screen reader says: the summary, and the first sentences whole."""
    said = [summary(shown)]
    for one in shown.sentences[:_ANNOUNCED]:
        source, wanted, made = (" ".join(map(token_text, part)) for part in (one.source, one.wanted, one.made))
        reference, ended = (f"{rows[REFERENCE]} {wanted}; ", f": {verdict(one)}") if one.judged else ("", "")
        said.append(f"{rows[SOURCE]} {source}; {reference}{rows[MODEL]} {made or 'nothing'}{ended}")
    return ". ".join(said)


def _there(shown: Translations, mark: tuple[int, int, int]) -> bool:
    number, row, place = mark
    return number < len(shown.sentences) and place < len(_pieces(shown.sentences[number], row))


def _pieces(one: Translated, row: int) -> tuple[str, ...]:
    return (one.source, one.wanted, one.made)[row]


def _missing(one: Translated) -> str:
    return f"{len(one.wanted) - len(one.made)} missing"


def _paint_ground(painter: QPainter, box: QRectF, right: bool) -> None:
    """The ground of a token that is right or wrong."""
    look, hue = theme.current(), theme.visible(theme.BLUE if right else theme.ORANGE)
    strength = (0.4 if right else 0.55) if look.dark else (0.22 if right else 0.42)
    painter.fillRect(box, look.color(hue, strength))
    if not right:
        painter.setPen(QPen(look.color(theme.visible(theme.VERMILION)), 2))
        painter.drawLine(box.bottomLeft() + QPointF(1, -1), box.bottomRight() + QPointF(-1, -1))
