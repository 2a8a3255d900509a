"""Translations: every token in its row, right and wrong told apart, missing ones named, and nothing outside."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from genstudio.events import Frozen
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.translation import Translated, Translations
from genstudio.ui import theme
from genstudio.ui.train.panes import VIEWS
from genstudio.ui.views.attention import AttentionView
from genstudio.ui.views.translation import MODEL, REFERENCE, SOURCE, TranslationsPage, TranslationsView, spoken, summary


def translated(source: str, wanted: str, made: str) -> Translated:
    pieces = tuple(tuple(part.split()) for part in (source, wanted, made))
    right = np.array([place < len(pieces[1]) and pieces[1][place] == piece for place, piece in enumerate(pieces[2])], bool)
    return Translated(*pieces, right)


SHOWN = Translations(
    "translations", 1200,
    (
        translated("the old cat sings", "el gato viejo canta", "el gato viejo canta"),
        translated("my dogs eat", "mis perros comen", "mis gatos"),
        translated("a b", "c d", "c d e"),
        translated("x", "y", ""),
    ),
)  # fmt: skip


def shown(qtbot: QtBot, width: int = 420) -> TranslationsView:
    view = TranslationsView()
    qtbot.addWidget(view)
    view.resize(width, 300)
    view.show_snapshot(SHOWN)
    view.show()
    view.image()
    return view


@pytest.mark.parametrize("width", [160, 280, 420, 1200])
def test_every_token_has_a_place_of_its_own_inside(qtbot: QtBot, width: int) -> None:
    view = shown(qtbot, width)
    cells = view.cells()
    keys = [(cell.sentence, cell.row, cell.token) for cell in cells]
    wanted = [
        (number, row, place)
        for number, one in enumerate(SHOWN.sentences)
        for row, pieces in enumerate((one.source, one.wanted, one.made))
        for place in range(len(pieces) + (row == MODEL and len(one.made) < len(one.wanted)))
    ]
    assert keys == wanted
    assert not any(a.box.intersects(b.box) for a, b in itertools.combinations(cells, 2))
    assert all(cell.box.left() >= 0 and cell.box.right() <= max(width, 160) for cell in cells)
    assert max(cell.box.bottom() for cell in cells) <= view.minimumHeight()


def test_right_and_wrong_are_told_apart_without_colours_too(qtbot: QtBot, themes: None) -> None:
    view = shown(qtbot)
    image = view.image()
    boxes = {(cell.sentence, cell.row, cell.token): cell.box.toRect() for cell in view.cells()}
    right, wrong = boxes[1, MODEL, 0], boxes[1, MODEL, 1]
    assert image.pixelColor(right.topLeft() + QPoint(2, 2)) != image.pixelColor(wrong.topLeft() + QPoint(2, 2))
    grey = [image.pixelColor(box.left() + 4, box.bottom() - 1).lightness() for box in (right, wrong)]
    assert abs(grey[0] - grey[1]) > 30  # the line below what is wrong


@pytest.fixture(params=["light", "dark"])
def themes(request: pytest.FixtureRequest, qapp: object) -> object:
    theme.apply(qapp, request.param)  # type: ignore[arg-type]
    yield
    theme.apply(qapp, "light")  # type: ignore[arg-type]


def test_what_would_be_right_is_said(qtbot: QtBot) -> None:
    view = shown(qtbot)
    view.setFocus()
    box = next(cell.box for cell in view.cells() if (cell.sentence, cell.row, cell.token) == (1, MODEL, 1))
    qtbot.mouseMove(view, box.center().toPoint())
    assert "'gatos' wrong" in view.accessibleDescription() and "reference here 'perros'" in view.accessibleDescription()
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert "'mis' right" in view.accessibleDescription()
    qtbot.keyClick(view, Qt.Key.Key_End)
    assert "missing comen" in view.accessibleDescription()
    qtbot.keyClick(view, Qt.Key.Key_Up)
    assert view.hover == (1, REFERENCE, 2)
    qtbot.keyClick(view, Qt.Key.Key_Up)
    assert view.hover == (1, SOURCE, 2)
    view.rest_on((2, MODEL, 2))
    assert "already at its end" in view.accessibleDescription()


def test_words_for_those_who_do_not_see_it() -> None:
    assert summary(SHOWN) == "step 1,200  ·  1 of 4 exact  ·  64% of tokens right"
    assert "source my dogs eat; reference mis perros comen; model mis gatos: 1 of 3 right" in spoken(SHOWN)


def test_a_sentence_without_a_reference_is_not_judged(qtbot: QtBot) -> None:
    own = Translated(("my", "cat"), (), ("mi", "gato"), np.ones(2, bool))
    view = shown(qtbot)
    view.show_snapshot(Translations("translations", 5, (own, *SHOWN.sentences)))
    assert [cell.row for cell in view.cells() if cell.sentence == 0] == [SOURCE] * 2 + [MODEL] * 2
    assert view.card((0, MODEL, 1))[1] == [(None, "'gato'", "")]
    assert summary(view.snapshot) == summary(SHOWN).replace("1,200", "5")
    assert spoken(view.snapshot).split(". ")[1] == "source my cat; model mi gato"
    assert summary(Translations("translations", 5, (own,))) == "step 5"


def test_numbers_of_the_table(qtbot: QtBot) -> None:
    header, rows = shown(qtbot).table()
    kept = list(rows)
    assert header[-1] == "right" and (2, "model", 2, "gatos", 0) in kept and (1, "reference", 1, "el", "") in kept
    assert len(kept) == sum(len(part) for one in SHOWN.sentences for part in (one.source, one.wanted, one.made))


def test_a_pane_shows_them(qtbot: QtBot) -> None:
    from genstudio.families.dashboard import Pane

    page = VIEWS[Translations](Pane(("translations",), "Fixed sentences"))
    qtbot.addWidget(page)
    assert isinstance(page, TranslationsPage) and isinstance(SHOWN.sentences[0], Frozen)
    page.resize(300, 120)
    page.show()
    page.show_snapshot(SHOWN)
    assert page.figure.height() > page.viewport().height() and page.figure.title == "Fixed sentences"
    page.clear()
    assert page.snapshot is None


def test_attention_of_one_text_over_another(qtbot: QtBot) -> None:
    weights = np.random.default_rng(0).dirichlet(np.ones(5), (2, 3, 2)).astype(np.float32)
    weights[..., 0, 1:] = 0.0  # would look causal in a square
    view = AttentionView("Cross-attention")
    qtbot.addWidget(view)
    view.resize(640, 420)
    view.show()
    view.show_snapshot(Attention("attention", 3, tuple("abcde"), weights, ("x", "y")))
    view.image()
    assert not view.causal and view.describe(1, 4) == f"layer 1 head 1: 'y' attends to 'e' {weights[0, 0, 1, 4]:.2f}"
    large = view._large
    assert large.width() / 5 == pytest.approx(large.height() / 2)
    at = QPoint(round(large.left() + 3.5 * large.width() / 5), round(large.top() + 1.5 * large.height() / 2))
    qtbot.mouseMove(view.view.viewport(), at)
    assert view._hover == (1, 3)
    header, rows = view.table()
    assert [row[:4] for row in rows][5] == (1, "y", 0, "a") and header[1] == "query token"
