"""What the checks found, in words: each with its rule, how many, examples to look at, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from genstudio.data.checks import Example, Finding
from genstudio.ui import theme
from genstudio.ui.layouts import hbox, named, vbox
from genstudio.ui.widgets import plain_label, tooltip

_SHOWN = 24
_ICONS = {"error": ("error", "error"), "warning": ("warning", "warning"), "info": ("info", "accent")}


def summary(findings: Sequence[Finding]) -> str:
    """All findings in a few words, the gravest kind first."""
    kinds = (("error", "problem"), ("warning", "warning"), ("info", "note"))
    counts = [(sum(f.level == level for f in findings), word) for level, word in kinds]
    said = [f"{count} {word}{'s' if count > 1 else ''}" for count, word in counts if count]
    return ", ".join(said) if said else "no problems found"


class ChecksPanel(QWidget):
    """`show_findings(findings)`; `example_chosen(Example)` when the person wants to see an example where it stands."""

    example_chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("checks_panel")
        self.findings: tuple[Finding, ...] = ()
        self.said = plain_label(role="quiet", wrap=True, name="checks_said")
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 0, 6, 0)
        self._list.setSpacing(8)
        inside = QWidget()
        vbox(self._list, None, into=inside, spacing=None)
        scroll = named(QScrollArea(), "checks_scroll", "Findings")
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        vbox(self.said, (scroll, 1), into=self, spacing=6)

    def show_working(self, words: str) -> None:
        """Nothing is known yet."""
        self._clear()
        self.said.setText(words)

    def show_findings(self, findings: Sequence[Finding]) -> None:
        self._clear()
        self.findings = tuple(findings)
        self.said.setText(summary(findings).capitalize() + ".")
        for number, finding in enumerate(self.findings):
            self._list.addWidget(self._card(number, finding))

    def _clear(self) -> None:
        self.findings = ()
        while (item := self._list.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()

    def _card(self, number: int, finding: Finding) -> QWidget:
        card = named(QFrame(), f"finding_{number}", f"{finding.level}: {finding.sentence} {finding.repair}")
        card.setProperty("panel", True)
        sign = QLabel()
        icon, role = _ICONS[finding.level]
        theme.set_icon(sign, icon, role, 18)
        words = QVBoxLayout()
        words.setSpacing(3)
        sentence = plain_label(finding.sentence, wrap=True, name=f"finding_{number}_sentence")
        words.addWidget(sentence)
        counted = f"  ·  {finding.count:,}" if finding.count > 1 else ""
        words.addWidget(plain_label(f"Rule: {finding.rule}{counted}", role="quiet", wrap=True))
        for place, example in enumerate(finding.examples):
            words.addWidget(self._example(f"finding_{number}_example_{place}", example))
        if finding.repair:
            repair = plain_label(finding.repair, wrap=True, name=f"finding_{number}_repair")
            repair.setStyleSheet("font-weight: 500")
            words.addWidget(repair)
        for label in card.findChildren(QLabel):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        hbox((sign, 0, Qt.AlignmentFlag.AlignTop), (words, 1), into=card, margins=(10, 8, 8, 10))
        return card

    def _example(self, name: str, example: Example) -> QWidget:
        """Something to press where there is a place to go to, else only words."""
        words = example.words
        if example.place is None:
            plain = plain_label(words, wrap=True, name=name)
            plain.setFont(theme.mono(theme.SMALL))
            plain.setContentsMargins(4, 0, 4, 0)
            return plain
        short = words if len(words) <= _SHOWN else words[: _SHOWN - 1] + "…"
        made = named(QPushButton(short.replace("&", "&&")), name, f"Show in the data: {words}")
        made.setToolTip(tooltip(words))
        made.setProperty("flat", True)
        made.setFont(theme.mono(theme.SMALL))
        made.setStyleSheet("text-align: left; padding: 1px 4px; min-height: 16px")
        made.setMinimumWidth(40)
        made.clicked.connect(lambda _=False: self.example_chosen.emit(example))
        return made
