"""Both looks can be read, and a change of look reaches what is already shown."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from genstudio import families, paths
from genstudio.ui import icons, theme
from genstudio.ui import window as window_module
from genstudio.ui.views.writing import TINTS

LOOKS = pytest.mark.parametrize("look", [theme.LIGHT, theme.DARK], ids=lambda look: look.name)


@LOOKS
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *itertools.product(("text", "quiet", "error", "warning"), ("window", "panel")),
        *itertools.product(("text",), ("raised", "accent_soft", "error_back", "warning_back", "info_back", "line")),
        ("accent", "panel"),
        ("on_accent", "accent"),
        ("on_accent", "accent_hover"),
        ("error", "error_back"),
        ("warning", "warning_back"),
        ("quiet", "raised"),
    ],
)
def test_text_has_contrast(look: theme.Theme, text: str, ground: str) -> None:
    assert theme.contrast(getattr(look, text), getattr(look, ground)) >= 4.5


@LOOKS
def test_text_has_contrast_on_every_tint(look: theme.Theme) -> None:
    assert all(theme.contrast(look.text, tint) >= 4.5 for tint in TINTS[look.name])


def test_contrast_knows_what_cannot_be_read() -> None:
    assert theme.contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert theme.contrast(theme.LIGHT.line, theme.LIGHT.panel) < 4.5


def test_lines_can_be_seen_in_the_dark(qapp: QApplication) -> None:
    theme.apply(qapp, "dark")
    assert all(theme.contrast(theme.visible(color), theme.DARK.panel) >= 3.99 for color in theme.CYCLE)
    theme.apply(qapp, "light")
    assert theme.visible(theme.BLUE) == theme.BLUE


def test_a_change_reaches_buttons_that_exist(qtbot: QtBot, qapp: QApplication) -> None:
    theme.apply(qapp, "light")
    button = QPushButton("Play")
    qtbot.addWidget(button)
    theme.set_icon(button, "play")
    before = button.icon().pixmap(16, 16).toImage()
    with qtbot.waitSignal(theme.changed):
        theme.apply(qapp, "dark")
    assert button.icon().pixmap(16, 16).toImage() != before
    assert qapp.palette().window().color().name().upper() == theme.DARK.window
    theme.apply(qapp, "light")


def test_every_icon_draws_something(qapp: QApplication) -> None:
    for name in icons.NAMES:
        image = theme.icon(name).pixmap(32, 32).toImage()
        assert any(image.pixelColor(x, y).alpha() > 100 for x in range(32) for y in range(32)), name
    with pytest.raises(KeyError):
        theme.icon("no such icon")


@LOOKS
def test_the_arrows_of_the_style_sheet_are_the_same_icons(look: theme.Theme) -> None:
    for name, color in (("chevron-down", look.quiet), ("chevron-up", look.quiet), ("check", look.on_accent)):
        file = paths.resources() / "icons" / f"{name}-{look.name}.svg"
        assert file.read_bytes().strip() == icons.svg(name, color)


def test_maps_grow_lighter_or_have_a_white_middle() -> None:
    weights = np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(theme.VIRIDIS @ weights) > -1).all()
    light = theme.DIVERGING @ weights
    assert light[127] > 235 and light[0] < 100 and light[-1] < 100
    assert theme.mapped(np.array([0.0, 1.0, np.nan]), 0, 1).tolist()[1] == theme.VIRIDIS[255].tolist()


def test_every_kind_of_data_has_an_icon_and_words() -> None:
    from typing import get_args

    from genstudio.data.info import FILES, Kind
    from genstudio.ui.datasets.parts import COUNTED, KIND_WORDS
    from genstudio.ui.icons import svg

    for kind in get_args(Kind):
        assert kind in KIND_WORDS and kind in COUNTED and kind in FILES
        assert kind == "text" or svg(kind, "#000")


def test_a_window_has_its_font_before_any_widget(qapp: QApplication, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels built in another font keep its size in their layout, and sit above their fields."""
    usual, found = qapp.font(), []

    class Recording(window_module.Rooms):
        def __init__(self, *arguments: Any) -> None:
            found.append(QApplication.font().pixelSize())
            super().__init__(*arguments)

    monkeypatch.setattr(window_module, "Rooms", Recording)
    monkeypatch.setattr(theme._State, "following", False)
    try:
        qapp.setFont(QFont("monospace", 31))
        made = window_module.MainWindow()
        made.close()
        made.deleteLater()
    finally:
        qapp.setFont(usual)
    assert found == [theme.font().pixelSize()]


def test_the_lines_of_every_chart_have_colours_of_their_own() -> None:
    for name in families.NAMES:
        for chart in families.get(name).dashboard.charts:
            colors = theme.line_colors([line.role for line in chart.lines])
            assert len(set(colors)) >= min(len(colors), len(theme.CYCLE)), (name, chart.name, colors)
    assert theme.line_colors(["validation", "", ""])[1:] == [theme.BLUE, theme.GREEN], "a colour that is taken is left out"
