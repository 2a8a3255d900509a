"""A family that is nothing but a folder, in the window: every room, page and menu works with it, or is greyed and says why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt

from genstudio.families import Family
from genstudio.families.abilities import ABILITIES
from genstudio.runs import Run
from genstudio.ui.playground.pages import PAGES
from genstudio.ui.window import MainWindow
from helpers import LONG
from real_window import press


def trained(window: MainWindow, qtbot: Any, steps: int) -> Any:
    """The tab of its room, after a training or its extension to so many steps."""
    tab = window.links.trainer("basics")
    qtbot.waitUntil(lambda: tab.info is not None and tab.info.step == steps and tab.state == "stopped", timeout=LONG)
    assert not window.banners.shown, [banner.accessibleName() for banner in window.banners.shown]
    return tab


def test_a_family_is_one_folder_in_the_window_too(
    toy: Family[Any, Any], open_window: Callable[..., MainWindow], qtbot: Any
) -> None:
    window = open_window()
    assert window.tabs.rooms["basics"].title == "Basics"
    window.tabs.show_room("datasets")
    window.datasets.choose("gaussian-ring")
    offers = {action.text(): action for action in window.datasets.families.actions()}
    assert list(offers)[-1] == toy.title and len(offers) > 1
    offers[toy.title].trigger()
    assert window.tabs.key() == "basics"

    tab = window.links.trainer("basics")
    assert tab.family is toy and tab.setup.data.currentData() == "gaussian-ring"
    tab.setup.set_plan(20, None)
    press(qtbot, tab, "basics_start")
    assert trained(window, qtbot, 20) is tab
    assert tab.panel.pane("plane").view.view.snapshot is not None
    tab.extend_by(share=1.0)
    trained(window, qtbot, 40)
    run = tab.run_path
    assert Run.open(run).info.family == toy.name and tab.panel.time.steps[-1] == 40

    model = window.runs.model
    qtbot.waitUntil(lambda: [r.step for r in model.runs] == [40], timeout=LONG)
    assert "JS divergence" in model.data(model.index(0, 3))
    look_at_every_page(window, qtbot, toy, run)
    for key in window.tabs.rooms:
        window.tabs.show_room(key)
        window.grab()
    window.tabs.show_room("basics")
    window.close()

    again = open_window()
    tab = trained(again, qtbot, 40)
    assert again.tabs.key() == "basics" and tab.run_path == run


def look_at_every_page(window: MainWindow, qtbot: Any, family: Family[Any, Any], run: str) -> None:
    """Each page of the Playground shows something, or cannot be opened and says what the model would have to do."""
    window.tabs.show_room("playground")
    play, inspectors = window.playground, window.playground.inspectors
    qtbot.waitUntil(lambda: play.reference() is not None and play.reference().run == run, timeout=LONG)
    open_pages = 0
    for entry in PAGES:
        inspectors.open(entry.title)
        (item,) = inspectors.rail.findItems(entry.title, Qt.MatchFlag.MatchExactly)
        lacking = [name for name in entry.needs if name not in family.abilities]
        if lacking:
            why = item.data(Qt.ItemDataRole.AccessibleDescriptionRole)
            assert not item.flags() & Qt.ItemFlag.ItemIsEnabled and all(ABILITIES[name][1] in why for name in lacking)
            assert inspectors.current is not inspectors.pages.get(entry.title)
        else:
            open_pages += 1
            page: Any = inspectors.page(entry.title)
            assert inspectors.current is page
            qtbot.waitUntil(lambda page=page: page.found is not None and page.found.step == 40, timeout=LONG)
    assert open_pages == 1
