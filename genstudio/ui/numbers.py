"""Editors of numbers that keep every digit and never clamp in silence: what is out of range is said, not changed."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QValidator, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QWidget

from genstudio.config import number_text
from genstudio.ui import theme

_LADDER = (1, 2, 5)
_SPACES = re.compile(r"\s|(?<=\d)['\u2019](?=\d)")
_GROUPED = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")


def read_number(text: str, *, whole: bool = False) -> int | float | str:
    """The number a person typed; the text itself where it is none, is not finite, or could be two numbers.

    Spaces and apostrophes may stand between digits, and commas between groups of three: 5,000. Another comma is a decimal
    one: 0,5. What could be both, 1,125, is a number only where it must be a whole one.

    >>> [read_number(t) for t in ("3e-4", "0,5", "1,000,000", "1,125")]
    [0.0003, 0.5, 1000000.0, '1,125']
    """
    tidy = _SPACES.sub("", text).replace("\u2212", "-")
    if _GROUPED.fullmatch(tidy) and (whole or tidy.count(",") > 1 or "." in tidy):
        tidy = tidy.replace(",", "")
    elif tidy.count(",") == 1 and "." not in tidy and not _GROUPED.fullmatch(tidy):
        tidy = tidy.replace(",", ".")
    try:
        value = int(tidy) if whole else float(tidy)
    except ValueError:
        return text.strip()
    return value if whole or math.isfinite(value) else text.strip()


def stepped(value: float, steps: int, *, logarithmic: bool, whole: bool = False, unit: float = 0.0) -> float:
    """The next tidy number: along 1, 2, 5, 10 ... (whole: doubled or halved) if logarithmic, else by `unit`.

    A `unit` of 0 means one of the last decimal shown, at least 0.01; of a whole number, 1.
    """
    if logarithmic and value > 0:
        if whole:
            return int(max(1, value * 2**steps if steps > 0 else value // 2**-steps))
        for _ in range(abs(steps)):
            value = _rung(value, up=steps > 0)
        return value
    shown = Decimal(number_text(value))
    exponent = shown.as_tuple().exponent
    unit = unit or float(whole)
    size = Decimal(number_text(unit)) if unit else Decimal(10) ** min(-2, exponent if isinstance(exponent, int) else 0)
    result = shown + steps * size
    return int(result) if whole else float(result)


def _rung(value: float, *, up: bool) -> float:
    power = math.floor(math.log10(value))
    rungs = [float(f"{digit}e{power + shift}") for shift in (-1, 0, 1) for digit in _LADDER]
    if up:
        return next(rung for rung in rungs if rung > value * (1 + 1e-9))
    return next(rung for rung in reversed(rungs) if rung < value * (1 - 1e-9))


def duration(seconds: float) -> str:
    """1:05 or 2:03:09"""
    whole = max(int(seconds + 0.5), 0)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def size_text(count: float) -> str:
    """1.2 GB, 34 MB"""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return ""


def work_text(count: float) -> str:
    """So many floating-point operations, to three digits.

    >>> [work_text(count) for count in (42.0, 13_000, 31.2e6, 999_600, 2.5e12)]
    ['42 FLOP', '13 kFLOP', '31.2 MFLOP', '1 MFLOP', '2.5 TFLOP']
    """
    for unit in ("FLOP", "kFLOP", "MFLOP", "GFLOP"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TFLOP"


class FloatEdit(QAbstractSpinBox):
    """A number as text with two arrows. `changed` carries the number, or the text where it is not one.

    Reads 3e-4, 0,5 and 1e-7; steps by factors if `logarithmic`. `low` and `high` limit stepping, not typing.
    """

    changed = Signal(object)

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        low: float | None = None,
        high: float | None = None,
        logarithmic: bool = False,
        whole: bool = False,
        unit: float = 0.0,
    ) -> None:
        super().__init__(parent)
        self._low, self._high = low, high
        self._logarithmic, self._whole, self._unit = logarithmic, whole, unit
        self._exact: int | float | str = 0 if whole else 0.0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFont(theme.font(tabular=True))
        self.lineEdit().setTextMargins(5, 0, 0, 0)
        self.set_value(self._exact)
        self.lineEdit().textChanged.connect(self._edited)

    def value(self) -> int | float | str:
        """The number, exactly as it was set or typed; the text where it is not a number."""
        return self._exact

    def problem(self) -> str:
        """What is wrong with the value, in words; empty where it is a number in range."""
        value = self._exact
        if isinstance(value, str):
            other = read_number(value, whole=True)
            if isinstance(other, int) and not self._whole:
                return f"'{value}' is ambiguous: write {other} or {value.replace(',', '.')}"
            return f"'{value}' is not a {'whole ' * self._whole}number" if value else "a number is missing"
        low, high = (None if end is None else number_text(end) for end in (self._low, self._high))
        if self._low is not None and value < self._low:
            return f"{number_text(value)} is below {low}"
        if self._high is not None and value > self._high:
            return f"{number_text(value)} is above {high}"
        return "" if isinstance(value, int) or math.isfinite(value) else f"{value} is not a number"

    def set_high(self, high: float) -> None:
        """Another upper end."""
        self._high = high

    def set_whole(self, whole: bool, low: float) -> None:
        """Read what is typed as a whole number or not from now on, with another lower end."""
        self._whole, self._low = whole, low
        self._edited(self.lineEdit().text())

    def set_value(self, value: int | float | str) -> None:
        """Show this value; `changed` follows if it differs from the one before."""
        text = value if isinstance(value, str) else number_text(value)
        if text != self.lineEdit().text():
            self.lineEdit().setText(text)
        self._exact = value

    def stepBy(self, steps: int) -> None:
        if isinstance(self._exact, str):
            return
        value = stepped(self._exact, steps, logarithmic=self._logarithmic, whole=self._whole, unit=self._unit)
        low = -math.inf if self._low is None else self._low
        high = math.inf if self._high is None else self._high
        value = min(max(value, low), high)
        self.set_value(int(value) if self._whole else float(value))
        self.selectAll()

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        flag = QAbstractSpinBox.StepEnabledFlag
        if isinstance(self._exact, str):
            return flag.StepNone
        up = self._high is None or self._exact < self._high
        down = self._low is None or self._exact > self._low
        return (flag.StepUpEnabled if up else flag.StepNone) | (flag.StepDownEnabled if down else flag.StepNone)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        return QValidator.State.Acceptable, text, position

    def fixup(self, text: str) -> str:
        return text

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def sizeHint(self) -> QSize:
        width = QFontMetrics(self.font()).horizontalAdvance("0000000000")
        return QSize(width + 40, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        width = QFontMetrics(self.font()).horizontalAdvance("00000")
        return QSize(width + 34, super().minimumSizeHint().height())

    def _edited(self, text: str) -> None:
        value = read_number(text, whole=self._whole)
        if value != self._exact or type(value) is not type(self._exact):
            self._exact = value
            self.changed.emit(value)
