"""What translators, BERT, Word2Vec, diffusion, CycleGANs and growth cannot learn from, in one real window: Start says what is
wrong, at the setting where there is one, and leaves no run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from genstudio import cli, paths
from genstudio.data import shelf
from genstudio.ui.window import MainWindow
from helpers import LONG

_RNG = np.random.default_rng(0)
_ROWS = [f"{a} {b} {number}" for number in range(4) for a in ("cat", "dog", "sun") for b in ("runs", "sleeps", "is red")]
_PAIRS = ("--kind", "pairs", "--header")


def _table(*rows: str) -> bytes:
    return "\n".join(("English,Spanish", *rows)).encode() + b"\n"


def _light(*shape: int) -> Any:
    return _RNG.integers(0, 256, shape).astype(np.uint8)


FILES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "one side.csv": (_table(*(f"{one}," for one in _ROWS)), _PAIRS),
    "in turns.csv": (_table(*(f"{one}," if i % 2 else f",{one}" for i, one in enumerate(_ROWS))), _PAIRS),
    "long.csv": (_table(*(f"{one}{' word' * 10_000},{one}" for one in _ROWS)), _PAIRS),
    "same.csv": (_table(*(f"cat,{one}" for one in _ROWS)), _PAIRS),
    "short.txt": (b"cat runs\n", ()),
    "one.npz": ({"pixels": _light(1, 16, 16)}, ()),
    "odd.npz": ({"pixels": _light(60, 9, 9)}, ()),
    "two.npz": ({"pixels": _light(60, 8, 8), "labels": np.arange(60) % 2}, ()),
    "large.npz": ({"pixels": _light(60, 16, 16)}, ()),
    "colour.npz": ({"pixels": _light(60, 8, 8, 3)}, ()),
    "plain.npz": ({"pixels": _light(60, 8, 8)}, ()),
    "single.npz": ({"pixels": _light(60, 8, 8), "labels": np.zeros(60, int)}, ()),
}


class Case(NamedTuple):
    """A training that is refused: `words` of the message, at the setting `field` where there is one. A value that names a file
    is its dataset."""

    room: str
    family: str
    file: str
    words: str
    field: str = ""
    values: dict[str, Any] = {}


_UNET = {"network": "unet", "halvings": 1, "conditional": False}
CASES = (
    Case("transformer", "seq2seq", "one side.csv", "The side 'Spanish' is empty in every pair"),
    Case("transformer", "bert", "short.txt", "has no labels to learn; choose labelled texts", "task", {"task": "classify"}),
    Case("transformer", "word2vec", "short.txt", "fewer than two paragraphs or lines"),
    Case("gan", "cyclegan", "plain.npz", "8 x 8; import one of them again", "data_b", {"data_b": "large.npz"}),
    Case("gan", "progressive", "odd.npz", "Dataset: pictures of 9 x 9 pixels cannot be reached by doubling 4 x 4"),
    Case("latent", "diffusion", "single.npz", "all samples have the same class", "conditional", _UNET | {"conditional": True}),
)
MORE = (
    Case("transformer", "seq2seq", "in turns.csv", "No pair has text on both sides"),
    Case("transformer", "seq2seq", "long.csv", "so there is nothing to learn from; the shortest has 10,00"),
    Case("transformer", "seq2seq", "same.csv", "All pairs have the same source"),
    Case("transformer", "bert", "short.txt", "its validation part has 1 token, and a context of 64 needs 65",
         values={"task": "pretrain"}),
    Case("gan", "cyclegan", "one.npz", "'one' does not have two classes; choose a second dataset", "data_b", {"data_b": ""}),
    Case("gan", "cyclegan", "plain.npz", "those of 'colour' in colour; import 'colour' again in grey", "data_b",
         {"data_b": "colour.npz"}),
    Case("gan", "cyclegan", "odd.npz", "9 x 9 pixels cannot be halved once", "halvings", {"data_b": "odd.npz", "halvings": 1}),
    Case("gan", "cyclegan", "two.npz", "no class '7'", "to", {"data_b": "", "from_": "0", "to": "7"}),
    Case("gan", "progressive", "one.npz", "'one' has only one picture"),
    Case("gan", "progressive", "plain.npz", "not all of these samples have a class", "conditional", {"conditional": True}),
    Case("latent", "diffusion", "one.npz", "'one' has only one picture", values=_UNET),
    Case("latent", "diffusion", "odd.npz", "9 x 9 pixels cannot be halved", "halvings", _UNET | {"halvings": 4}),
    Case("latent", "diffusion", "plain.npz", "not all of these samples have a class", "conditional",
         _UNET | {"conditional": True}),
)  # fmt: skip


def imported(folder: Path, name: str) -> str:
    """The dataset of a file of FILES, as the command line imports it."""
    content, how = FILES[name]
    if isinstance(content, bytes):
        (folder / name).write_bytes(content)
    else:
        np.savez(folder / name, **content)
    before = {info.id for info in shelf.list_datasets()}
    assert cli.main(["import", str(folder / name), *how]) == 0
    (made,) = {info.id for info in shelf.list_datasets()} - before
    return made


@pytest.mark.parametrize("cases", [CASES, pytest.param(MORE, marks=pytest.mark.thorough)], ids=["one of each", "more"])
def test_start_says_what_cannot_be_learnt_from(
    cases: tuple[Case, ...], open_window: Callable[..., MainWindow], qtbot: Any, tmp_path: Path
) -> None:
    wanted = {case.file for case in cases} | {case.values["data_b"] for case in cases if case.values.get("data_b")}
    ids = {name: imported(tmp_path, name) for name in sorted(wanted)}
    window = open_window(*dict.fromkeys(case.room for case in cases))
    for case in cases:
        tab = window.links.trainer(case.room)
        window.tabs.show_room(case.room)
        if tab.setup.family.name != case.family:
            tab.choose_family(case.family)
        tab.setup.choose_data(ids[case.file])
        assert tab.setup.data.currentData() == ids[case.file]
        tab.setup.form.set_values({key: ids.get(value, value) for key, value in case.values.items()})
        tab.setup.set_plan(5, None)
        tab.start.click()
        newest, row = window.banners.shown, tab.setup.form.rows.get(case.field)
        general = tab.setup.general

        def told(shown: Any = newest, case: Case = case, row: Any = row, general: Any = general) -> bool:
            """In a message, or at once at the setting or below, where the description of the dataset is enough to know it."""
            beside = (general.text(), "" if row is None else row.problem.text())
            return any(case.words in words for words in (*(each.property("text") for each in shown), *beside))

        qtbot.waitUntil(told, timeout=LONG)
        qtbot.waitUntil(lambda tab=tab: tab.state == "idle", timeout=LONG)
        if case.field:
            assert case.words in tab.setup.form.rows[case.field].problem.text(), case
    assert not paths.runs().exists() or not any(paths.runs().iterdir())
