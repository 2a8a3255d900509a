"""Terms are explained: a card on hover, a page that can be searched, and a key for the control that has the focus."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from genstudio import paths
from genstudio.ui.glossary import GlossaryDialog, card, explain_focus, find, terms
from genstudio.ui.widgets import plain_label


def names(text: str) -> list[str]:
    return [term.name for term in find(text)]


def test_every_term_has_two_sentences_at_most_a_source_and_one_meaning() -> None:
    entries = json.loads((paths.resources() / "glossary.json").read_text("utf-8"))
    assert len(terms()) == len(entries) >= 60
    spellings = [spelling.lower() for term in terms() for spelling in term.spellings()]
    assert len(spellings) == len(set(spellings))
    for term in terms():
        assert 1 <= len(re.findall(r"[.](?= [A-Z]|$)", term.text)) <= 2 and term.text.endswith("."), term.name
        assert re.search(r"\d{4}|ch\. \d|vol\. \d", term.source), term.name


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1.645 nats per character", ["nats"]),
        ("Kneser-Ney 6", ["Kneser-Ney"]),
        ("Loss, ELBO and KL", ["ELBO", "KL"]),
        ("negative ELBO", ["ELBO"]),
        ("top-p", ["top-p"]),
        ("the natsume and a skull", []),
        ("R1 and R1", ["R1"]),
    ],
)
def test_terms_are_found_as_whole_words_each_once(text: str, found: list[str]) -> None:
    assert names(text) == found


def test_a_label_explains_its_terms_and_forgets_those_of_its_text_before(qtbot: Any) -> None:
    label = plain_label("Perplexity")
    qtbot.addWidget(label)
    assert "exponential of the loss" in label.toolTip() and label.toolTip() == card("perplexity")
    label.setText("Name")
    assert label.toolTip() == ""
    label.setToolTip("its own")
    label.setText("Entropy")
    assert label.toolTip() == "its own"


def test_the_term_is_marked_below_and_nothing_else(qtbot: Any) -> None:
    marked, plain = plain_label("of entropy"), plain_label("of entropx")
    for label in (marked, plain):
        qtbot.addWidget(label)
        label.resize(160, 24)
    rows = [label.grab().toImage().convertToFormat(label.grab().toImage().format()) for label in (marked, plain)]
    below = {y for y in range(rows[0].height()) for x in range(rows[0].width()) if rows[0].pixel(x, y) != rows[1].pixel(x, y)}
    start = marked.fontMetrics().horizontalAdvance("of ")
    left = [
        (x, y) for y in range(rows[0].height()) for x in range(max(start - 1, 0)) if rows[0].pixel(x, y) != rows[1].pixel(x, y)
    ]
    assert below and not left


def test_the_page_is_searched_by_names_first(qtbot: Any) -> None:
    dialog = GlossaryDialog(None)
    qtbot.addWidget(dialog)
    assert all(term.name in dialog.page.toPlainText() for term in terms())
    dialog.search.setText("kl")
    text = dialog.page.toPlainText()
    assert text.startswith("KL") and "ELBO" in text and "BLEU" not in text
    dialog.search.setText("no such term at all")
    assert dialog.page.toPlainText().startswith("No term")


def test_a_key_explains_the_control_that_has_the_focus(qtbot: Any) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    field = QLineEdit(accessibleName="Temperature")
    QVBoxLayout(window).addWidget(field)
    window.show()
    qtbot.waitActive(window).__enter__()
    field.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(field.hasFocus)
    dialog = explain_focus(window)
    assert dialog.page.toPlainText().startswith("temperature") and "BLEU" not in dialog.page.toPlainText()
    dialog.close()
