"""The strip over a run: its name, the settings that matter as chips, where the training stands, and its buttons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from genstudio.config import Config, Setting, Values
from genstudio.events import Progress
from genstudio.families import Preset
from genstudio.ui import theme
from genstudio.ui.layouts import hbox, named, vbox
from genstudio.ui.numbers import duration
from genstudio.ui.train.buttons import RunButtons
from genstudio.ui.widgets import ElidedLabel, tooltip

_GAP, _PAD = 6.0, 8.0
_FEW = 4
"""Differences from a preset up to which a run is still called by it."""


class Chips(QWidget):
    """Short words in boxes beside each other: as many as fit; the tooltip has all of them."""

    def __init__(self, name: str, says: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._says = says
        self.words: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_words(self, words: Sequence[str]) -> None:
        """Show these, the most important first."""
        self.words = tuple(words)
        self.setAccessibleName(f"{self._says}: {', '.join(self.words)}")
        self.setToolTip(tooltip("\n".join(self.words)))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, round(QFontMetricsF(theme.font(theme.SMALL)).height()) + 6)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        look, font = theme.current(), theme.font(theme.SMALL)
        metrics, x = QFontMetricsF(font), 0.5
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(font)
            for word in self.words:
                box = QRectF(x, 0.5, metrics.horizontalAdvance(word) + 2 * _PAD, self.height() - 1)
                if box.right() > self.width():
                    break
                painter.setPen(QPen(look.color("line"), 1))
                painter.setBrush(look.color("panel"))
                painter.drawRoundedRect(box, 6, 6)
                painter.setPen(look.color("quiet"))
                painter.drawText(QPointF(x + _PAD, box.center().y() + (metrics.ascent() - metrics.descent()) / 2), word)
                x = box.right() + _GAP


class _Switch(QPushButton):
    """A button that stays down: the second of two quick clicks does not take back the first."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.setCheckable(True)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()


class RunStrip(QWidget):
    """Name, chips and headline at the left; at the right the buttons of the training, and one that shows its settings."""

    def __init__(self, prefix: str, buttons: RunButtons) -> None:
        super().__init__()
        self.setObjectName(f"{prefix}strip")
        self.name = named(ElidedLabel(), f"{prefix}strip_name", "Name of the run")
        self.name.setFont(theme.font(theme.NORMAL, bold=True))
        self.name.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.chips = Chips(f"{prefix}strip_chips", "Settings")
        self.headline = named(ElidedLabel(), f"{prefix}headline", "What is happening")
        self.settings = named(_Switch("Settings"), f"{prefix}settings", "Show the settings, or hide them")
        theme.set_icon(self.settings, "settings")
        words = vbox(hbox(self.name, (self.chips, 1), spacing=10), self.headline, spacing=3)
        self._row = hbox((words, 1), buttons, self.settings, into=self)
        self.hide()

    def place(self, widget: QWidget) -> None:
        """Put a button before those of the training."""
        if widget.parent() is not self:
            self._row.insertWidget(1, widget)

    def tell(self, text: str) -> None:
        """Say what is happening; nothing takes no room."""
        self.headline.setText(text)
        self.headline.setVisible(bool(text))

    def say_run(self, name: str, settings: Sequence[str]) -> None:
        """What the run is called, and its settings, the most important first."""
        self.name.setText(name)
        self.name.setVisible(bool(name))
        self.chips.set_words(settings)


def chips_of(config: type[Config], values: Values, presets: Sequence[Preset], data: str = "") -> list[str]:
    """The settings of a run that tell it from others: the preset that it is nearest to and what differs from that, then the
    main settings. Those without an effect are left out, switches that are off, and presets that are for another dataset than
    `data`, where that is known.
    """
    if not values:
        return []
    settings = [s for s in config.settings() if s.name in values and s.applies(values)]
    title, changed = "", list[Setting]()
    presets = [preset for preset in presets if not data or preset.data in ("", data)]
    if presets:
        title, changed = min(((p.title, _changed(config, settings, values, p)) for p in presets), key=lambda it: len(it[1]))
    if len(changed) > _FEW:
        title, changed = "", []
    main = [s for s in settings if s.main and s not in changed and values[s.name] not in (False, "", "none")]
    return [title] * bool(title) + [_chip(s, values[s.name]) for s in (*changed, *main)]


def _changed(config: type[Config], settings: Sequence[Setting], values: Values, preset: Preset) -> list[Setting]:
    bases = [config.parse(every).model_dump() for every in preset.every]
    return min(([s for s in settings if values[s.name] != base.get(s.name)] for base in bases), key=len)


def _chip(setting: Setting, value: Any) -> str:
    return f"{setting.label}{':' * isinstance(value, bool)} {setting.words(value)}"


def headline(progress: Progress, state: str, speed: str = "") -> str:
    """One line about a training: state, step, time left, speed."""
    total = f" of {progress.total:,}" if progress.total else ""
    parts = [state, f"step {progress.step:,}{total}"]
    if progress.remaining is not None and state == "Training":
        parts.append(f"{duration(progress.remaining)} left")
    held_up = progress.note if state == "Training" else ""
    return "   ·   ".join([*parts, *filter(None, (speed, held_up))])
