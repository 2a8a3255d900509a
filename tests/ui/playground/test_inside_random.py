"""The pages that look inside, used at random by somebody who means harm: a message, never a fault."""

from __future__ import annotations

import math
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from at_random import NOTICED, Controls, answer_dialogs
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from genstudio.inspection.ablation import Ablation
from genstudio.sampling.choose import SamplingOptions
from genstudio.tasks.inside import LookAtMap, Which
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt, Tokens
from genstudio.tasks.train import Train
from genstudio.ui.engine import Engine
from genstudio.ui.playground.page import Page
from genstudio.ui.playground.pages import PAGES
from genstudio.ui.playground.sampler import Sampling
from genstudio.ui.views.view import Figure
from helpers import LONG, TINY, files, run_task, text_file

pytestmark = NOTICED
LOOKING = [entry for entry in PAGES if entry.group in ("Inside", "Compare") and set(entry.needs) <= {"Writes", "Traces"}]
MODELS: dict[str, dict[str, Any]] = {
    "rotary": TINY | {"context": 16},
    "bytes": TINY | {"layers": 3, "heads": 4, "tokenizer": "byte", "positions": "sinusoidal", "norm_place": "post"},
    "open": TINY | {"layers": 1, "heads": 1, "context": 2, "mask": False, "positions": "learned"},
    "bare": TINY | {"positions": "none", "tied": False, "activation": "relu"},
}
PROMPTS: tuple[Prompt, ...] = (
    (), ("",), ("t",), ("the cat sat on a mat " * 3,), ("@@@ é☃\x00\ud800",), ("the cat " * 131_072,),
    ("the ", Tokens((3, 4, 5), "cat")), (Tokens((10**9, -1), "xx"),), ("\n\n\n",),
)  # fmt: skip
SAMPLINGS = (
    Sampling(SamplingOptions(temperature=1.0), 8, 1), Sampling(SamplingOptions(math.nan, -5, 0.0), 10**9, -3),
    Sampling(SamplingOptions(0.0), -1, 0), Sampling(SamplingOptions(greedy=True), 0, 2**40),
)  # fmt: skip
HEADS = Ablation(
    frozenset({(0, 0), (99, 99)}), frozenset({1, 77}), frozenset({2}), frozenset({0, 3, 10**6}), scaled=False, causal=False
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("random")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(home))
        for name, settings in MODELS.items():
            run_task(Train("gpt", str(text_file(home)), settings, steps=12, name=name))
    return home


class Person:
    """All pages on one engine, the models, and a training that may run."""

    def __init__(self, qtbot: QtBot, engine: Engine, home: Path, seed: int) -> None:
        self.qtbot, self.engine, self.home, self.rng = qtbot, engine, home, random.Random(seed)
        self.failures: list[Any] = []
        self.runs = sorted(str(path) for path in (home / "runs").iterdir())
        self.pages: list[Any] = []
        for entry in LOOKING:
            page = entry.build(engine)
            page.failed.connect(self.failures.append)
            qtbot.addWidget(page)
            page.resize(560, 600)
            self.pages.append(page)
        self.page: Any = self.pages[0]
        self.page.show()
        self.training = self.live = ""
        self.controls = Controls(self.rng)
        self.done: set[str] = set()
        self.opened = {self.page}

    def train(self) -> None:
        """A training whose live weights are looked at."""
        if not self.training:
            task = Train("gpt", str(self.home / "words.txt"), MODELS["rotary"], steps=10**6, name="live")
            self.training = self.engine.start(task, self._heard, self.failed)

    def failed(self, failure: Any) -> None:
        if failure is not None:
            self.failures.append(failure)

    def _heard(self, frame: Any) -> None:
        for found in frame.snapshots:
            if getattr(found, "channel", "") == "run":
                self.live = str(found.value)

    def stop(self) -> None:
        """Stop the training, whoever attends to it."""
        if self.training:
            self.engine.stop(self.training)
        self.training = ""

    def open(self) -> None:
        self.page.hide()
        self.page = self.rng.choice([page for page in self.pages if page not in self.opened] or self.pages)
        self.opened.add(self.page)
        self.page.show()

    def look(self) -> None:
        refs: list[ModelRef | None] = [ModelRef(self.rng.choice(self.runs)) for _ in range(5)]
        refs += [ModelRef("no such run"), ModelRef(self.runs[0], 10**7), ModelRef(self.runs[0], precision="int8"), None]
        refs += [ModelRef(self.live, "live")] * (4 if self.live else 0)
        self.page.look_at(self.rng.choice(refs), self.rng.choice(PROMPTS))

    def delete(self) -> None:
        """One of the runs disappears; the last stays."""
        if len(self.runs) > 2 and self.rng.random() < 0.03:
            shutil.rmtree(self.runs.pop(self.rng.randrange(len(self.runs))), ignore_errors=True)

    def widgets(self, name: str) -> list[Any]:
        return [widget for widget in self.page.findChildren(QWidget) if type(widget).__name__ == name]

    def push(self) -> None:
        """Any box, slider, list or text of the page, with any value."""
        rng = self.rng
        kind = rng.choice(("QComboBox", "LabeledSlider", "QLineEdit", "QTabWidget", "QSlider"))
        found = self.widgets(kind)
        if not found:
            return
        widget = rng.choice(found)
        if kind == "QComboBox" and widget.count():
            widget.setCurrentIndex(rng.randrange(widget.count()))
            widget.activated.emit(widget.currentIndex())
        elif kind == "LabeledSlider":
            widget.set_value(rng.choice([-1e9, 0, 0.5, 1, 3, 1e9]))
        elif kind == "QLineEdit":
            widget.setText(rng.choice(["", "t", "zzz", "x" * 5000]))
        elif kind == "QTabWidget":
            widget.setCurrentIndex(rng.randrange(widget.count()))
        elif kind == "QSlider":
            widget.setValue(rng.randint(-5, 40))

    def touch(self) -> None:
        """The mouse, the wheel or a key, somewhere on a figure."""
        rng = self.rng
        widget = rng.choice([w for w in self.page.findChildren(QWidget) if w.isVisible()] or [self.page])
        at, none = QPointF(rng.randint(-5, 500), rng.randint(-5, 500)), Qt.KeyboardModifier.NoModifier
        left, no_button = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        events: list[QEvent] = [QMouseEvent(QEvent.Type.MouseMove, at, at, no_button, no_button, none)]
        if not widget.inherits("QAbstractButton") and not widget.inherits("QComboBox"):
            press, release = QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease
            events += [QMouseEvent(press, at, at, left, left, none), QMouseEvent(release, at, at, left, no_button, none)]
        by = QPoint(0, rng.choice([-120, 120]))
        events.append(QWheelEvent(at, at, QPoint(), by, no_button, none, Qt.ScrollPhase.NoScrollPhase, False))
        QApplication.sendEvent(widget, rng.choice(events))
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and not widget.inherits("QAbstractButton"):
            keys = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End)
            self.qtbot.keyClick(widget, rng.choice((*keys, Qt.Key.Key_PageUp, Qt.Key.Key_K, Qt.Key.Key_Escape)))

    def call(self) -> None:
        """What no widget offers: parts out of range, and answers that are asked of the model before."""
        page, rng = self.page, self.rng
        number = rng.choice([-7, 0, 1, 3, 10**6])
        calls: dict[str, Callable[[], object]] = {
            "page_attention": lambda: page._looked_at
            and page.ask("map", LookAtMap(*page._looked_at, Which(number, number), number), on_result=page._show_map),
            "page_knock_out": lambda: page.show_switches(rng.choice([HEADS, Ablation(tokens=frozenset({number}))])),
            "page_lens": lambda: page.view.choose(number, number),
            "page_saliency": lambda: page._explain(number),
            "page_map": lambda: page._ask_near(number),
            "page_anatomy": lambda: page.diagram.choose(number),
            "page_compare": lambda: page.attention.choose(number, number),
            "page_replay": lambda: page._go_to(number),
        }
        calls.get(page.objectName(), lambda: None)()
        if hasattr(page, "show_sampling"):
            page.show_sampling(rng.choice(SAMPLINGS))

    def press(self) -> None:
        self.controls.use(self.page)

    def grow(self) -> None:
        self.page.resize(self.rng.randint(300, 1500), self.rng.randint(240, 900))

    def act(self) -> None:
        often = (self.look, self.look, self.open, self.push, self.press, self.touch, self.touch, self.call, self.delete)
        action = self.rng.choice((self.train, self.stop, self.grow) if self.rng.random() < 0.06 else often)
        self.done.add(action.__name__)
        action()


def use_at_random(person: Person, count: int) -> None:
    """Every page answers a plain question afterwards; nothing went wrong that was not foreseen, and no run was changed."""
    kept = {run: files(Path(run)) for run in person.runs}
    for done in range(count):
        person.act()
        if done % 4 == 3:
            person.qtbot.wait(1)
    person.stop()
    for page in person.pages:
        for kind in list(page._jobs):
            page.cancel(kind)
    person.qtbot.waitUntil(lambda: not any(page._jobs for page in person.pages), timeout=LONG)
    faults = [failure for failure in person.failures if not failure.expected]
    assert not faults, faults[0].details
    assert person.failures or count < 100
    assert person.opened == set(person.pages) and person.done >= {"look", "open", "push", "press", "touch", "call", "delete"}
    assert all(files(Path(run)) == kept[run] for run in person.runs)
    _answers(person)


def press_the_rest(person: Person) -> None:
    """Every button and entry that was ever seen enabled is pressed in the end."""
    controls = person.controls
    for page in _looking(person):
        for _ in range(600):
            person.rng.choice((person.push, person.touch))()
            person.press()
            person.qtbot.wait(1)
            if not any(name.startswith(f"{page.objectName()}:") for name in controls.met - controls.used):
                break
    assert not controls.met - controls.used
    _answers(person)


def _looking(person: Person) -> Iterator[Any]:
    """Every page after it has looked at a plain text."""
    for page in person.pages:
        person.page.hide()
        person.page = page
        page.show()
        page.look_at(ModelRef(person.runs[0]), ("the cat sat",))
        person.qtbot.waitUntil(lambda page=page: not page._jobs and not page._waiting, timeout=LONG)
        yield page


def _answers(person: Person) -> None:
    before = len(person.failures)
    for page in _looking(person):
        page.repaint()
    new = [failure for failure in person.failures[before:] if not failure.expected]
    assert not new, new[0].details


@pytest.fixture
def person(qtbot: QtBot, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    shutil.copytree(trained, tmp_path / "here")
    monkeypatch.setenv("GENSTUDIO_HOME", str(tmp_path / "here"))
    engine = Engine()
    person = Person(qtbot, engine, tmp_path / "here", 4)
    answer_dialogs(monkeypatch, person.rng, tmp_path)
    yield person
    engine.close()


@pytest.mark.thorough
def test_random_use_of_the_pages_that_look_inside(person: Person) -> None:
    use_at_random(person, 250)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("seed", range(4))
def test_ten_thousand_random_uses_of_the_pages_that_look_inside(person: Person, seed: int) -> None:
    person.rng.seed(seed)
    use_at_random(person, 2_500)
    press_the_rest(person)
    assert person.done >= {"train", "stop", "grow"}


def test_the_random_use_notices_a_fault(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    from genstudio.tasks import anatomy

    monkeypatch.setattr(anatomy, "encode_for", lambda *_: 1 / 0)
    with pytest.raises(AssertionError):
        _answers(person)


def test_a_table_that_is_being_saved_keeps_what_was_shown(person: Person) -> None:
    checked = 0
    for page in _looking(person):
        figures = page.findChildren(Figure)
        tables = [(figure.objectName(), repr(list(figure.table()[1])), figure.table()[1]) for figure in figures]
        page.look_at(ModelRef(person.runs[1]), ("a",))
        person.qtbot.waitUntil(lambda page=page: not page._jobs and not page._waiting, timeout=LONG)
        for name, before, rows in tables:
            assert repr(list(rows)) == before, name
            checked += before != "[]"
    assert checked > 8


def test_every_page_that_looks_inside_is_used(person: Person) -> None:
    assert len(person.pages) == 11 and all(isinstance(page, Page) for page in person.pages)
