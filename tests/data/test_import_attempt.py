"""What is shown before an import is what the import makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genstudio.data import shelf
from genstudio.data.datasets import ImageDataset
from genstudio.data.images import PictureSettings
from genstudio.data.importing import pool
from genstudio.data.importing.options import Attempt, ImportOptions
from genstudio.data.importing.sources import attempt, import_any
from genstudio.data.work import finished


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are decoded in this process: starting others takes longer than what the tests look at."""

    def none(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(pool, "_Child", none)


def photos(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    for kind, size in (("cats", (40, 56, 3)), ("dogs", (48, 48))):
        (folder / kind).mkdir(parents=True)
        for number in range(3):
            Image.fromarray(rng.integers(0, 255, size, np.uint8)).save(folder / kind / f"{number}.png")
    return folder


def test_pictures_are_tried_as_they_are_imported(here: None, tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    (folder / "cats" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    wanted = {
        fit: ImportOptions(pictures=PictureSettings(size, fit, grey=grey), skip_broken=True)
        for size, fit, grey in ((16, "crop", False), (24, "pad", True), (0, "stretch", False))
    }
    tried = {fit: finished(attempt([folder], options)) for fit, options in wanted.items()}
    for fit, options in wanted.items():
        made = shelf.open_dataset(finished(import_any([folder], options)))
        assert isinstance(made, ImageDataset) and isinstance(one := tried[fit], Attempt)
        assert len(one.pixels) == len(made.pixels) == 6 and np.array_equal(one.pixels, made.pixels), fit
        assert all(name.endswith(".png") and "broken" not in name for name in one.names)
    assert isinstance(crop := tried["crop"], Attempt) and isinstance(other := tried["stretch"], Attempt)
    assert crop.pixels.shape != other.pixels.shape, "settings make a difference"


def test_nothing_is_tried_of_texts_and_of_what_cannot_be_read(here: None, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("To be, or not to be.")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    assert finished(attempt([tmp_path / "a.txt"], ImportOptions())) is None
    assert finished(attempt([tmp_path / "a.png"], ImportOptions())) is None
    assert finished(attempt("a pasted text", ImportOptions())) is None
