"""The menus as data: what each entry is called, what it does, its keys, and what it needs in front."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QAction, QActionGroup, QKeySequence

from genstudio.families.dashboard import EXPLORE, LIVE, SLOW_MOTION, TIMELINE
from genstudio.ui import help_dialog, theme
from genstudio.ui.glossary import explain_focus
from genstudio.ui.lessons.keys import BACK_KEYS, NEXT_KEYS, SHOW_KEYS
from genstudio.ui.runs.actions import ACTIONS
from genstudio.ui.train.drawer import OPEN_KEYS
from genstudio.ui.train.tab import TrainingTab

if TYPE_CHECKING:
    from genstudio.ui.window import MainWindow

Target = Callable[["MainWindow"], Any]
"""Gives what an entry acts on; None where that is not in front, or cannot be used."""


def _window(window: MainWindow) -> Any:
    return window


def _playground(window: MainWindow) -> Any:
    return window.playground if window.tabs.key() == "playground" else None


def _lesson(window: MainWindow) -> Any:
    return window if window.in_lesson else None


def _runs(window: MainWindow) -> Any:
    return window.runs if window.tabs.key() == "runs" else None


def _trainer(button: str) -> Target:
    """The training tab in front, while this button of it can be pressed."""

    def target(window: MainWindow) -> Any:
        page = window.tabs.currentWidget()
        return page if isinstance(page, TrainingTab) and getattr(page, button).isEnabled() else None

    return target


def _tool(name: str) -> Target:
    """The panel of the training tab in front, if it has this tool."""

    def target(window: MainWindow) -> Any:
        page = window.tabs.currentWidget()
        found = page.panel if isinstance(page, TrainingTab) and page.has_panel else None
        return found if found is not None and name in found.tools else None

    return target


def _run_action(name: str, tab: Any) -> None:
    tab.trigger(name)


@dataclass(frozen=True, slots=True)
class Item:
    """An entry with its `keys`, the first of which its menu shows: `does(target)` acts on what `needs(window)` gives.
    A `mode` can be checked, one of its menu at a time."""

    words: str
    does: Callable[[Any], object]
    keys: str = ""
    needs: Target = _window
    name: str = ""
    mode: str = ""


Menu = tuple[str, tuple[Item | None, ...]]
"""Its title and its entries; None is a line between two."""

MENUS: tuple[Menu, ...] = (
    ("&File", (
        Item("Import files…", lambda w: w.ask_for_file(), "Ctrl+O"),
        Item("Import, paste or draw…", lambda w: w.show_import(), "Ctrl+I"),
        None,
        Item("Quit", lambda w: w.close(), "Ctrl+Q"),
    )),
    ("&Training", (
        Item("Start", lambda tab: tab.start_training(), "Ctrl+Return", _trainer("start")),
        Item("Pause or resume", lambda tab: tab.toggle_pause(), "Ctrl+P", _trainer("pause")),
        Item("Stop", lambda tab: tab.stop_training(), "Ctrl+.", _trainer("stop")),
        Item("Save now", lambda tab: tab.save_now(), "Ctrl+S", _trainer("save")),
        Item("Settings of the model", lambda tab: tab.toggle_settings(), OPEN_KEYS, _trainer("setup")),
        Item("Train twice as long", lambda tab: tab.extend_by(share=1.0), "Ctrl+T", _trainer("extend")),
        None,
        Item("Previous snapshot", lambda panel: panel.time.step_by(-1), "F6", _tool(TIMELINE)),
        Item("Play or pause the timeline", lambda panel: panel.time.play.click(), "F7", _tool(TIMELINE)),
        Item("Next snapshot", lambda panel: panel.time.step_by(1), "F8", _tool(TIMELINE)),
        Item("First snapshot", lambda panel: panel.time.to_first(), "Shift+F6", _tool(TIMELINE)),
        Item("Newest snapshot", lambda panel: panel.time.follow(), "Shift+F8", _tool(TIMELINE)),
        Item("Slow motion", lambda panel: panel.slow.turn_on.click(), "Shift+F9", _tool(SLOW_MOTION)),
        Item("Next stage", lambda panel: panel.slow.next.click(), "F9", _tool(SLOW_MOTION)),
        Item("Undo the last change", lambda panel: panel.live.back.click(), "F4", _tool(LIVE)),
        Item("Switch between training and exploring", lambda panel: panel.turn_page(), "Ctrl+Shift+E", _tool(EXPLORE)),
    )),
    ("&Playground", (
        Item("Generate", lambda w: w.generate(), "Ctrl+G"),
        Item("Stop generating", lambda w: w.playground.stop_writing(), "Ctrl+Shift+G"),
        Item("Generate from the cursor", lambda tab: tab.writer.write_here(), "Ctrl+Shift+Return", _playground),
        Item("Generate again with the next seed", lambda tab: tab.writer.write_again(), "Ctrl+R", _playground),
        Item("Alternatives to the token", lambda tab: tab.document.open_here(), "Alt+Return", _playground),
        Item("Next branch", lambda tab: tab.document.walk(1), "Ctrl+B", _playground),
        Item("Previous branch", lambda tab: tab.document.walk(-1), "Ctrl+Shift+B", _playground),
        Item("Jump to the branch point", lambda tab: tab.document.to_fork(), "Ctrl+J", _playground),
        Item("Focus the text", lambda tab: tab.go_to_text(), "Ctrl+L", _playground),
        Item("Focus the list of pages", lambda tab: tab.go_to_pages(), "Ctrl+Shift+L", _playground),
        Item("Hide or show the document", lambda tab: tab.wide.click(), "Ctrl+Shift+H", _playground),
        Item("New document", lambda tab: tab.document.set_text(""), "Ctrl+Shift+N", _playground),
        Item("Open document…", lambda tab: tab.writer.files.ask_open(), "Ctrl+Shift+O", _playground),
        Item("Export document…", lambda tab: tab.writer.files.ask_export(), "Ctrl+Shift+S", _playground),
    )),
    ("&Runs", (
        *(
            Item(action.words, partial(_run_action, action.name), "" if action.keys == "Return" else action.keys, _runs,
                 action.name)
            for action in ACTIONS if action.name != "export_run"
        ),
        None,
        Item("Undo the last deletion", lambda tab: tab.undo_delete(), "Ctrl+Alt+Z", _runs),
        Item("Find a run", lambda tab: tab.search.setFocus(), "Ctrl+F", _runs),
    )),
    ("&View", (
        Item("Follow the system", lambda w: w.set_theme("system"), mode="system"),
        Item("Light theme", lambda w: w.set_theme("light"), mode="light"),
        Item("Dark theme", lambda w: w.set_theme("dark"), mode="dark"),
        Item("Toggle theme", lambda w: w.set_theme("light" if theme.current().dark else "dark"), "Ctrl+Shift+D"),
        None,
        Item("Larger text", lambda w: w.look.larger(1), "Ctrl++ Ctrl+="),
        Item("Smaller text", lambda w: w.look.larger(-1), "Ctrl+-"),
        Item("Default text size", lambda w: w.look.usual_size(), "Ctrl+0"),
        Item("Full screen", lambda w: w.look.full_screen(), "F11"),
        Item("Presentation mode", lambda w: w.look.present(), "Shift+F11"),
    )),
    ("&Help", (
        Item("Lessons", lambda w: w.show_lessons(), name="show_lessons"),
        Item("Next step of the lesson", lambda w: w.lesson_panel.step(), NEXT_KEYS, _lesson),
        Item("Previous step of the lesson", lambda w: w.player.back(), BACK_KEYS, _lesson),
        Item("Show me this step of the lesson", lambda w: w.lesson_panel.do_step(), SHOW_KEYS, _lesson),
        Item("Teacher's mode", lambda w: w.lesson_panel.teach(not w.lesson_panel.teaching), "Ctrl+F11", _lesson),
        Item("End the lesson", lambda w: w.player.end(), needs=_lesson),
        None,
        Item("Keyboard shortcuts", lambda w: w.show_keys(), "F1"),
        Item("Glossary", lambda w: explain_focus(w), "Shift+F1"),
        Item("Where everything is kept", lambda w: help_dialog.where(w).show()),
        Item("About genstudio", lambda w: help_dialog.about(w).show()),
    )),
)  # fmt: skip


class Menus:
    """The menu bar of a window. Entries whose target is not in front are greyed: see `enable`."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._actions: list[tuple[Item, QAction]] = []
        self._modes = QActionGroup(window)
        for title, items in MENUS:
            menu = window.menuBar().addMenu(title)
            for item in (*_rooms(window), *items) if title == "&View" else items:
                menu.addAction(self._action(item)) if item is not None else menu.addSeparator()

    def enable(self) -> None:
        """Bring up to date which entries can be used; elsewhere they could act on what nobody sees."""
        for item, action in self._actions:
            if item.needs is not _window:
                action.setEnabled(item.needs(self._window) is not None)

    def check(self, mode: str) -> None:
        """Mark the mode that is on."""
        for item, action in self._actions:
            if item.mode:
                action.setChecked(item.mode == mode)

    def _action(self, item: Item) -> QAction:
        action = QAction(item.words.replace("&", "&&"), self._window)
        action.setObjectName("action_" + (item.name or "_".join(item.words.lower().replace("…", "").split())))
        if item.keys:
            action.setShortcuts([QKeySequence(keys) for keys in item.keys.split()])
            self._window.addAction(action)  # its keys work while the menus are hidden, too
        if item.mode:
            action.setCheckable(True)
            self._modes.addAction(action)
        action.triggered.connect(lambda _=False: self._trigger(item))
        self._actions.append((item, action))
        return action

    def _trigger(self, item: Item) -> None:
        target = item.needs(self._window)
        if target is not None:
            item.does(target)


def _rooms(window: MainWindow) -> Iterator[Item | None]:
    """The way to each tab, by its number on the bar."""
    for number, room in enumerate(window.tabs.rooms.values(), 1):
        yield Item(room.title, partial(_show, room.key), f"Ctrl+{number}", name=room.key)
    yield None


def _show(room: str, window: MainWindow) -> None:
    window.tabs.show_room(room)
