"""All text in every room has a contrast of at least 4.5 : 1, measured from rendered pixels (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from every_screen import settle
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QWidget

from genstudio.events import Array
from genstudio.ui.window import MainWindow

WANTED = 4.5
FINE = 2
"""Pixels for each one of the screen: strokes of small text are whole there, not blends with what is behind them."""


def pixels(window: MainWindow) -> Array:
    """What the window shows, (height, width) of 0xffRRGGBB."""
    image = QImage(window.size() * FINE, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(FINE)
    window.render(image)
    return np.frombuffer(bytes(image.constBits()), np.uint32).reshape(image.height(), image.width())


def luminance(colours: Array) -> Array:
    part = (colours[:, None] >> np.array([16, 8, 0], np.uint32) & 255) / 255
    linear: Array = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(box: Array) -> float:
    """Of what stands out most in a box of pixels (h, w), against the most common colour there."""
    colours, counts = np.unique(box, return_counts=True)
    light = luminance(colours)
    behind = light[counts.argmax()]
    return float(((np.maximum(light, behind) + 0.05) / (np.minimum(light, behind) + 0.05)).max())


def written(window: MainWindow) -> Iterator[tuple[str, QWidget]]:
    """What can be read and used: what is disabled is exempt."""
    for part in window.findChildren(QWidget):
        if part.window() is not window or not part.isVisible() or not part.isEnabled():
            continue
        words = part.currentText() if isinstance(part, QComboBox) else ""
        if isinstance(part, QLabel | QAbstractButton | QLineEdit):
            words = part.text() or (part.placeholderText() if isinstance(part, QLineEdit) else "")
        if words.strip() and not (isinstance(part, QLabel) and part.textFormat() == Qt.TextFormat.RichText):
            yield words, part


def faint(window: MainWindow) -> list[str]:
    """What has less than WANTED, and by how much."""
    shown, found = pixels(window), []
    for words, part in written(window):
        if part.visibleRegion().boundingRect() != part.rect():
            continue  # scrolled half out of sight
        inside = part.rect() if isinstance(part, QLabel) else part.rect().adjusted(4, 2, -4, -2)  # without its border
        corner = part.mapTo(window, inside.topLeft()) * FINE
        box = shown[corner.y() :, corner.x() :][: inside.height() * FINE, : inside.width() * FINE]
        if box.size and (ratio := contrast(box)) < WANTED:
            found.append(f"{part.objectName() or type(part).__name__} {words[:50]!r} has {ratio:.2f}")
    return found


@pytest.mark.thorough
def test_all_text_stands_out(open_window: Callable[[], MainWindow]) -> None:
    window, faults = open_window(), []
    for room in window.tabs.rooms:  # built before, so that each look is looked at whole
        window.tabs.show_room(room)
    for look in ("light", "dark", "presented"):
        if look == "presented":
            window.look.present()
        else:
            window.set_theme(look)
        for room in window.tabs.rooms:
            window.tabs.show_room(room)
            settle(window)
            faults += [f"{look}, {room}: {fault}" for fault in faint(window)]
    window.look.leave()
    assert not faults, "\n".join(faults)
    window.set_theme("light")
    window.tabs.show_room("runs")
    window.runs.search.setStyleSheet("color: #9aa0a6; background: white")
    window.runs.search.setText("grey on white, the broken twin")
    settle(window)
    assert any("broken twin" in fault for fault in faint(window))
