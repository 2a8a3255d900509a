"""The dialogs of the Help menu that say what this program is and where it keeps everything."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, qVersion
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QGridLayout, QLineEdit, QVBoxLayout, QWidget

from genstudio import __version__, paths
from genstudio.ui.layouts import named
from genstudio.ui.widgets import button, plain_label, tooltip


class HelpDialog(QDialog):
    """A heading and sentences; facts that can be copied all at once; and places on the disk that can be selected, copied and
    opened in the file manager."""

    def __init__(
        self, parent: QWidget, title: str, sentences: Sequence[str], places: Sequence[tuple[str, Path]] = (), *,
        heading: str = "", facts: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setObjectName("help_dialog")
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        if heading:
            layout.addWidget(plain_label(heading, role="title", name="help_heading"))
        for sentence in sentences:
            label = plain_label(sentence, wrap=True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            layout.addWidget(label)
        if places:
            layout.addLayout(_rows(places))
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        if facts:
            layout.addLayout(_table(facts))
            said = "\n".join((heading, *(f"{name}: {value}" for name, value in facts.items())))
            copy = button("Copy details", "copy_about", "copy", "Copy these lines, for a report", partial(_copy, said))
            close.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
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


def _table(facts: Mapping[str, str]) -> QFormLayout:
    table = QFormLayout()
    table.setHorizontalSpacing(16)
    table.setVerticalSpacing(4)
    for name, value in facts.items():
        label = plain_label(value, name=f"about_{name.lower()}")
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        table.addRow(plain_label(name, role="quiet"), label)
    return table


def _open(place: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(place)))


def _copy(place: Path | str) -> None:
    QGuiApplication.clipboard().setText(str(place))


def about(parent: QWidget) -> HelpDialog:
    return HelpDialog(
        parent,
        "About genstudio",
        (
            "Train generative models on your own data, watch them learn, look inside, and play with them. Everything runs on "
            "this computer; nothing is sent anywhere.",
            "Free software under the MIT licence. Each dataset names its own source and licence in Datasets.",
        ),
        heading=f"genstudio {__version__}",
        facts={
            "Python": platform.python_version(),
            "PyTorch": metadata.version("torch"),
            "Qt": qVersion(),
            "System": f"{platform.system()} {platform.release()}, {platform.machine()}",
            "Processor": f"{os.cpu_count() or 1} logical cores",
        },
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
