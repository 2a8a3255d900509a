"""What a person made with the version before still opens, means the same, and continues as it would have then.

`older/home.zip` is a whole home folder that the version before wrote: a text, a GPT and a GAN with a live change, a
document that the GPT wrote, the settings of the window. `older/facts.json` is what that version said of it.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QLabel, QSplitter, QWidget
from safetensors.numpy import load_file

from genstudio.runs import Run
from genstudio.tasks.evaluate import Evaluate
from genstudio.tasks.models import ModelRef
from genstudio.tasks.sample import Sample
from genstudio.tasks.train import Resume
from genstudio.ui import theme
from genstudio.ui.remember import Memory
from helpers import LONG, result, run_task
from real_window import opened

HERE = Path(__file__).parent / "older"
FACTS: dict[str, Any] = json.loads((HERE / "facts.json").read_text("utf-8"))


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the version before."""
    home = tmp_path / "home"
    with zipfile.ZipFile(HERE / "home.zip") as archive:
        archive.extractall(home)
    for name in ("window.ini", "playground.json"):
        path = home / name
        path.write_text(path.read_text("utf-8").replace("@HOME@", home.as_posix()), "utf-8")
    monkeypatch.setenv("GENSTUDIO_HOME", str(home))
    return home


def run_of(home: Path, family: str) -> Run:
    return Run.open(next((home / "runs").glob(f"*_{family}_*")))


def test_models_answer_as_before(older: Path) -> None:
    said = result(Evaluate(ModelRef(str(run_of(older, "gpt").folder))))
    assert said == pytest.approx(FACTS["gpt"], rel=1e-5)
    made = result(Sample(ModelRef(str(run_of(older, "gan").folder)), count=4, seed=1))
    np.testing.assert_allclose(made.points, FACTS["gan"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(made.scores, FACTS["scores"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", ["gpt", "gan"])
def test_a_run_continues_as_it_would_have(older: Path, family: str) -> None:
    run = run_of(older, family)
    changes = run.changes()
    assert bool(changes) == (family == "gan")
    run_task(Resume(str(run.folder), steps=20))
    assert run.changes() == changes
    weights = load_file(run.folder / "checkpoints" / "00000020" / "model.safetensors")
    sums = {name: float(np.abs(array.astype(np.float64)).sum()) for name, array in weights.items()}
    assert sums == pytest.approx(FACTS[f"{family}_after"], rel=1e-5)


@pytest.mark.parametrize(("family", "kept"), [("gpt", {"sample", "attention", "layers"}), ("gan", {"plane", "scores"})])
def test_everything_that_was_kept_to_look_at_is_there(older: Path, family: str, kept: set[str]) -> None:
    run = run_of(older, family)
    assert set(run.snapshot_channels()) == kept
    for channel in kept:
        for step in run.snapshot_steps(channel):
            assert run.load_snapshot(channel, step).step == step


def test_the_window_comes_back_as_it_was_left(older: Path, qtbot: Any) -> None:
    """Twice: as the version before left it, and as this one did then."""
    for _ in range(2):
        with opened(qtbot) as window:
            assert window.tabs.tabText(window.tabs.currentIndex()) == "GAN" and theme.current().dark
            shown = {tab.run_path: tab for tab in (window.transformer, window.gan)}
            assert set(shown) == {str(run_of(older, family).folder) for family in ("gpt", "gan")}
            setup = window.transformer.setup
            assert setup.values()["layers"] == 3 and setup.plan() == (12, None)
            assert str(setup.data.currentData()).startswith("words")
            assert window.transformer.panel.texts() == {
                "prompt": "the cat", "probe": "sat on a mat", "question": "",
            }  # fmt: skip
            assert window.gan.setup.values()["width"] == run_of(older, "gan").info.config["width"]
            qtbot.waitUntil(lambda window=window: window.playground.reference() is not None, timeout=LONG)
            assert window.playground.inspectors.current is window.playground.page("Next token")
            qtbot.waitUntil(lambda: "the cat sat" in window.playground.document.text(), timeout=LONG)


def test_places_in_the_settings_of_the_version_before_are_found(older: Path, qtbot: Any) -> None:
    memory, path = Memory(), str(run_of(older, "gpt").folder)
    assert (memory.room(), memory.run("transformer"), memory.run("latent")) == ("gan", path, "")
    memory.set("run/transformer", "")
    assert memory.run("transformer") == "", "a run that was closed stays closed"
    for kept, wanted in (("4", "runs"), ("0", "datasets"), ("9", "transformer"), ("-1", "-1"), ("latent", "latent")):
        memory.set("tab", kept)
        assert memory.room() == wanted
    for damaged in ("{", "[]", "[" * 100_000, '{"gan": 3}'):
        memory.set("state", damaged)
        page = Page()
        qtbot.addWidget(page)
        memory.restore("gan", page)
        assert page.state == {}
    page.split.setSizes([100, 500])
    sizes, page.state = page.split.sizes(), {"text": "ü"}
    memory.keep({"gan": page})
    other = Page()
    qtbot.addWidget(other)
    Memory().restore("gan", other)
    assert other.state == {"text": "ü"} and other.split.sizes() == sizes


class Page(QWidget):
    """A page with one splitter and a state."""

    def __init__(self) -> None:
        super().__init__()
        self.split = QSplitter(self)
        self.split.resize(600, 100)
        for _ in range(2):
            self.split.addWidget(QLabel("part"))
        self.state: dict[str, Any] = {}

    def splitters(self) -> dict[str, QSplitter]:
        return {"test": self.split}

    def remembered(self) -> dict[str, Any]:
        return self.state

    def restore(self, state: dict[str, Any]) -> None:
        self.state = state
