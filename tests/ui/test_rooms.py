"""Rooms and pages follow what families say: which room a run opens in, which pages a model has, who takes a dataset."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import family_cases
import pytest
from gan_window import SMALL
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QListWidget

from genstudio import families, paths
from genstudio.runs import Run
from genstudio.tasks.train import Train
from genstudio.ui.playground.pages import PAGES
from genstudio.ui.rooms import ROOMS
from genstudio.ui.window import MainWindow
from helpers import LONG, TINY, run_task, text_file

Open = Callable[..., MainWindow]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of each room."""
    home = tmp_path_factory.mktemp("rooms")
    run_task(Train("gpt", str(text_file(home)), TINY, steps=8, name="words", runs_folder=home / "runs"))
    run_task(Train("gan", "gaussian-ring", SMALL, steps=8, name="ring", runs_folder=home / "runs"))
    run_task(Train("vae", "moons", family_cases.SMALL["vae"][0], steps=8, name="moons", runs_folder=home / "runs"))
    return home / "runs"


def named(folder: Path, name: str) -> str:
    return next(str(run) for run in folder.iterdir() if Run.open(run).info.name == name)


@pytest.fixture
def window(trained: Path, open_window: Open, qtbot: Any) -> MainWindow:
    shutil.copytree(trained, paths.runs())
    made = open_window("playground")
    qtbot.waitUntil(lambda: len(made.library.runs) == 3, timeout=LONG)
    return made


def greyed(rail: QListWidget) -> dict[str, str]:
    """Pages that cannot be chosen, and why."""
    items = [rail.item(row) for row in range(rail.count())]
    pages = {entry.title for entry in PAGES}
    return {
        item.text(): item.data(Qt.ItemDataRole.AccessibleDescriptionRole)
        for item in items
        if item.text() in pages and not item.flags() & Qt.ItemFlag.ItemIsEnabled
    }


def test_every_model_that_a_page_is_for_can_be_chosen_and_the_others_pages_are_greyed(
    window: MainWindow, qtbot: Any
) -> None:
    play, folder = window.playground, paths.runs()
    rail = play.inspectors.rail
    window.tabs.show_room("playground")
    listed = {play.choice.model.itemData(row) for row in range(play.choice.model.count())}
    assert listed == {named(folder, name) for name in ("words", "ring", "moons")}

    play.choose(named(folder, "words"))
    play.inspectors.open("Saliency")
    assert play.writer.isVisible() and not play.choice.int8.isHidden()
    others = {entry.title for entry in PAGES if not set(entry.needs) <= {"Writes", "Traces"}}
    assert set(greyed(rail)) == others >= {"Explore", "Translate"} and all(greyed(rail).values())

    play.choose(named(folder, "ring"))
    assert play.inspectors.current is play.inspectors.pages["Explore"]
    assert not play.writer.isVisible() and not play.wide.isVisible() and play.choice.int8.isHidden()
    lacking = greyed(rail)
    assert set(lacking) == {entry.title for entry in PAGES if "Samples" not in entry.needs}
    assert "Attention needs a model that can be inspected" in lacking["Attention"]
    assert "generate samples" in lacking["Attention"]
    play.inspectors.open("Attention")
    assert play.inspectors.current is play.inspectors.pages["Explore"]
    page: Any = play.inspectors.pages["Explore"]
    qtbot.waitUntil(lambda: page.found is not None, timeout=LONG)
    assert page.space.size == Run.open(named(folder, "ring")).info.config["latent"]

    page.which.setCurrentIndex(page.which.findData("generator"))
    page.another()
    play.choose(named(folder, "moons"))
    assert page.space is None and page.found is None, "nothing of the model before is shown"
    qtbot.waitUntil(lambda: page.found is not None, timeout=LONG)
    assert page.found.scores is None and page.which.findData("generator") < 0

    play.choose(named(folder, "words"))
    assert play.inspectors.current is play.inspectors.pages["Saliency"] and play.writer.isVisible()
    assert not window.banners.shown


def test_a_run_opens_in_the_room_of_its_family(window: MainWindow, qtbot: Any) -> None:
    for run in window.library.runs:
        window.open_run(str(run.folder))
        assert window.tabs.key() == families.get(run.family).room
        tab = window.links.trainer(window.tabs.key())
        qtbot.waitUntil(lambda tab=tab, run=run: tab.info is not None and tab.info.folder == run.folder, timeout=LONG)


@pytest.mark.parametrize("listed", [True, False])
def test_a_run_of_a_family_that_is_not_known_says_so(
    window: MainWindow, qtbot: Any, tmp_path: Path, listed: bool
) -> None:
    run = shutil.copytree(named(paths.runs(), "words"), (paths.runs() if listed else tmp_path) / "20300101-000000_later")
    said = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(said | {"family": "later", "name": "tomorrow"}))
    window.library.refresh_runs()
    qtbot.waitUntil(lambda: len(window.library.runs) == 3 + listed and not window.library.reading, timeout=LONG)
    front = window.tabs.key()
    window.open_run(str(run))
    qtbot.waitUntil(lambda: bool(window.banners.shown), timeout=LONG)
    words = window.banners.shown[0].accessibleName()
    assert "'tomorrow' is of the family 'later', which is unknown to this version" in words and "Update" in words
    assert window.tabs.key() == front
    model = window.runs.model
    cells = [model.data(model.index(row, 5)) for row in range(model.rowCount())]
    assert sum("'later'" in cell for cell in cells) == listed
    assert window.playground.choice.model.findData(str(run)) < 0


def test_every_family_that_takes_a_dataset_is_offered_the_usual_one_first(open_window: Open, qtbot: Any) -> None:
    window = open_window()
    tab = window.datasets
    qtbot.waitUntil(lambda: window.library.dataset("moons") is not None, timeout=LONG)
    for data, kind in (("moons", "points"), ("names", "text"), ("digits8", "images")):
        taking = families.learning_from(kind)
        assert len(taking) > 2
        for family in taking:
            window.tabs.show_room("datasets")
            tab.choose(data)
            entries = tab.families.actions()
            assert [entry.text() for entry in entries] == [family.title for family in taking]
            entries[taking.index(family)].trigger()
            shown = window.links.trainer(window.tabs.key())
            assert (window.tabs.key(), shown.family.name) == (family.room, family.name)
            assert shown.setup.data.currentData() == data and not shown.run_path
    usual = families.learning_from("points")[0]
    window.train_on("moons")
    assert window.tabs.key() == usual.room
    assert not window.banners.shown


def test_the_rooms_are_in_their_order_and_each_is_there_once_a_family_is(open_window: Open) -> None:
    window = open_window()
    used = {family.room for family in families.all_families()}
    shown = [room for room in ROOMS if not room.trains or room.key in used]
    assert list(window.tabs.rooms) == [room.key for room in shown]
    assert [window.tabs.tabText(index).replace("&&", "&") for index in range(window.tabs.count())] == [
        room.title for room in shown
    ]
    for number, room in enumerate(shown, 1):
        action = window.findChild(QAction, f"action_{room.key}")
        assert action is not None and action.shortcut().toString() == f"Ctrl+{number}"
        action.trigger()
        assert window.tabs.key() == room.key and window.tabs.currentWidget() is window.tabs.pages[room.key]


def test_an_entry_of_a_menu_acts_only_on_what_is_in_front(window: MainWindow) -> None:
    def usable(name: str) -> bool:
        found = window.findChild(QAction, f"action_{name}")
        assert found is not None
        return found.isEnabled()

    for room in window.tabs.rooms:
        window.tabs.show_room(room)
        assert usable("next_branch") == (room == "playground")
        assert usable("start") == (room in window.links.trainers())
        assert usable("quit") and usable("generate") and usable("import_files")
