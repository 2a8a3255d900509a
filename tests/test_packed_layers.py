"""Statistics of layers come back as they were stored, and damaged ones are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from opened import opened

from genstudio.data.slices import finished
from genstudio.errors import RunError
from genstudio.runs import packed
from genstudio.runs.album import Album
from genstudio.snapshots.layers import LayerStatistics


def statistics(tokens: int = 5) -> LayerStatistics:
    _, _, learner = opened(activation="gelu")
    found: LayerStatistics = finished(learner.layers(np.arange(tokens)))
    return found


@pytest.mark.parametrize("tokens", [1, 5])
def test_what_is_stored_comes_back(tmp_path: Path, tokens: int) -> None:
    album, stored = Album(tmp_path), statistics(tokens)
    assert album.add(stored)
    loaded = album.load("layers", 0)
    assert isinstance(loaded, LayerStatistics)
    assert (loaded.gradients is None) == (tokens == 1)
    for name in ("activations", "weights", "gradients"):
        one, two = getattr(stored, name), getattr(loaded, name)
        if one is not None:
            assert (one.names, one.decades) == (two.names, two.decades)
            for part in ("edges", "counts", "norms", "sizes"):
                np.testing.assert_array_equal(getattr(one, part), getattr(two, part))
    for part in ("dead", "updates", "loss", "tokens"):
        np.testing.assert_array_equal(getattr(stored, part), getattr(loaded, part))


def spoilt(change: Any) -> bytes:
    arrays = packed.read(packed.dump(statistics()))
    header = json.loads(arrays.pop("header").tobytes())
    change(header, arrays)
    return packed.write({"header": np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays})


@pytest.mark.parametrize(
    "change",
    [
        lambda header, arrays: header.pop("parts"),
        lambda header, arrays: header["parts"].pop("weights"),
        lambda header, arrays: header["parts"]["weights"]["names"].pop(),
        lambda header, arrays: header["parts"]["weights"].update(names=[1] * 9),
        lambda header, arrays: header["parts"]["activations"].update(norms="x"),
        lambda header, arrays: header.update(dead=[]),
        lambda header, arrays: header.update(updates=[0.1]),
        lambda header, arrays: header.update(tokens="many"),
        lambda header, arrays: arrays.update(weights_counts=-arrays["weights_counts"]),
        lambda header, arrays: arrays.update(weights_edges=arrays["weights_edges"][::-1]),
        lambda header, arrays: arrays.update(gradients_sizes=np.zeros(3, np.int64)),
        lambda header, arrays: arrays.pop("activations_counts"),
    ],
)
def test_damaged_ones_are_refused(tmp_path: Path, change: Any) -> None:
    album = Album(tmp_path)
    album.add(statistics())
    (tmp_path / "layers" / "0.npz").write_bytes(spoilt(lambda header, arrays: None))
    album.load("layers", 0)
    (tmp_path / "layers" / "0.npz").write_bytes(spoilt(change))
    with pytest.raises(RunError):
        album.load("layers", 0)
