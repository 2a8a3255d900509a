"""Every room, page, dialog and state of the window in turn: pictures of them all, and what does not fit.

    python tests/every_screen.py FOLDER --screen 1280x720 --theme dark --home HOME    writes a picture of each
    python tests/every_screen.py --faults --screen 1366x768@1.5                       prints what is cut, and what is outside

Both walk the same way, in a window that fills a screen of this many pixels below a title bar, at this scale. Without a home
there are only the models that ship. A home that is not there yet is made, with short trainings of every family: some minutes.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLabel,
    QScrollArea,
    QSlider,
    QTabBar,
    QTabWidget,
    QToolButton,
    QWidget,
)

from genstudio import families
from genstudio.errors import Failure
from genstudio.tasks.train import Train
from genstudio.ui import help_dialog, theme
from genstudio.ui.glossary import explain_focus
from genstudio.ui.widgets import ElidedLabel
from genstudio.ui.window import MainWindow

Screen = tuple[str, QWidget]
WIDE = 1200
"""Of a screen that something may be presented on, in pixels of the usual size."""
FRAME = 32
"""Height of a title bar."""
TRAINED: tuple[tuple[str, str, float], ...] = (
    ("gpt", "shakespeare", 20), ("gpt", "names", 6), ("gpt", "copy", 25), ("bert", "letters", 12), ("seq2seq", "toy", 25),
    ("word2vec", "analogies", 10), ("gan", "ring-live", 8), ("gan", "digits", 15), ("gan", "collapse", 4),
    ("gaussian", "digits", 3), ("autoencoder", "digits", 6), ("vae", "digits", 8), ("vae", "points", 5),
    ("diffusion", "moons", 10), ("diffusion", "digits", 15),
)  # fmt: skip
"""Family, preset and seconds of what a home is made of; families that are not named are trained by their first preset."""


def cut(window: QWidget) -> list[str]:
    """Labels and buttons whose words do not fit, and controls that reach out of the window. What lies in an area that
    scrolls may be out of sight."""
    found = []
    for part in window.findChildren(QWidget):
        if not part.isVisible() or part.window() is not window:
            continue
        words = part.text().replace("&&", "&") if isinstance(part, QLabel | QAbstractButton) else ""
        wide = part.fontMetrics().horizontalAdvance(words.split("\n")[0])
        icon = isinstance(part, QToolButton) and part.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly
        if isinstance(part, ElidedLabel) or icon or not words or part.property("section"):
            pass
        elif isinstance(part, QLabel) and part.wordWrap():
            found += [f"label too low: {words[:60]!r}"] * (part.heightForWidth(part.width()) > part.height() + 2)
        elif wide > part.contentsRect().width() + 1:
            found.append(f"{'label' if isinstance(part, QLabel) else 'button'} cut: {words!r}")
        if isinstance(part, QAbstractButton | QComboBox | QSlider | QTabBar) and not part.size().isEmpty() and not scrolled(part):
            place = QRect(part.mapTo(window, QPoint(0, 0)), part.size())
            if not window.rect().contains(place):
                found.append(f"outside: {part.objectName() or type(part).__name__} {place.getRect()}")
    return found


def scrolled(part: QWidget) -> bool:
    """Whether a part lies in an area that scrolls by itself, other than the room as a whole."""
    parent = part.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea) and parent.objectName() != "room_scroll":
            return True
        parent = parent.parentWidget()
    return False


def faults(window: MainWindow, shown: QWidget) -> list[str]:
    """What is wrong with the window, or with a dialog of it: what is cut, and rooms that scroll as a whole. Beside a lesson
    they may: a small window has no room for both, and the control that is highlighted is brought into sight.

    What arrives while it is looked at has to be laid out first: a fault is what stays.
    """
    for _ in range(20):
        if not (found := _faults(window, shown)):
            break
        time.sleep(0.02)
        settle(window)
    return found


def _faults(window: MainWindow, shown: QWidget) -> list[str]:
    found = cut(shown)
    if window.in_lesson:
        found = [fault for fault in found if not fault.startswith("outside")]
    elif shown is window:
        bars = window.banners.room.horizontalScrollBar(), window.banners.room.verticalScrollBar()
        found += [f"scrolls {way} by {bar.maximum()}" for way, bar in zip(("across", "down"), bars, strict=True) if bar.maximum()]
    return found


def sources(folder: Path) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """What a person may bring, by what it is."""
    yield "pasted", "To be, or not to be, that is the question.\n" * 40
    for name, content in {
        "poems.txt": "Tyger Tyger, burning bright,\nIn the forests of the night;\n" * 200,
        "recipes.csv": "title,steps,minutes\n" + "Pancakes,\"Mix, rest and fry.\",25\nSoup,Boil everything.,40\n" * 30,
        "flowers.csv": "length,width,class\n" + "5.1,3.5,setosa\n6.2,2.9,versicolor\n" * 40,
        "report.pdf": "%PDF-1.7 nothing to read",
    }.items():
        (folder / name).write_text(content)
        yield name, (str(folder / name),)
    rng = np.random.default_rng(0)
    for kind in ("cats", "dogs"):
        (folder / "photos" / kind).mkdir(parents=True)
        for number in range(12):
            pixels = rng.integers(0, 255, (48, 64 if number % 2 else 48, 3), np.uint8)
            Image.fromarray(pixels).save(folder / "photos" / kind / f"{number}.png")
    yield "pictures", (str(folder / "photos"),)
    (folder / "sounds").mkdir()
    for number in range(6):
        with wave.open(str(folder / "sounds" / f"clip{number}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16000)
            tone = 8000 * np.sin(np.arange(16000) * (0.05 + 0.02 * number))
            file.writeframes(tone.astype("<i2").tobytes())
    yield "sounds", (str(folder / "sounds"),)


def settle(window: QWidget) -> None:
    """Everything laid out: sizes follow each other up the tree, one level for each turn of the event loop."""
    for _ in range(5):
        QApplication.processEvents()


class Walk:
    """Goes through a window; `settle` waits until what it came to is there."""

    def __init__(self, window: MainWindow, settle: Callable[[], None], without: Sequence[str] = ()) -> None:
        self.window, self.settle, self.without = window, settle, without

    def everything(self) -> Iterator[Screen]:
        """All screens by their names. Each stands until the next is asked for."""
        for part in (self.lessons, self.datasets, self.trainers, self.playground, self.runs, self.dialogs, self.messages):
            if part.__name__ not in self.without:
                yield from part()

    def at(self, name: str) -> Iterator[Screen]:
        self.settle()
        yield name, self.window

    def tabs(self, name: str, inside: QWidget, passed: frozenset[QWidget] = frozenset()) -> Iterator[Screen]:
        """What is seen of a widget, and all that its tabs show."""
        found = [
            tabs for tabs in inside.findChildren(QTabWidget)
            if tabs.isVisible() and tabs not in passed and tabs.objectName() != "tabs"
        ]  # fmt: skip
        if not found:
            yield from self.at(name)
            return
        tabs, known = found[0], passed | {*found}
        places = [place for place in range(tabs.count()) if tabs.isTabVisible(place) and tabs.isTabEnabled(place)]
        for place in places:
            tabs.setCurrentIndex(place)
            self.settle()
            title = f"{name}-{tabs.tabText(place)}" if len(places) > 1 else name
            yield from self.tabs(title, tabs.widget(place), known)
        tabs.setCurrentIndex(places[0])
        for other in found[1:]:
            if other.isVisible() and not tabs.isAncestorOf(other):
                yield from self.tabs(f"{name}-{other.objectName()}", other.parentWidget(), known - {other})

    def lessons(self) -> Iterator[Screen]:
        window = self.window
        window.show_lessons()
        yield from self.at("lessons")
        for key in ("01-spelling", "05-attention"):
            window.play_lesson(key)
            for step in range(len(window.player.steps)):
                window.player._enter(step)
                yield from self.at(f"lesson-{key}-{step + 1}")
                if window.player.step.question and step < 6:
                    window.player.answer(0)
                    yield from self.at(f"lesson-{key}-{step + 1}-answered")
            window.player.end()
        if window.width() >= WIDE:
            window.play_lesson("06-byte-pairs")
            window.lesson_panel.teach(True)
            yield from self.at("lesson-teacher")
            window.player.end()

    def datasets(self) -> Iterator[Screen]:
        window = self.window
        window.tabs.show_room("datasets")
        tab = window.datasets
        shown = {}
        for info in window.library.datasets:
            shown.setdefault((info.kind, bool(info.details.get("classes"))), info.id)
        for data in shown.values():
            tab.choose(data)
            yield from self.tabs(f"datasets-{data}", tab)
        window.show_import()
        yield from self.at("datasets-import")
        with tempfile.TemporaryDirectory() as folder:
            for name, source in sources(Path(folder)):
                tab.importing.look_at(source)
                while "inspect" in tab._asking:
                    QApplication.processEvents()
                yield from self.at(f"datasets-import-{name}")
                tab.importing.choose()
        for name, page in (("draw-points", tab.draw_points), ("draw-digits", tab.draw_digits)):
            tab.stack.setCurrentWidget(page)
            yield from self.at(f"datasets-{name}")
        for label, at in enumerate((QPointF(150, 150), QPointF(260, 220))):
            tab.draw_points.kind.setCurrentIndex(1 + label)
            tab.draw_points.canvas._brush = tab.draw_points.canvas.place(at)
            for _ in range(12):
                tab.draw_points.canvas.spray()
            tab.draw_points.canvas.lift()
        for place in range(6, 22):
            tab.draw_digits.canvas.dab(14 + 4 * math.sin(place / 3), place)
        for _ in range(13):
            pixels = tab.draw_digits.canvas.pixels
            tab.draw_digits.add_picture()
            tab.draw_digits.canvas.pixels = pixels
        for name, page in (("draw-points", tab.draw_points), ("draw-digits", tab.draw_digits)):
            tab.stack.setCurrentWidget(page)
            yield from self.at(f"datasets-{name}-drawn")
        window.datasets.choose("shakespeare")

    def trainers(self) -> Iterator[Screen]:
        for key, room in self.window.tabs.rooms.items():
            if room.trains:
                yield from self.trainer(key)

    def trainer(self, room: str) -> Iterator[Screen]:
        window = self.window
        window.tabs.show_room(room)
        page = window.links.trainer(room)
        for family in families.in_room(room):
            page.close_run()
            page.choose_family(family.name)
            yield from self.at(f"{room}-{family.name}-setup")
            page.setup.show_settings(True)
            yield from self.at(f"{room}-{family.name}-settings")
            page.setup.form.more.set_opened(True)
            yield from self.at(f"{room}-{family.name}-settings-more")
            page.setup.drawer.search.setText("learning rate")
            yield from self.at(f"{room}-{family.name}-settings-found")
            page.setup.drawer.search.clear()
            page.setup.form.more.set_opened(False)
            page.setup.show_settings(False)
            runs = [run for run in window.library.runs if run.family == family.name and run.usable]
            for run in runs:
                page.open_run(str(run.folder))
                self.settle()
                yield from self.tabs(f"{room}-{family.name}-{run.name}", page.panel)
            page.close_run()
        page.open_race()
        yield from self.at(f"{room}-race")
        page._leave_race()

    def playground(self) -> Iterator[Screen]:
        window = self.window
        window.tabs.show_room("playground")
        tab = window.playground
        self.settle()
        tab.choice.copy.setFocus()
        models = {}
        for place in range(tab.choice.model.count()):
            run = tab.choice._runs[tab.choice.model.itemData(place)]
            models.setdefault((run.family, str(run.dataset.get("id"))), str(run.folder))
        for (family, data), folder in models.items():
            tab.choose(folder)
            if tab.reads and not tab.document.text():
                tab.document.set_text("ROMEO: What light is that, my lord?\n")
            if tab.translates:
                tab.source.edit.setText("the old dog sees a red house" if data == "toy-en-es" else tab.source.edit.text())
            self.settle()
            for title in tab.inspectors.titles():
                if tab.inspectors.offered(title):
                    tab.inspectors.open(title)
                    yield from self.tabs(f"playground-{family}-{data}-{title}", tab)

    def runs(self) -> Iterator[Screen]:
        window = self.window
        window.tabs.show_room("runs")
        self.settle()
        paths = [str(run.folder) for run in window.library.runs]
        for count in {min(1, len(paths)), min(4, len(paths))}:
            window.runs.select(*paths[-count:] if count else ())
            yield from self.tabs(f"runs-{count}", window.runs)
        window.runs._open_trash()
        self.settle()
        if window.runs.trash_menu.isVisible():
            yield "runs-trash", window.runs.trash_menu
        window.runs.trash_menu.close()

    def dialogs(self) -> Iterator[Screen]:
        window = self.window
        window.show_keys()
        dialogs = {"keys": window.findChild(QWidget, "keys_dialog")}
        for name, make in (("about", help_dialog.about), ("where", help_dialog.where), ("glossary", explain_focus)):
            dialogs[name] = make(window)
        for name, dialog in dialogs.items():
            if dialog is not None:
                dialog.show()
                self.settle()
                yield f"dialog-{name}", dialog
                dialog.close()

    def messages(self) -> Iterator[Screen]:
        window = self.window
        window.show_banner("The model has been added to the list.")
        window.show_failure(Failure("DataError", "'notes.pdf' is a PDF.", "Export it as plain text, then import that file."))
        yield from self.at("message")
        while window.banners.dismiss_newest():
            pass


def make_home(home: Path) -> None:
    """Short trainings of every family, in a home of their own."""
    from genstudio.tasks.models import Models

    os.environ["GENSTUDIO_HOME"] = str(home)
    every = {name for name, *_ in TRAINED}
    more = tuple((name, families.get(name).presets[0].name, 8.0) for name in families.NAMES if name not in every)
    for name, wanted, seconds in (*TRAINED, *more):
        family = families.get(name)
        preset = next((preset for preset in family.presets if preset.name == wanted), family.presets[0])
        config = family.config.parse(preset.values).model_dump()
        print(name, preset.name, flush=True)
        steps = preset.steps if preset.steps == 1 else None
        task = Train(name, preset.data or family.usual_data, config, steps=steps, seconds=None if steps else seconds,
                     name=preset.title)  # fmt: skip
        for _ in task.run(Models()):
            pass


def _quiet(window: MainWindow, patient: bool) -> None:
    """Wait until the window has nothing to do, at most some seconds; not `patient`: only until it is laid out."""
    end, calm = time.monotonic() + (8 if patient else 0), 0.0
    while patient and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)
        calm = 0.0 if window.engine.work() else calm + 0.01
        if calm > 0.4:
            break
    settle(window)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--screen", default="1280x720")
    parser.add_argument("--theme", default="light")
    parser.add_argument("--zoom", type=float, default=1.0)
    parser.add_argument("--home")
    parser.add_argument("--only", default="")
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--without", nargs="*", default=())
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as own:
        home = Path(args.home or own)
        if args.home and not home.exists():
            make_home(home)
        os.environ["GENSTUDIO_HOME"] = str(home)
        return _walked(args, *_screen(args.screen, Path(own, "screen.json")))


def _screen(words: str, file: Path) -> tuple[int, int]:
    """Have Qt draw on such a screen; gives the size that it leaves to a window below its title bar."""
    pixels, _, scale = words.partition("@")
    width, height = map(int, pixels.split("x"))
    screen = {"name": "one", "x": 0, "y": 0, "width": width, "height": height, "logicalDpi": 96, "logicalBaseDpi": 96, "dpr": 1}
    file.write_text(json.dumps({"screens": [screen]}))
    os.environ |= {"QT_QPA_PLATFORM": f"offscreen:configfile={file}", "QT_SCALE_FACTOR": scale or "1"}
    return round(width / float(scale or 1)), round(height / float(scale or 1)) - FRAME


def _walked(args: Any, width: int, height: int) -> int:
    app = QApplication(["genstudio"])
    theme.apply(app, args.theme)
    window = MainWindow()
    window.set_theme(args.theme)
    if args.zoom != 1:
        theme.set_zoom(app, args.zoom, contrast=False)
    window.resize(width, height)
    window.show()
    window.begin()
    while not (window.ready and window.library.datasets):
        app.processEvents()
        time.sleep(0.01)
    walk = Walk(window, lambda: _quiet(window, bool(args.folder)), args.without)
    found: dict[str, list[str]] = {}
    for name, shown in walk.everything():
        if args.only and args.only not in name:
            continue
        if shown is window and not window.isFullScreen():
            window.resize(width, height)
            settle(window)
            if (window.width(), window.height()) != (width, height):
                found.setdefault(name, []).append(f"makes the window larger: {window.width()}x{window.height()}")
        if args.folder:
            Path(args.folder).mkdir(parents=True, exist_ok=True)
            file = "".join(c if c.isalnum() or c in "-." else "_" for c in name)
            shown.grab().save(str(Path(args.folder, f"{file}.png")))
        if args.faults and (wrong := faults(window, shown)):
            found.setdefault(name, []).extend(wrong)
        if args.only:
            print(name, flush=True)
    window.close()
    for name, wrong in found.items():
        print(json.dumps([name, wrong]))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
