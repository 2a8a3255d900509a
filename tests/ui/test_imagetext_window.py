"""Pictures and texts in the real window: one's own folder imported, towers trained and watched, then searched both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from genstudio.data import shelf
from genstudio.data.importing.sources import import_any
from genstudio.data.work import finished
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.search import NameClasses, SearchText
from genstudio.ui.playground.pages import lack
from helpers import LONG, result

SMALL = {"channels": 8, "layers": 1, "d_model": 32, "heads": 2, "embedding": 32, "batch": 64, "warmup": 10, "min_count": 1}


def folder(root: Path) -> Path:
    """150 of the shapes as files, with a table of their captions."""
    data: Any = shelf.open_dataset(shelf.find_dataset("captioned-shapes"))
    root.mkdir()
    rows = ["file,caption"]
    for number in range(150):
        Image.fromarray(data.pixels[number]).save(root / f"{number}.png")
        rows.append(f"{number}.png,{data.captions[number]}")
    (root / "captions.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return root


def test_own_pictures_with_captions_are_learned_watched_and_searched(open_window: Any, qtbot: Any, tmp_path: Path) -> None:
    info = finished(import_any([folder(tmp_path / "mine")]))
    window = open_window("transformer", "playground", "datasets")
    qtbot.waitUntil(lambda: window.library.dataset(info.id) is not None, timeout=LONG)
    window.tabs.show_room("datasets")
    window.datasets.choose(info.id)
    pictures = window.datasets.preview.findChild(object, "picture_caption")
    qtbot.waitUntil(lambda: pictures.text().startswith("a "), timeout=LONG)
    assert next(action.objectName() for action in window.datasets.families.actions()) == "train_imagetext"

    window.links.train_on(info.id, "imagetext")
    tab = window.links.trainer("transformer")
    assert (tab.family.name, tab.setup.kind, tab.preset().name) == ("imagetext", "captioned", "any")
    tab.setup.form.set_values(SMALL)
    tab.setup.set_plan(40, None)
    tab.start.click()
    qtbot.waitUntil(lambda: bool(tab.run_path) and tab.state == "stopped", timeout=LONG)
    panes = [tab.panel.pane(name) for name in ("similarity", "meeting", "found")]
    qtbot.waitUntil(lambda: all(pane.view is not None for pane in panes), timeout=LONG)
    shown = tab.panel.pane("similarity").view.snapshot
    assert shown.cosines.shape == (len(shown.texts),) * 2 and np.abs(shown.cosines).max() <= 1.001
    view = tab.panel.pane("similarity").view
    view.rest_on((0, 0))
    assert f"cosine {shown.cosines[0, 0]:.3f}" in view.accessibleDescription()
    meeting = tab.panel.pane("meeting").view
    meeting.rest_on(1)
    assert meeting.snapshot.texts[1] in meeting.accessibleDescription()

    run = tab.run_path
    window.tabs.show_room("playground")
    window.playground.choose(run)
    window.playground.inspectors.open("Search")
    page = window.playground.page("Search")
    qtbot.waitUntil(lambda: page.found is not None and page.found.sample is not None, timeout=LONG)
    page.text.setText("a red heart zebra")
    qtbot.waitUntil(lambda: page.found.query == "a red heart zebra", timeout=LONG)
    true = result(SearchText(ModelRef(run), "a red heart zebra"), Models())
    assert np.allclose(page.found.cosines, true.cosines, atol=1e-6) and page.found.captions == true.captions
    assert f"cosine {true.cosines[0]:.3f}" in page.outcome.text() and "Not in the vocabulary: zebra" in page.outcome.text()
    assert page.view.describe(0).startswith(f"sample 1, {true.captions[0]}, cosine")
    page.show_file(str(tmp_path / "mine" / "3.png"))
    qtbot.waitUntil(lambda: page.found.sample is not None and not page.found.query, timeout=LONG)
    page.text.setText("zebra")
    qtbot.waitUntil(lambda: "None of 'zebra' is in this model's vocabulary" in page.outcome.text(), timeout=LONG)

    window.playground.inspectors.open("Zero-shot classes")
    page = window.playground.page("Zero-shot classes")
    qtbot.waitUntil(lambda: page.found is not None, timeout=LONG)
    assert page.found.classes == ("circle", "heart", "square", "triangle"), "what the captions tell apart"
    page.classes.setText("circle, square, triangle, heart")
    qtbot.waitUntil(lambda: page.found is not None, timeout=LONG)
    true = result(NameClasses(ModelRef(run), ("circle", "square", "triangle", "heart")), Models())
    assert true.sentences and all(text.count("{}") == 1 for text in true.sentences)
    assert np.allclose(np.sort(page.found.probabilities.max(1)), np.sort(true.probabilities.max(1)), atol=1e-6)
    assert np.allclose(true.probabilities.sum(1), 1, atol=1e-5)
    right = sum(name in text for name, text in zip((true.classes[n] for n in true.named.tolist()), true.captions, strict=True))
    assert f"{right} of {len(true.pixels)} pictures whose caption names one of these classes" in page.outcome.text()
    page.classes.setText("circle, zebra")
    qtbot.waitUntil(lambda: "None of 'zebra'" in page.outcome.text(), timeout=LONG)
    assert lack("imagetext", "Search") == "" and lack("gpt", "Search") != ""
