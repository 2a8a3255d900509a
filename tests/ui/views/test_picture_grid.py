"""The grid shows the picture it says, at the place it says, and only what is in sight is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from genstudio.ui.views import picture_grid
from genstudio.ui.views.picture_grid import PictureGrid


@pytest.fixture
def grid(qtbot: Any) -> PictureGrid:
    """100,000 pictures of 4 x 4, each of one colour that says its number."""
    made = PictureGrid()
    qtbot.addWidget(made)
    numbers = np.arange(100_000)
    colours = np.stack([numbers % 256, numbers // 256 % 256, numbers // 65_536 * 100], -1).astype(np.uint8)
    made.resize(500, 300)
    made.show_pictures(np.broadcast_to(colours[:, None, None], (100_000, 4, 4, 3)), numbers % 3, ("a", "b", "c"))
    made.show()
    qtbot.waitExposed(made)
    return made


def shown_at(grid: PictureGrid, place: int) -> int:
    """The number of the picture whose colour is really on the screen at a place of the grid."""
    at = grid.cell_rect(place).center()
    ratio = grid.devicePixelRatioF()
    colour = grid.viewport().grab().toImage().pixelColor(QPoint(round(at.x() * ratio), round(at.y() * ratio)))
    return colour.red() + 256 * colour.green() + 65_536 * (colour.blue() // 100)


@pytest.mark.parametrize("place", [0, 7, 50_000, 99_999])
def test_every_picture_is_where_it_should_be(grid: PictureGrid, place: int) -> None:
    grid.choose(place)
    assert shown_at(grid, place) == place
    assert grid.index_at(grid.cell_rect(place).center()) == place


def test_an_order_shows_only_its_pictures(grid: PictureGrid) -> None:
    order = np.array([70_000, 3, 99_999])
    grid.show_order(order)
    assert [shown_at(grid, place) for place in range(3)] == order.tolist()
    grid.choose_index(99_999)
    assert grid.current() == 99_999 and grid.describe(99_999) == "picture 100,000, a"


def test_only_rows_in_sight_are_drawn(grid: PictureGrid, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    strip = picture_grid.strip
    monkeypatch.setattr(picture_grid, "strip", lambda pixels, *rest: drawn.append(len(pixels)) or strip(pixels, *rest))
    grid.choose(60_000)
    grid.viewport().grab()
    assert 0 < sum(drawn) < 200
    before = len(drawn)
    grid.viewport().grab()
    assert len(drawn) == before


def test_click_and_keys_open_and_move(grid: PictureGrid, qtbot: Any) -> None:
    with qtbot.waitSignal(grid.opened) as clicked:
        qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=grid.cell_rect(4).center())
    assert clicked.args == [4]
    columns = grid._columns()
    for key, expected in (
        (Qt.Key.Key_Right, 5),
        (Qt.Key.Key_Down, 5 + columns),
        (Qt.Key.Key_End, 99_999),
        (Qt.Key.Key_Home, 0),
    ):
        qtbot.keyClick(grid, key)
        assert grid.current() == expected
    with qtbot.waitSignal(grid.opened):
        qtbot.keyClick(grid, Qt.Key.Key_Return)


@pytest.mark.parametrize("shape", [(5, 8, 8, 1), (5, 64, 64, 3), (5, 10, 30, 3), (5, 30, 10, 1)])
@pytest.mark.parametrize("cell", [20, 56, 128])
def test_enlarging_keeps_the_nearest_pixel(shape: tuple[int, ...], cell: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    packed = picture_grid.packed(pixels)
    large = picture_grid.enlarged(packed, cell)
    assert max(large.shape[1:]) == cell
    for y, x in ((0, 0), (large.shape[1] - 1, large.shape[2] - 1), (large.shape[1] // 2, large.shape[2] // 3)):
        size = cell / max(shape[1:3])
        assert (large[:, y, x] == packed[:, min(int(y / size), shape[1] - 1), min(int(x / size), shape[2] - 1)]).all()
    red = pixels[..., 0].astype(np.uint32)
    assert ((packed >> 16 & 255) == red).all()
