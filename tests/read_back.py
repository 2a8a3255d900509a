"""What a figure says: every text that it paints, as a person would read it."""

from __future__ import annotations

import re
from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QPainter
from PySide6.QtWidgets import QApplication

from genstudio.ui.views.view import Figure


class _Reader(QPainter):
    """Paints nothing but pictures, and keeps the words."""

    def __init__(self, picture: QImage) -> None:
        super().__init__(picture)
        self.words: list[tuple[QPointF, str]] = []

    def drawText(self, *said: Any) -> None:
        place = said[0].center() if isinstance(said[0], QRectF) else said[0]
        self.words += [(QPointF(place), part) for part in said if isinstance(part, str) and part]


def painted(figure: Figure) -> list[str]:
    """All words and numbers of a figure at its present size, in the order in which they are painted."""
    return [word for _, word in placed(figure)]


def placed(figure: Figure) -> list[tuple[QPointF, str]]:
    """The same with the places: the middles of their boxes, or where they begin."""
    return _read(figure, lambda reader: figure.paint_figure(reader, QRectF(figure.rect())))


def drawn(figure: Figure) -> None:
    """Draw what the figure has to show now: what it was given last may wait for its next drawing, and its places with it."""
    figure.draw_now()
    figure.grab()


def hovered(figure: Figure, at: QPointF) -> list[str]:
    """What is said with the pointer at a place of the figure."""
    none = Qt.MouseButton.NoButton
    event = QMouseEvent(QEvent.Type.MouseMove, at, figure.mapToGlobal(at), none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(figure, event)
    return [word for _, word in _read(figure, figure.paint_hover)]


def _read(figure: Figure, paint: Any) -> list[tuple[QPointF, str]]:
    picture = QImage(figure.size(), QImage.Format.Format_ARGB32_Premultiplied)
    with _Reader(picture) as reader:
        paint(reader)
        return reader.words


_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")


def numbers(words: str) -> list[str]:
    """The numbers in some words, as they are written."""
    return _NUMBER.findall(words)


def says(shown: str, value: float, slack: float = 2e-5) -> bool:
    """Whether the first number in some words is this value, rounded to as many places as are shown; float32 has `slack`."""
    found = numbers(shown)
    if not found:
        return False
    plain, _, power = found[0].replace(",", "").partition("e")
    unit = 10.0 ** (int(power or 0) - len(plain.partition(".")[2]))
    return abs(float(found[0].replace(",", "")) - value) <= 0.5 * unit * (1 + 1e-6) + slack * (1 + abs(value))
