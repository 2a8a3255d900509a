"""How a dataset is split: which way, how much validates, with which seed; shown as a bar of the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFormLayout, QWidget

from genstudio.config import Values
from genstudio.data.shelf import DatasetInfo
from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.datasets.parts import COUNTED
from genstudio.ui.layouts import choice, named, vbox
from genstudio.ui.numbers import FloatEdit
from genstudio.ui.widgets import LabeledSlider, plain_label

WAYS = {"contiguous": "last part", "random": "random parts", "file": "whole files"}
_PARTS = 200


class SplitBar(QWidget):
    """The whole dataset from left to right: what trains in blue, what validates in orange."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("split_bar")
        self.setAccessibleName("Training and validation split")
        self.setFixedHeight(28)
        self._parts: Array = np.zeros(_PARTS)
        theme.changed.connect(self._recolour)

    def show_parts(self, validates: Array, words: str) -> None:
        """`validates` (n,) the share of each equal part of the dataset; empty while it is not known."""
        self._parts = validates
        self.setAccessibleDescription(words)
        self.setToolTip(words)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        look, wide = theme.current(), self.width() / max(len(self._parts), 1)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            whole = QRectF(0, 4, self.width(), 20)
            painter.fillRect(whole, look.color(theme.visible(theme.BLUE)) if len(self._parts) else look.color("line"))
            color = look.color(theme.visible(theme.ORANGE))
            for place, share in enumerate(self._parts.tolist()):
                if share > 0:
                    painter.fillRect(QRectF(place * wide, 24 - 20 * share, wide + 0.5, 20 * share), color)

    def sizeHint(self) -> QSize:
        return QSize(220, 28)

    def _recolour(self, _theme: object) -> None:
        self.update()


class SplitPanel(QWidget):
    """Writes settings of the family: `changed({"split": ..., "validation_share": ..., "split_seed": ...})`.

    What a draw gives is worked out by others, `show_true`; until then the bar is empty.
    """

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("split_panel")
        self._info: DatasetInfo | None = None
        self.bar = SplitBar()
        self.how = choice("split_how", "Validation split", *WAYS.values())
        self.share = LabeledSlider("Share", 0.01, 0.5, 0.1, name="split_share")
        self.seed = named(FloatEdit(low=0, high=2**31 - 1, whole=True), "split_seed_field", "Seed of the split")
        self.said = plain_label(role="quiet", wrap=True, name="split_said")
        self._seed_words = plain_label("Seed")
        form = QFormLayout()
        form.setSpacing(6)
        form.addRow("Validation", self.how)
        form.addRow(self._seed_words, self.seed)
        vbox(self.bar, self.said, form, self.share, into=self, spacing=6)
        self.how.activated.connect(lambda _: self._edited())
        self.share.changed.connect(lambda _: self._edited())
        self.seed.changed.connect(lambda _: self._edited())

    def values(self) -> dict[str, Any]:
        """The settings as they stand."""
        seed = self.seed.value()
        return {
            "split": list(WAYS)[self.how.currentIndex()],
            "validation_share": round(self.share.value(), 4),
            "split_seed": int(seed) if isinstance(seed, (int, float)) else 0,
        }

    def show_values(self, values: Values) -> None:
        """The family's settings, without telling of a change."""
        with QSignalBlocker(self.seed):
            self.how.setCurrentIndex(list(WAYS).index(str(values.get("split", "contiguous"))))
            share = values.get("validation_share", 0.1)
            self.share.set_value(float(share) if isinstance(share, (int, float)) else 0.1)
            seed = values.get("split_seed", 0)
            self.seed.set_value(seed if isinstance(seed, int) else 0)
        self._show()

    def show_dataset(self, info: DatasetInfo) -> None:
        self._info = info
        several = len(info.details.get("files") or ()) > 1
        self.how.model().item(2).setEnabled(several)  # type: ignore[attr-defined]
        self._show()

    def _edited(self) -> None:
        self._show()
        self.changed.emit(self.values())

    def _show(self) -> None:
        values, info = self.values(), self._info
        drawn = values["split"] != "contiguous"
        for widget in (self.seed, self._seed_words):
            widget.setVisible(drawn)
        share = values["validation_share"]
        if info is None:
            return
        count = info.count or info.bytes
        validates = round(share * count)
        unit = COUNTED[info.kind] if info.count else "bytes"
        if not drawn:
            self._say(split_parts(share), f"{count - validates:,} {unit} for training, {validates:,} for validation")
        elif values["split"] == "file" and len(info.details.get("files") or ()) < 2:
            self._say(np.empty(0), "This dataset has only one file: choose another split.")
        else:
            self._say(np.empty(0), "Computing the split…")

    def show_true(self, shares: Array, train: int, validation: int) -> None:
        """What the draw with these settings gives: `shares` (n,) of the equal parts of the text that validate."""
        self._say(shares, f"{train:,} characters for training, {validation:,} for validation")

    def show_problem(self, words: str) -> None:
        """Why there is no such split."""
        self._say(np.empty(0), words)

    def _say(self, shares: Array, words: str) -> None:
        self.said.setText(words)
        self.bar.show_parts(shares, words)


def split_parts(share: float, parts: int = _PARTS) -> Array:
    """(parts,) the share of each equal part that validates where the last part of the whole does."""
    return np.clip(np.arange(1, parts + 1) - (1 - share) * parts, 0.0, 1.0)
