"""The dialogs of the Help menu that say what this program is and where it keeps everything."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLineEdit, QVBoxLayout, QWidget

from genstudio import __version__, paths
from genstudio.ui.layouts import named
from genstudio.ui.widgets import button, plain_label, tooltip


class HelpDialog(QDialog):
    """Sentences, and places on the disk that can be selected, copied and opened in the file manager."""

    def __init__(
        self, parent: QWidget, title: str, sentences: Sequence[str], places: Sequence[tuple[str, Path]] = ()
    ) -> None:
        super().__init__(parent)
        self.setObjectName("help_dialog")
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        for sentence in sentences:
            label = plain_label(sentence, wrap=True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            layout.addWidget(label)
        if places:
            layout.addLayout(_rows(places))
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        layout.addStretch(1)
        layout.addWidget(close)
        width = 800 if places else 480
        self.resize(width, layout.totalHeightForWidth(width))


def _rows(places: Sequence[tuple[str, Path]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setSpacing(8)
    for row, (words, place) in enumerate(places):
        name = words.lower().replace(" ", "_")
        field = named(QLineEdit(str(place)), f"place_{name}", words)
        field.setReadOnly(True)
        field.setCursorPosition(0)
        field.setToolTip(tooltip(str(place)))
        show = button("Open", f"open_{name}", "open", f"Open the folder: {words}", partial(_open, place))
        show.setEnabled(place.exists())
        copy = button("Copy", f"copy_{name}", "copy", f"Copy the path: {words}", partial(_copy, place))
        for column, widget in enumerate((plain_label(words), field, show, copy)):
            grid.addWidget(widget, row, column)
    return grid


def _open(place: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(place)))


def _copy(place: Path) -> None:
    QGuiApplication.clipboard().setText(str(place))


def about(parent: QWidget) -> HelpDialog:
    return HelpDialog(
        parent,
        "About genstudio",
        (
            f"genstudio {__version__}",
            "Train and explore generative models on your own data.",
            "Everything runs on this computer; nothing is sent anywhere.",
        ),
    )


def where(parent: QWidget) -> HelpDialog:
    return HelpDialog(
        parent,
        "Where everything is kept",
        ("genstudio keeps all its files in these folders.",),
        (
            ("Everything", paths.home()),
            ("Runs", paths.runs()),
            ("Imported datasets", paths.datasets()),
            ("Cache", paths.cache()),
        ),
    )
