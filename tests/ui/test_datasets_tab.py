"""The Datasets tab in the real window: a real file of each kind dropped on it, read, checked, renamed, deleted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QAbstractButton, QLabel

from genstudio import paths
from genstudio.data import shelf
from genstudio.tasks.datasets import Inspect
from genstudio.ui.datasets.importing import _details
from genstudio.ui.window import MainWindow
from helpers import LONG, TINY, result, run_task, words
from real_window import fits, shown


@pytest.fixture
def window(qtbot: Any, qapp: Any) -> Iterator[MainWindow]:
    made = shown()
    made.tabs.setCurrentWidget(made.datasets)
    made.library.refresh_datasets()
    qtbot.waitUntil(lambda: made.datasets.current is not None, timeout=LONG)
    calm(made, qtbot)
    yield made
    made.close()
    made.deleteLater()


def calm(window: MainWindow, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: not window.engine.running and not window.datasets._recheck.isActive(), timeout=LONG)


def drop(window: MainWindow, *files: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(file)) for file in files])
    left = Qt.MouseButton.LeftButton
    window.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, left, Qt.KeyboardModifier.NoModifier))


def press(qtbot: Any, window: MainWindow, name: str) -> None:
    def ready() -> list[QAbstractButton]:
        found = window.findChildren(QAbstractButton, name)
        return [button for button in found if button.isEnabled() and button.isVisible()]

    qtbot.waitUntil(lambda: bool(ready()), timeout=LONG)
    qtbot.mouseClick(ready()[0], Qt.MouseButton.LeftButton)


def imported(window: MainWindow, qtbot: Any, *files: Path, choose: Callable[[], object] = lambda: None) -> Any:
    """Drop files, import them as chosen, and give the dataset that is then shown."""
    panel, before = window.datasets.importing, window.datasets.current
    drop(window, *files)
    qtbot.waitUntil(lambda: panel.found is not None and panel.start.isVisible(), timeout=LONG)
    choose()
    press(qtbot, window, "import_start")
    qtbot.waitUntil(lambda: window.datasets.current != before and on_shelf(window) == "imported", timeout=LONG)
    calm(window, qtbot)
    return window.datasets._infos[window.datasets.current]


def on_shelf(window: MainWindow) -> str:
    info = window.datasets._infos.get(window.datasets.current or "")
    return info.origin if info is not None else ""


def text_of(folder: Path) -> Path:
    (folder / "mine.txt").write_text(words(), encoding="utf-8")
    return folder / "mine.txt"


def table(folder: Path) -> Path:
    rows = "".join(f'2024;"Day {i};\n{i}";{i * i}\n' for i in range(120))
    (folder / "diary.csv").write_text("year;text;number\n" + rows, encoding="utf-8-sig")
    return folder / "diary.csv"


def pets(folder: Path, count: int = 12) -> Path:
    rng = np.random.default_rng(0)
    for pet in ("cats", "dogs"):
        (folder / "pets" / pet).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 256, (20 + i, 30, 3), np.uint8)
            Image.fromarray(pixels).save(folder / "pets" / pet / f"{pet}{i}.png")
    (folder / "pets" / "cats" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    return folder / "pets"


SAME = {
    "vertical.txt": ("Straße\x0bund\x1b[0m Weg\n" * 3).encode(),
    "latin.txt": "Größe und Schärfe, déjà vu\n".encode("cp1252") * 3,
    "broken.txt": "Größe und Schärfe\n".encode() * 9 + b"\xff\n",
    "quotes.tsv": '"Who?" she asked.\t« Qui ? »\nGo.\t"Va !"\nTom said "hi".\tTom\n'.encode(),
    "names.csv": b"emma\nolivia\nava\n",
    "ragged.csv": b"text,label\n" + b"fine,1\n" * 12 + b"hello, world,1\n",
    "points.csv": b"x;y\n0,923;0,493\n0,320;0,691\n1,5;2,25\n",
    "pretty.json": json.dumps({"data": [{"text": "eins"}, {"text": "zwei"}]}, indent=2).encode(),
}


def test_window_and_command_line_store_the_same_bytes(
    window: MainWindow, qtbot: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from genstudio import cli

    for name, content in SAME.items():
        (tmp_path / name).write_bytes(content)
        info = imported(window, qtbot, tmp_path / name)
        options = window.datasets.importing.options()
        about = window.datasets.about.text()
        stored = info.path.read_bytes()
        shelf.delete_dataset(info)
        how = [f"--column={column}" for column in options.columns]
        if name in ("latin.txt", "broken.txt"):
            how.append(f"--encoding={options.encoding}")
        assert cli.main(["import", str(tmp_path / name), *how]) == 0
        printed = capsys.readouterr().out.splitlines()
        (again,) = [found for found in shelf.list_datasets() if found.origin == "imported"]
        assert (again.kind, again.path.read_bytes()) == (info.kind, stored), name
        assert [line.strip() for line in printed[1:]] == about.splitlines()[1:] and len(printed) > 2
        shelf.delete_dataset(again)
        window.datasets.choose("names")
        window.library.refresh_datasets()
        qtbot.waitUntil(lambda: on_shelf(window) != "imported", timeout=LONG)
        calm(window, qtbot)


def test_deleting_asks_and_names_the_runs(
    window: MainWindow, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genstudio.tasks.train import Train

    info = imported(window, qtbot, text_of(tmp_path))
    run_task(Train("gpt", info.id, TINY, steps=2, name="my run"))
    asked: list[str] = []
    monkeypatch.setattr("PySide6.QtWidgets.QMessageBox.exec", lambda self: asked.append(self.informativeText()))
    monkeypatch.setattr(
        "PySide6.QtWidgets.QMessageBox.clickedButton",
        lambda self: next(b for b in self.buttons() if b.text().endswith(("Cancel", "Delete")[len(asked) - 1])),
    )
    press(qtbot, window, "delete_dataset")
    qtbot.waitUntil(lambda: len(asked) == 1, timeout=LONG)
    calm(window, qtbot)
    assert "'my run'" in asked[0]
    assert info.id in {d.id for d in shelf.list_datasets()}
    press(qtbot, window, "delete_dataset")
    qtbot.waitUntil(lambda: len(asked) == 2, timeout=LONG)
    calm(window, qtbot)
    assert info.id not in {d.id for d in shelf.list_datasets()}


def test_a_table_suggests_the_columns_with_words() -> None:
    from genstudio.data.importing.options import Found
    from genstudio.ui.datasets.importing import wordy

    rows = (("2024-01-01", "How are you today?", "7", "Fine, thank you"),) * 3
    found = Found("pairs", "table", "", "t", columns=("date", "question", "n", "answer"), numeric=("n",), rows=rows)
    assert wordy(found) == ("question", "answer")
    assert wordy(Found("pairs", "table", "", "t", columns=("a",), rows=(("x",),))) == ("a",)


@pytest.mark.parametrize("count", [1, 63, 64, 65, 200])
def test_sizes_say_how_many_pictures_were_measured(count: int, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(count)
    for index in range(count):
        width, height = rng.integers(8, 12, 2)
        Image.fromarray(np.full((height, width), index, np.uint8)).save(folder / f"{index:03d}.png")
    found = result(Inspect((str(folder),)))
    says = _details(found)
    measured = sum(int(number.replace(",", "")) for number in re.findall(r"\(([\d,]+)\)", says))
    if count <= 64:
        assert says.startswith("Sizes: ")
    else:
        assert says.startswith("Sizes of a sample of 64 pictures: ")
    assert measured <= min(count, 64) and sum(n for _, n in found.sizes) == min(count, 64)


def apart(folder: Path) -> Path:
    """A new folder in this one."""
    made = folder / f"{len(list(folder.iterdir()))} of them"
    made.mkdir()
    return made


def a_dropped_link_is_said_to_be_none_of_this_computer(window: MainWindow) -> None:
    data = QMimeData()
    data.setUrls([QUrl("https://example.org/names.txt")])
    left = Qt.MouseButton.LeftButton
    window.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, left, Qt.KeyboardModifier.NoModifier))
    assert "Only files on this computer" in window.banners.shown[-1].property("text")


def beside_an_import_nothing_of_another_dataset_is_shown(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    datasets = window.datasets
    assert datasets.checks.isVisible() and datasets.split.isVisible()
    width = datasets.checks.width()
    drop(window, text_of(tmp_path))
    qtbot.waitUntil(datasets.importing.start.isVisible, timeout=LONG)
    assert not datasets.checks.isVisible() and not datasets.split.isVisible() and not datasets.train.isVisible()
    press(qtbot, window, "import_cancel")
    assert datasets.checks.isVisible() and abs(datasets.checks.width() - width) <= 2


def an_import_that_is_cancelled_leaves_nothing(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    before = window.datasets.current
    drop(window, pets(tmp_path, 150))
    panel = window.datasets.importing
    qtbot.waitUntil(lambda: panel.start.isVisible(), timeout=LONG)
    press(qtbot, window, "import_start")
    qtbot.waitUntil(lambda: any(name.startswith("Import") for name in window.engine.running), timeout=LONG)
    press(qtbot, window, "import_cancel")
    calm(window, qtbot)
    assert window.datasets.current == before
    assert not paths.datasets().exists() or not list(paths.datasets().iterdir())


def how_a_table_is_read_is_shown_and_can_be_overruled(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("hello,hola\ncat,gato\n")
    form, panel = window.datasets.importing.table, window.datasets.importing
    drop(window, tmp_path / "pairs.csv")
    qtbot.waitUntil(lambda: panel.prepared and panel.start.isEnabled(), timeout=LONG)
    assert (form.use.currentText(), form.delimiter.currentText(), form.header.isChecked()) == (
        "one text",
        "comma",
        False,
    )
    assert form.rows.rowCount() == 2 and not form.untrained.isVisible()
    form.use.setCurrentText("pairs")
    assert form.untrained.isVisible() and [box.currentText() for box in form.columns] == ["column 1", "column 2"]
    qtbot.mouseClick(form.header, Qt.MouseButton.LeftButton, pos=QPoint(8, form.header.height() // 2))
    qtbot.waitUntil(lambda: form.rows.rowCount() == 1, timeout=LONG)
    assert panel.found is not None and panel.found.columns == ("hello", "hola") and form.header.isChecked()
    assert form.use.currentText() == "pairs"
    calm(window, qtbot)
    form.delimiter.setCurrentText("nothing")
    form.delimiter.activated.emit(form.delimiter.currentIndex())
    qtbot.waitUntil(lambda: panel.found is not None and panel.found.columns == ("hello,hola",), timeout=LONG)
    calm(window, qtbot)
    press(qtbot, window, "import_cancel")


def what_cannot_be_imported_says_so(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    bad = tmp_path / "noise.txt"
    bad.write_bytes(b"\x00\x01\x02\x03" * 500)
    drop(window, bad)
    panel = window.datasets.importing
    qtbot.waitUntil(lambda: panel.start.isVisible(), timeout=LONG)
    assert "noise.txt is a binary file" in panel.problems.text() and panel.problems.isVisible()
    assert not panel.start.isEnabled() and not panel.name.isVisible()
    (tmp_path / "empty.txt").write_bytes(b"")
    drop(window, tmp_path / "empty.txt")
    qtbot.waitUntil(lambda: "empty.txt is empty" in panel.problems.text(), timeout=LONG)
    assert not panel.start.isEnabled()
    drop(window, text_of(tmp_path))
    qtbot.waitUntil(lambda: panel.start.isEnabled() and panel.start.isVisible(), timeout=LONG)
    assert not panel.problems.isVisible()
    calm(window, qtbot)


def test_what_is_dropped_is_looked_at_before_anything_is_made_of_it(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    """One window: no dataset comes of any of these."""
    a_dropped_link_is_said_to_be_none_of_this_computer(window)
    beside_an_import_nothing_of_another_dataset_is_shown(window, qtbot, apart(tmp_path))
    an_import_that_is_cancelled_leaves_nothing(window, qtbot, apart(tmp_path))
    how_a_table_is_read_is_shown_and_can_be_overruled(window, qtbot, apart(tmp_path))
    what_cannot_be_imported_says_so(window, qtbot, apart(tmp_path))


def a_dropped_text_is_shown_searched_and_fed(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    info = imported(window, qtbot, text_of(tmp_path))
    tab = window.datasets
    assert info.kind == "text" and info.title == "mine"
    assert tab.figures["Characters"].text() == f"{len(words()):,}"
    page = tab.preview.text
    assert page.text.toPlainText() == words()[: len(page.text.toPlainText())]
    qtbot.keyClicks(page.finder.field, "MAT AND")
    qtbot.waitUntil(lambda: page.finder.matches is not None, timeout=LONG)
    calm(window, qtbot)
    assert page.finder.matches.count == words().count("mat and") > 1
    for _ in range(2):
        assert page.text.textCursor().block().text()[page.text.textCursor().positionInBlock() :].startswith("mat and")
        press(qtbot, window, "text_next")
        calm(window, qtbot)
    window.transformer.setup.form.set_values(TINY)
    tab.preview.tabs.setCurrentWidget(tab.preview.batch)
    qtbot.waitUntil(lambda: tab.preview.batch.view.batch is not None, timeout=LONG)
    sees, names = tab.preview.batch.view.pieces(0)
    assert sees[1:] == names[:-1] and "".join(sees).replace("␣", " ") in words()
    assert window.transformer.setup.data.findData(info.id) >= 0


def a_dropped_table_offers_its_columns(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    panel = window.datasets.importing

    def choose() -> None:
        form = panel.table
        assert [form.rows.horizontalHeaderItem(i).text() for i in range(3)] == ["year", "text", "number"]
        assert form.delimiter.currentText() == "semicolon" and form.header.isChecked()
        assert form.isVisible() and not panel.sample.isVisible() and fits(window)
        form.use.setCurrentText("pairs")
        form.columns[0].setCurrentText("text")
        form.columns[1].setCurrentText("number")
        panel.name.setText("Days")

    info = imported(window, qtbot, table(tmp_path), choose=choose)
    assert (info.kind, info.title, info.count) == ("pairs", "Days", 120)
    model = window.datasets.preview.pairs.model
    assert model.names == ("text", "number") and model.rowCount() == 120 and model.columns[1][3] == "9"
    window.datasets.preview.pairs.finder.field.setText("Day 7;")
    qtbot.waitUntil(lambda: model.rowCount() == 1, timeout=LONG)
    assert window.transformer.setup.data.findData(info.id) < 0


def a_dropped_folder_of_pictures_becomes_classes(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    panel = window.datasets.importing
    info = imported(window, qtbot, pets(tmp_path), choose=lambda: panel.pictures.size_.setCurrentText("16 x 16"))
    page = window.datasets.preview.pictures
    assert (info.kind, info.count) == ("images", 24) and page.grid.count() == 24
    assert any("could not be read" in finding.sentence for finding in window.datasets.checks.findings)
    page.classes.setCurrentIndex(2)
    assert page.grid.count() == 12
    at = page.grid.cell_rect(3).center()
    qtbot.mouseClick(page.grid.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(at.x(), at.y()))
    assert "Class: dogs" in page.said.text() and "16 x 16" in page.said.text() and page.side.isVisible()
    prepare = window.datasets.preview.prepare
    window.datasets.preview.tabs.setCurrentWidget(prepare)
    prepare.form.size_.setCurrentText("8 x 8")
    prepare.form.grey.setChecked(True)
    qtbot.waitUntil(lambda: "8 x 8, grey" in prepare.said.text(), timeout=LONG)
    prepare.name.setText("Small pets")
    press(qtbot, window, "prepare_duplicate")
    qtbot.waitUntil(lambda: window.datasets.title.text() == "Small pets", timeout=LONG)
    calm(window, qtbot)
    pixels = shelf.open_dataset(window.datasets._infos[window.datasets.current]).pixels  # type: ignore[union-attr]
    assert pixels.shape == (24, 8, 8, 1)


def the_scale_of_numbers_is_said_and_chosen_before_the_import(
    window: MainWindow, qtbot: Any, tmp_path: Path
) -> None:
    values = np.random.default_rng(0).integers(0, 14, (30, 12, 12))
    np.save(tmp_path / "digits.npy", values)
    panel = window.datasets.importing

    def choose() -> None:
        assert panel.pictures.scale.isVisible() and panel.pictures.settings().scale == "auto"
        assert "Values 0 to 16 are scaled to 0..255." in panel.remarks.text()
        panel.name.setText("mine")
        panel.pictures.scale.setCurrentText("0 to 255 (8 bits)")
        panel.pictures.scale.activated.emit(panel.pictures.scale.currentIndex())
        qtbot.waitUntil(lambda: "scaled" not in panel.remarks.text(), timeout=LONG)
        assert panel.pictures.settings().scale == "0..255" and panel.name.text() == "mine"

    info = imported(window, qtbot, tmp_path / "digits.npy", choose=choose)
    dataset = shelf.open_dataset(info)
    assert info.title == "mine" and np.array_equal(dataset.pixels[..., 0], values)
    drop(window, pets(tmp_path))
    qtbot.waitUntil(lambda: panel.start.isVisible() and panel.found.form == "pictures", timeout=LONG)
    assert not panel.pictures.scale.isVisible() and panel.pictures.settings().scale == "auto"
    press(qtbot, window, "import_cancel")


def checks_are_summed_up_before_start(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("Too short to learn from. " * 3)
    info = imported(window, qtbot, tmp_path / "short.txt")
    window.transformer.setup.choose_data(info.id)
    qtbot.waitUntil(lambda: "problem" in window.transformer.checks.text(), timeout=LONG)
    assert any(finding.level == "error" for finding in window.datasets.checks.findings)
    sentence = window.datasets.findChild(QLabel, "finding_0_sentence")
    assert sentence is not None and sentence.text() == window.datasets.checks.findings[0].sentence


def pressing_an_example_marks_the_very_place(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    lines = [f"Line {i} of a text that says {' '.join(words(12, i).split())}." for i in range(400)]
    lines[390] += " ΩΩ"
    path = tmp_path / "long.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    imported(window, qtbot, path)
    tab = window.datasets
    findings = [f for f in tab.checks.findings if f.rule.startswith("every validation character")]
    (number,) = [k for k, f in enumerate(tab.checks.findings) if f is findings[0]]
    press(qtbot, window, f"finding_{number}_example_0")
    text = tab.preview.text.text
    qtbot.waitUntil(lambda: text.textCursor().block().text().startswith("Line 390"))
    assert findings[0].examples[0].place == path.read_text(encoding="utf-8").index("Ω")
    assert text.textCursor().selectedText() in ("Ω", "")


def test_files_of_each_kind_become_datasets(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    """One window for one after the other."""
    a_dropped_text_is_shown_searched_and_fed(window, qtbot, apart(tmp_path))
    a_dropped_table_offers_its_columns(window, qtbot, apart(tmp_path))
    a_dropped_folder_of_pictures_becomes_classes(window, qtbot, apart(tmp_path))
    the_scale_of_numbers_is_said_and_chosen_before_the_import(window, qtbot, apart(tmp_path))
    checks_are_summed_up_before_start(window, qtbot, apart(tmp_path))
    pressing_an_example_marks_the_very_place(window, qtbot, apart(tmp_path))


def points_and_pictures_show_what_a_gan_is_fed(window: MainWindow, qtbot: Any) -> None:
    tab = window.datasets
    page = tab.preview.batch
    for name, view in (("moons", page.scatter), ("digits8", page.grid)):
        tab.choose(name)
        calm(window, qtbot)
        assert tab.train.isEnabled() and not tab.untrained.isVisible()
        tab.preview.tabs.setCurrentWidget(page)
        qtbot.waitUntil(lambda: page.batch is not None, timeout=LONG)
        assert page.shown.currentWidget() is view
    assert "black is -1 and white is 1" in page.said.text()
    page.grid.open(0)
    assert "middle row" in page.pointed.text()
    for name in ("verses-en-es", "copy", "emoji-categories"):  # every kind has a family that learns from it
        tab.choose(name)
        calm(window, qtbot)
        assert tab.train.isEnabled() and not tab.untrained.isVisible()


def the_split_is_a_setting_of_the_training(window: MainWindow, qtbot: Any) -> None:
    split = window.datasets.split
    split.how.setCurrentIndex(1)
    split.how.activated.emit(1)
    split.share.editor.set_value(0.25)
    values = window.transformer.setup.values()
    assert (values["split"], values["validation_share"]) == ("random", 0.25)
    window.transformer.setup.form.set_values({"split": "contiguous", "validation_share": 0.2})
    assert split.how.currentIndex() == 0 and split.share.value() == pytest.approx(0.2)
    assert split.bar._parts.mean() == pytest.approx(0.2)
    calm(window, qtbot)


def the_bar_of_a_random_split_is_the_draw_itself(window: MainWindow, qtbot: Any) -> None:
    from genstudio.data.split import SplitSettings, arrange, split_shares
    from genstudio.data.work import finished

    tab = window.datasets
    form = window.transformer.setup.form
    form.set_values({"split": "random", "split_seed": 3, "validation_share": 0.2})
    text = shelf.open_text(shelf.find_dataset("shakespeare")).text
    context = int(form.values()["context"])
    found = finished(arrange(text, SplitSettings("random", 0.2, 3), context=context))
    qtbot.waitUntil(lambda: np.array_equal(tab.split.bar._parts, split_shares(len(text), found)))
    assert f"{len(found.text) - found.cut:,} for validation" in tab.split.said.text()


def nothing_is_downloaded_unasked(window: MainWindow, qtbot: Any) -> None:
    offers = [key for key in window.datasets.shelf.keys() if key.startswith("catalogue:")]  # noqa: SIM118 - a method
    assert offers
    for key in offers:
        window.datasets.choose(key)
    assert not any(name.startswith("Download") for name in window.engine.running)
    assert window.datasets.stack.currentWidget() is window.datasets.downloads
    assert window.datasets.downloads.download.isEnabled()
    calm(window, qtbot)
    assert json.dumps(sorted(str(p) for p in paths.home().rglob("*.part"))) == "[]"


def what_is_made_from_a_seed_is_tried_and_made_otherwise(window: MainWindow, qtbot: Any) -> None:
    tab = window.datasets
    tab.choose("gaussian-ring")
    calm(window, qtbot)
    press(qtbot, window, "duplicate_dataset")
    page = tab.preview.make
    assert tab.preview.tabs.currentWidget() is page and page.form is not None
    page.form.set_values({"modes": 3, "sigma": 0.2, "count": 900})
    qtbot.waitUntil(lambda: len(page.scatter._points) == 900)
    assert page.scatter._centres is not None and len(page.scatter._centres) == 3
    assert "everything the dataset will contain" in page.said.text()
    page.form.set_values({"modes": 0})
    assert not page.duplicate.isEnabled()
    page.form.set_values({"modes": 3})
    page.name.setText("Three")
    press(qtbot, window, "make_duplicate")
    qtbot.waitUntil(lambda: tab.title.text() == "Three", timeout=LONG)
    calm(window, qtbot)
    made = tab._infos[tab.current or ""]
    assert made.mine and made.details["settings"]["modes"] == 3 and tab.delete.isEnabled()


def points_and_digits_can_be_drawn(window: MainWindow, qtbot: Any) -> None:
    tab = window.datasets
    tab._draw("points")
    canvas = tab.draw_points.canvas
    for x in (60, 120, 180):
        qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(x, 80))
        qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(x, 80))
    drawn = len(canvas.points())
    press(qtbot, window, "points_undo")
    assert 0 < len(canvas.points()) < drawn
    kept = canvas.points()
    press(qtbot, window, "points_save")
    qtbot.waitUntil(lambda: tab.title.text() == "My points", timeout=LONG)
    calm(window, qtbot)
    points = shelf.open_dataset(tab._infos[tab.current]).points  # type: ignore[union-attr]
    assert np.allclose(points, kept)
    tab._draw("digits")
    digit = tab.draw_digits.canvas
    for number in range(2):
        qtbot.mousePress(digit, Qt.MouseButton.LeftButton, pos=QPoint(100 + 40 * number, 100))
        qtbot.mouseRelease(digit, Qt.MouseButton.LeftButton, pos=QPoint(100 + 40 * number, 100))
        press(qtbot, window, "digit_add")
    press(qtbot, window, "digits_save")
    qtbot.waitUntil(lambda: tab.title.text() == "My digits", timeout=LONG)
    calm(window, qtbot)
    dataset: Any = shelf.open_dataset(tab._infos[tab.current])
    assert dataset.pixels.shape == (2, 28, 28, 1) and dataset.pixels.max() > 200
    assert [dataset.classes[label] for label in dataset.labels] == ["0", "1"]


def test_a_tokenizer_that_was_opened_becomes_a_setting(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    from genstudio.data.tokenizers import ByteTokenizer
    from genstudio.data.tokenizers.foreign import tokenizer_text

    path = tmp_path / "mine.json"
    path.write_bytes(tokenizer_text(ByteTokenizer()))
    tab = window.datasets
    tab.preview.tabs.setCurrentWidget(tab.bench)
    calm(window, qtbot)
    tab.bench.open_from(str(path))
    qtbot.waitUntil(lambda: isinstance(tab.bench.tokenizer, ByteTokenizer), timeout=LONG)
    calm(window, qtbot)
    press(qtbot, window, "bench_use")
    values = window.transformer.setup.values()
    assert (values["tokenizer"], values["tokenizer_file"]) == ("file", str(path))
    assert window.tabs.currentWidget() is window.transformer and not window.transformer.setup.form.problems()
    qtbot.waitUntil(lambda: "parameters" in window.transformer.cost.text(), timeout=LONG)


def test_what_ships_is_shown_split_drawn_and_made_anew(window: MainWindow, qtbot: Any) -> None:
    """One window for all that imports nothing."""
    the_split_is_a_setting_of_the_training(window, qtbot)
    the_bar_of_a_random_split_is_the_draw_itself(window, qtbot)
    points_and_pictures_show_what_a_gan_is_fed(window, qtbot)
    nothing_is_downloaded_unasked(window, qtbot)
    what_is_made_from_a_seed_is_tried_and_made_otherwise(window, qtbot)
    points_and_digits_can_be_drawn(window, qtbot)
