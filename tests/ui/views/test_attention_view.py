"""Attention: the right words for the right cell, and the masked part apart from zero."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from genstudio.snapshots.attention import Attention
from genstudio.ui import theme
from genstudio.ui.views.attention import AttentionView, composed, is_causal, shades, thumbnails


def weights(layers: int, heads: int, size: int, *, causal: bool = True) -> np.ndarray:
    raw = np.random.default_rng(0).random((layers, heads, size, size)) + 1e-3
    raw = np.tril(raw) if causal else raw
    return (raw / raw.sum(-1, keepdims=True)).astype(np.float32)


def shown(qtbot: QtBot, snapshot: Attention, width: int = 640, height: int = 420) -> AttentionView:
    view = AttentionView()
    qtbot.addWidget(view)
    view.resize(width, height)
    view.show()
    view.show_snapshot(snapshot)
    view.image()
    return view


def test_words_of_a_cell(qtbot: QtBot) -> None:
    given = weights(3, 4, 5)
    view = shown(qtbot, Attention("a", 7, ("T", "h", "e", " ", "\n"), given))
    view.choose(1, 2)
    assert view.describe(1, 0) == f"layer 2 head 3: 'h' attends to 'T' {given[1, 2, 1, 0]:.2f}"
    assert view.describe(0, 3) == "layer 2 head 3: 'T' attends to '␣' masked"


def test_hover_finds_the_cell_under_the_pointer(qtbot: QtBot) -> None:
    view = shown(qtbot, Attention("a", 7, tuple("abcde"), weights(2, 2, 5)))
    cell = view._large.width() / 5
    at = QPoint(round(view._large.left() + 1.5 * cell), round(view._large.top() + 3.5 * cell))
    qtbot.mouseMove(view.view.viewport(), at)
    assert view._hover == (3, 1)
    assert "'d' attends to 'b'" in view.accessibleDescription()


def test_click_and_keys_choose_a_head(qtbot: QtBot) -> None:
    view = shown(qtbot, Attention("a", 7, tuple("abcde"), weights(3, 4, 5)))
    with qtbot.waitSignal(view.head_chosen) as caught:
        qtbot.mouseClick(view.view.viewport(), Qt.MouseButton.LeftButton, pos=view._cells[2, 1].center().toPoint())
    assert caught.args == [2, 1]
    qtbot.keyClick(view, Qt.Key.Key_Up)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert (view.layer, view.head) == (1, 2)
    before = view._large.width()
    qtbot.keyClick(view, Qt.Key.Key_Return)
    view.image()
    assert view._large.width() > before and not view._cells


@pytest.mark.parametrize(("layers", "heads", "size"), [(1, 1, 1), (1, 12, 2), (12, 1, 40), (12, 12, 256), (4, 4, 64)])
def test_all_sizes_fit(qtbot: QtBot, layers: int, heads: int, size: int) -> None:
    tokens = tuple(f"token{i}" for i in range(size))
    for width, height in ((320, 520), (900, 400)):
        view = shown(qtbot, Attention("a", 1, tokens, weights(layers, heads, size)), width, height)
        assert len(view._cells) == layers * heads
        edges = [*view._cells.values(), view._large]
        assert all(box.left() >= 0 and box.right() <= width and box.bottom() <= height for box in edges)
        assert not any(view._large.intersects(cell) for cell in view._cells.values())


def test_masked_is_not_the_colour_of_zero(qtbot: QtBot) -> None:
    given = np.zeros((1, 1, 2, 2), np.float32)
    given[0, 0] = [[1.0, 0.0], [0.0, 1.0]]
    view = shown(qtbot, Attention("a", 1, ("a", "b"), given))

    def colour(row: int, column: int) -> tuple[int, ...]:
        image, at = view.image(), view._large
        side = at.width() / 2
        pixel = image.pixelColor(round(3 + at.left() + (column + 0.3) * side), round(3 + at.top() + (row + 0.4) * side))
        return pixel.red(), pixel.green(), pixel.blue()

    dark, bright = (tuple(theme.VIRIDIS[index].tolist()) for index in (0, 255))
    assert colour(0, 0) == colour(1, 1) == bright
    assert colour(1, 0) == dark
    assert sum(colour(0, 1)) > 600
    given = given.copy()
    given[0, 0, 0, 1] = 1e-9
    view.show_snapshot(Attention("a", 2, ("a", "b"), given))
    assert colour(0, 1) == dark


def test_the_masked_part_has_no_shade() -> None:
    matrix = np.array([[1.0, 0.0], [0.25, 1.0]], np.float32)
    causal = shades(matrix, causal=True)
    assert np.isnan(causal[0, 1]) and causal[1, 0] == 0.5
    assert not np.isnan(shades(matrix, causal=False)).any()


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_thumbnails_lie_side_by_side(ratio: float) -> None:
    maps = np.arange(2 * 3 * 4 * 4, dtype=np.float64).reshape(2, 3, 4, 4)
    picture = composed(maps, 10, 4, ratio)
    assert picture.shape == (round(24 * ratio), round(38 * ratio))
    for layer, head, row, column in ((0, 0, 0, 0), (1, 2, 3, 3), (0, 1, 2, 0)):
        y, x = (round((n * 14 + (i + 0.5) * 2.5) * ratio - 0.5) for n, i in ((layer, row), (head, column)))
        assert picture[y, x] == maps[layer, head, row, column]
    gap = slice(int(10.5 * ratio), int(13.5 * ratio))
    assert np.isnan(picture[gap]).all() and np.isnan(picture[:, gap]).all()


def test_a_model_without_mask_is_noticed() -> None:
    assert is_causal(weights(2, 2, 6))
    assert not is_causal(weights(2, 2, 6, causal=False))
    leaking = weights(2, 2, 6)
    leaking[1, 1, 2, 3] = 1e-9
    assert not is_causal(leaking)
    assert not is_causal(np.ones((1, 1, 1, 1)))


def test_thumbnails_keep_the_largest_weight_of_each_patch() -> None:
    given = weights(2, 3, 100)
    small = thumbnails(given, 30)
    assert small.shape == (2, 3, 25, 25)
    assert small[1, 2, 4, 3] == given[1, 2, 16:20, 12:16].max()
    assert thumbnails(given, 100) is given


def test_a_hidden_view_draws_the_newest_when_shown(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    monkeypatch.setattr(AttentionView, "draw", lambda self: drawn.append(self.snapshot.step))
    view = AttentionView()
    qtbot.addWidget(view)
    for step in range(5):
        view.show_snapshot(Attention("a", step, tuple("ab"), weights(1, 1, 2)))
    QApplication.processEvents()
    assert drawn == []
    view.show()
    qtbot.waitUntil(lambda: drawn == [4] or drawn[-1:] == [4])


def test_the_table_is_the_chosen_head(qtbot: QtBot) -> None:
    given = weights(2, 2, 3)
    view = shown(qtbot, Attention("a", 1, tuple("abc"), given))
    view.choose(1, 0)
    header, rows = view.table()
    assert header[-1] == "weight"
    assert [row[-1] for row in rows] == given[1, 0].ravel().tolist()
