"""Words and patches in the real window: streams trained and watched, then asked about pictures by masking words and patches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genstudio.cli import main
from genstudio.data import shelf
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.together import ReadTogether
from genstudio.ui.playground.pages import PAGES
from genstudio.ui.views.grounding import Spot
from helpers import LONG, result

SMALL = {
    "architecture": "two_stream", "pictures": "patches", "patch": 8, "layers": 1, "picture_layers": 1, "joint_layers": 1,
    "d_model": 16, "heads": 2, "batch": 8, "warmup": 0, "evaluate_every": 10,
}  # fmt: skip


def test_words_and_patches_are_masked_by_hand_and_filled_in(
    open_window: Any, qtbot: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    window = open_window("transformer", "playground")
    window.links.train_on("captioned-shapes", "imagetext")
    tab = window.links.trainer("transformer")
    tab.setup.form.set_values(SMALL)
    tab.setup.set_plan(10, None)
    tab.start.click()
    qtbot.waitUntil(lambda: bool(tab.run_path) and tab.state == "stopped", timeout=LONG)
    panes = [tab.panel.pane(name) for name in ("words", "filled", "similarity")]
    qtbot.waitUntil(lambda: all(pane.view is not None for pane in panes), timeout=LONG)
    looks = panes[0].view.view
    assert all(len(look.gaps) == 1 == len(look.truth) for look in looks.snapshot.looks)
    looks.rest_on(Spot(0, looks.snapshot.looks[0].gaps[0].position))
    assert "in the caption" in looks.accessibleDescription()
    qtbot.waitUntil(lambda: tab.summary.look.text() == "Ask about pictures", timeout=LONG)
    assert "nan" not in tab.summary.words.text() and "with another picture" in tab.summary.words.text()

    run = tab.run_path
    window.tabs.show_room("playground")
    window.playground.choose(run)
    abilities = window.playground.choice.abilities()
    search = next(entry for entry in PAGES if entry.title == "Search")
    assert "This one can read text, and can read a text and a picture together" in search.lack(abilities)
    window.playground.inspectors.open("Words and patches")
    page = window.playground.page("Words and patches")
    qtbot.waitUntil(lambda: page.found is not None, timeout=LONG)
    caption = page.found.caption
    assert page.found.text == caption and page.bars.bars == ()
    page.view.view.take(Spot(0, 3))
    qtbot.waitUntil(lambda: len(page.found.look.gaps) == 1, timeout=LONG)
    page.view.view.take(Spot(0, patch=4))
    qtbot.waitUntil(lambda: page.found.look.hidden.tolist().count(True) == 1, timeout=LONG)
    masked = " ".join(word if at != 2 else "[MASK]" for at, word in enumerate(caption.split()))
    assert page.text.text() == masked
    true = result(ReadTogether(ModelRef(run), masked, hidden=(4,)), Models())
    assert np.allclose(page.found.look.weights, true.look.weights, atol=1e-5)
    assert [bar.name for bar in page.bars.bars] == [piece.replace(" ", "␣") for piece in true.look.gaps[0].pieces]
    page.view.view.take(Spot(0, 3))
    qtbot.waitUntil(lambda: page.found.text == caption, timeout=LONG)
    page.text.setText("zebra")
    qtbot.waitUntil(lambda: "None of 'zebra' is in this model's vocabulary" in page.outcome.text(), timeout=LONG)

    data: Any = shelf.open_dataset(shelf.find_dataset("captioned-shapes"))
    Image.fromarray(data.pixels[0]).save(tmp_path / "mine.png")
    capsys.readouterr()
    assert main(["fill", run, "--text", "a small [MASK] circle", "--picture", str(tmp_path / "mine.png"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert 0 < told["match"] < 1 and len(told["gaps"]) == 1 and told["gaps"][0]["position"] == 3
    assert main(["fill", run, "--text", "a [MASK]"]) == 2
    assert "cannot fill gaps in a text; it can read text" in capsys.readouterr().err
    assert main(["search", run, "--text", "red"]) == 2
    assert "cannot read texts and pictures into one space" in capsys.readouterr().err
