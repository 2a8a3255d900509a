"""Every test has its own home, no display, and may leave no thread behind."""

from __future__ import annotations

import gc
import hashlib
import os
import threading
from collections.abc import Iterator
from functools import partialmethod
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from toy_family import toy  # noqa: F401 - a fixture

from genstudio import paths
from genstudio.data.learnable.tokens import TextData
from genstudio.data.tokenizers import CharTokenizer
from genstudio.evaluation import features
from genstudio.families.gpt import learner
from helpers import LONG

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


WAITS = ("waitActive", "waitExposed", "waitSignal", "waitSignals", "waitUntil", "waitCallback")


class Waiting(type("Waits", (QtBot,), {name: partialmethod(getattr(QtBot, name), timeout=LONG) for name in WAITS})):
    """Waits until the guard where a test names no limit, and moves the pointer of the window it means."""

    def mouseMove(self, widget: QWidget, pos: QPoint) -> None:
        """Tell the widget's own window: the pointer of the platform reaches whichever window lies on top there, loses moves
        while one is being mapped, and says nothing of a move to where it already stands."""
        QTest.mouseMove(widget.window().windowHandle(), widget.mapTo(widget.window(), pos))
        QApplication.processEvents()

    def mouseDClick(self, widget: QWidget, button: Qt.MouseButton, **where: Any) -> None:
        """Qt's own leaves the button down, so that every later move of the pointer is a drag."""
        QTest.mouseDClick(widget, button, **where)
        QTest.mouseRelease(widget, button, **where)


@pytest.fixture
def qtbot(qapp: Any, request: pytest.FixtureRequest) -> QtBot:
    return Waiting(request)


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Calls are still made and still fail where a test wants them to; only a power cut could tell the difference."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENSTUDIO_HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def _no_included_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A new home has no model at all; what tests those that ship asks for `real_models`."""
    if "real_models" not in request.fixturenames:
        monkeypatch.setattr(paths, "models", lambda: tmp_path / "no models")


@pytest.fixture
def real_models() -> None:
    """The models that ship are there."""


@pytest.fixture(scope="session", autouse=True)
def _brief_looks() -> Iterator[None]:
    """Pictures are compared by an encoder of a few steps, and a GPT writes little while it is trained: in most trainings of a
    few steps, these took most of the time. What tests how good they are takes more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "_STEPS", 3)
        patch.setattr(learner, "_WRITE", 24)
        yield


@pytest.fixture(autouse=True)
def _no_estimates(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A window times no training and no page begins by itself beside what is tested; what tests just that brings it back."""
    if "qtbot" in request.fixturenames:
        from genstudio.ui.playground import work_page
        from genstudio.ui.train import estimate

        monkeypatch.setattr(estimate, "WAIT_MS", 10**8)
        monkeypatch.setattr(work_page, "REST_MS", 10**8)


@pytest.fixture(autouse=True)
def _text_of_the_usual_size(request: pytest.FixtureRequest) -> Iterator[None]:
    """The look belongs to the application, not to a window: what a test chose ends with it."""
    yield
    if "qtbot" in request.fixturenames:
        from genstudio.ui import theme

        if theme.zoom() != 1:
            theme.set_zoom(QApplication.instance(), 1.0, contrast=False)


@pytest.fixture(autouse=True)
def _no_window_left_in_the_way(request: pytest.FixtureRequest) -> Iterator[None]:
    """A menu left open, a modal dialog or a button held down takes the pointer from every test that comes after."""
    yield
    if "qtbot" not in request.fixturenames:
        return
    left = [
        f"{what} {widget}"
        for what, widget in (("menu", QApplication.activePopupWidget()), ("dialog", QApplication.activeModalWidget()))
        if widget is not None
    ]
    left += [f"{widget} in front" for widget in QApplication.topLevelWidgets() if widget.isVisible()]
    left += [f"{QApplication.mouseButtons()} held down"] * (QApplication.mouseButtons() != Qt.MouseButton.NoButton)
    left += ["the mouse grabbed"] * (QWidget.mouseGrabber() is not None)
    for widget in QApplication.topLevelWidgets():
        widget.hide()
    assert not left, f"left behind: {left}"


@pytest.fixture(autouse=True)
def _no_leaked_threads() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    dummy = threading._DummyThread  # what Python knows of a QThread, which the fixture below watches
    left = [t for t in threading.enumerate() if t not in before and t.is_alive() and not isinstance(t, dummy)]
    for thread in left:
        thread.join(timeout=LONG / 1000)
    left = [thread for thread in left if thread.is_alive()]
    assert not left, f"threads left behind: {left}"
    assert gc.isenabled(), "a test left the collector off"


@pytest.fixture(autouse=True)
def _no_running_qthreads(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    if "qtbot" not in request.fixturenames:
        yield
        return
    from PySide6.QtCore import QThread

    made: list[QThread] = []
    start = QThread.start

    def counted(self: QThread, *arguments: object) -> None:
        made.append(self)
        start(self, *arguments)

    monkeypatch.setattr(QThread, "start", counted)
    yield
    running = [thread for thread in made if thread.isRunning()]
    for thread in running:
        thread.quit()
        thread.wait(LONG)
    assert not running, "an engine thread was left running"


@pytest.fixture(scope="session")
def text_data() -> TextData:
    """4,500 training and 431 validation characters of made-up words, 12 different ones."""
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghij"), rng.integers(2, 7))) for _ in range(40)]
    text = ""
    while len(text) < 4931:
        text += words[int(rng.integers(40) * rng.random())] + (" " if rng.random() < 0.9 else "\n")
    text = text[:4931]
    tokenizer = CharTokenizer.of(text)
    ids = tokenizer.encode(text).astype(np.uint16)
    return TextData(tokenizer, ids[:4500], ids[4500:], 430, "words", hashlib.sha256(text.encode()).hexdigest())
