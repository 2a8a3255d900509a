"""Every page that is listed can be built, and says what it needs of a model."""

from __future__ import annotations

from typing import Any

import pytest

from genstudio.families.abilities import ABILITIES
from genstudio.tasks.models import ModelRef
from genstudio.ui.engine import Engine
from genstudio.ui.playground.inspectors import Inspectors
from genstudio.ui.playground.page import Page
from genstudio.ui.playground.pages import PAGES, Entry


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.title)
def test_a_page_is_built_and_names_what_it_needs(qtbot: Any, entry: Entry) -> None:
    engine = Engine()
    page = entry.build(engine)
    qtbot.addWidget(page)
    try:
        assert isinstance(page, Page) and page.objectName()
        assert entry.lack(ABILITIES) == ""
        said = entry.lack(())
        assert said.startswith(entry.title) and all(ABILITIES[name][1] in said for name in entry.needs)
    finally:
        engine.close()


def test_a_page_that_opens_with_another_model_never_looks_at_the_one_before(qtbot: Any) -> None:
    engine = Engine()
    pages = Inspectors(engine)
    qtbot.addWidget(pages)
    try:
        pages.offer(("Writes",))
        pages.look_at(ModelRef("writes"), ("a text",))
        assert pages.current is not None and pages.current._model == ModelRef("writes")
        pages.offer(("TranslatesPictures",))
        assert pages.current is not None and pages.current.title == "Translate pictures" and pages.current._model is None
        pages.look_at(ModelRef("translates"), ())
        assert pages.current._model == ModelRef("translates")
    finally:
        engine.close()
