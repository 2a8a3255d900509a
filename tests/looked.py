"""A page of the Playground that looks at a text."""

from __future__ import annotations

from typing import Any

from pytestqt.qtbot import QtBot

from genstudio.tasks.models import ModelRef
from genstudio.ui.engine import Engine
from genstudio.ui.library import Library
from genstudio.ui.playground.compare_page import ComparePage
from genstudio.ui.playground.pages import PAGES
from genstudio.ui.playground.sampler import Sampling
from helpers import LONG


def page_of(
    engine: Engine, qtbot: QtBot, title: str, folder: str, text: str, size: tuple[int, int] = (760, 900),
    sampling: Sampling | None = None,
) -> Any:  # fmt: skip
    """The page with this title, shown, once it has looked at a text with the model of a run; what fails is in `failures`."""
    page = next(entry for entry in PAGES if entry.title == title).build(engine)
    page.failures = []  # type: ignore[attr-defined]
    page.failed.connect(page.failures.append)  # type: ignore[attr-defined]
    qtbot.addWidget(page)
    if isinstance(page, ComparePage):
        library = Library(engine, page)
        page.show_library(library)
        with qtbot.waitSignal(library.runs_changed, timeout=LONG):
            library.refresh_runs()
    page.resize(*size)
    page.show()
    if sampling is not None:
        page.show_sampling(sampling)  # type: ignore[attr-defined]
    page.look_at(ModelRef(folder), (text,))
    settle(qtbot, page)
    return page


def settle(qtbot: QtBot, page: Any) -> None:
    """Wait until a page has nothing to do; nothing may have failed."""
    qtbot.waitUntil(lambda: not page._jobs and not page._waiting, timeout=LONG)
    assert not page.failures
