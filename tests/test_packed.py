"""Snapshots of a GAN in a run: kept compactly, read back as they were, and nothing else is believed."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest

from genstudio.errors import RunError
from genstudio.runs import packed
from genstudio.runs.album import Album
from genstudio.snapshots.samples import Histograms, Pictures, Plane

RNG = np.random.default_rng(0)


def plane(mesh: bool = True) -> Plane:
    return Plane(
        "plane", 7, RNG.normal(size=(400, 2)).astype(np.float32), RNG.normal(size=(300, 2)).astype(np.float32),
        (-1.0, 1.0, -2.0, 2.0), RNG.random((40, 40)).astype(np.float32), True,
        RNG.normal(size=(200, 2)).astype(np.float32), RNG.normal(size=(20, 20, 2)).astype(np.float32) if mesh else None,
        RNG.random(700).astype(np.float32),
    )  # fmt: skip


def pictures() -> Pictures:
    pixels = RNG.integers(0, 256, (64, 8, 8, 1), dtype=np.uint8)
    return Pictures("fixed", 3, pixels, np.arange(64) % 3, ("a", "b", "ç"), RNG.random(64).astype(np.float32))


def histograms() -> Histograms:
    return Histograms("scores", 2, np.linspace(0, 1, 21), {"D(x)": np.arange(20), "D(G(z))": np.arange(20)[::-1].copy()})


@pytest.mark.parametrize("mesh", [True, False])
def test_a_plane_comes_back_and_is_small(tmp_path: Path, mesh: bool) -> None:
    album, shown = Album(tmp_path), plane(mesh)
    assert album.add(shown)
    back = album.load("plane", 7)
    assert isinstance(back, Plane) and back.extent == shown.extent and back.bounded and (back.mesh is None) != mesh
    assert np.array_equal(back.real, shown.real) and np.array_equal(back.fake, shown.fake)
    assert np.allclose(back.field, shown.field, atol=1e-3) and np.allclose(back.arrows, shown.arrows, rtol=1e-3)
    assert len(packed.dump(shown)) < 20_000 and not back.real.flags.writeable


def test_pictures_and_histograms_come_back_exactly(tmp_path: Path) -> None:
    album = Album(tmp_path)
    assert album.add(pictures()) and album.add(histograms())
    back, shown = album.load("fixed", 3), album.load("scores", 2)
    assert isinstance(back, Pictures) and isinstance(shown, Histograms)
    assert back.classes == ("a", "b", "ç") and back.pixels.shape == (64, 8, 8, 1)
    assert np.array_equal(back.labels, np.arange(64) % 3)  # type: ignore[arg-type]
    assert np.array_equal(shown.edges, np.linspace(0, 1, 21)) and list(shown.counts) == ["D(x)", "D(G(z))"]
    assert np.array_equal(shown.counts["D(x)"], np.arange(20))


def changed(data: bytes, **arrays: np.ndarray | None) -> bytes:
    found = packed.read(data) | arrays
    return packed.write({name: array for name, array in found.items() if array is not None})


def header(**values: object) -> np.ndarray:
    return np.frombuffer(json.dumps(values).encode(), np.uint8)


@pytest.mark.parametrize(
    "data",
    [
        changed(packed.dump(plane()), field=np.full((4, 4), np.nan, np.float16)),
        changed(packed.dump(plane()), real=np.zeros((4, 3), np.float32)),
        changed(packed.dump(plane()), mesh=np.zeros((2, 3, 2), np.float16)),
        changed(packed.dump(plane()), scores=np.zeros(3, np.float16)),
        changed(packed.dump(plane()), fake=None),
        changed(packed.dump(plane()), header=header(kind="plane", extent=[1, 0, 0, 1], bounded=True)),
        changed(packed.dump(plane()), header=header(kind="plane", extent=[0, 1e999, 0, 1], bounded=True)),
        changed(packed.dump(pictures()), labels=np.full(64, 9)),
        changed(packed.dump(pictures()), pixels=np.zeros((64, 8, 8, 2), np.uint8)),
        changed(packed.dump(pictures()), header=header(kind="pictures", classes=[1, 2, 3])),
        changed(packed.dump(pictures()), header=header(kind="other")),
        changed(packed.dump(histograms()), count0=np.arange(3)),
        changed(packed.dump(histograms()), count0=-np.arange(20)),
        changed(packed.dump(histograms()), header=np.frombuffer(b"[" * 5000, np.uint8)),
        packed.dump(plane())[:200],
        b"",
    ],
)
def test_what_is_not_a_snapshot_is_refused(tmp_path: Path, data: bytes) -> None:
    album = Album(tmp_path)
    album.add(plane())
    (tmp_path / "plane" / "7.npz").write_bytes(data)
    with pytest.raises(RunError, match="damaged"):
        album.load("plane", 7)


def test_nothing_is_unpickled_and_no_size_is_believed(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, header=np.array([{"kind": "plane"}], dtype=object))
    claimed = packed.dump(plane()).replace(b"(400, 2)", b"(4e9, 2)")
    for data in (buffer.getvalue(), claimed):
        (tmp_path / "plane").mkdir(exist_ok=True)
        (tmp_path / "plane" / "7.npz").write_bytes(data)
        with pytest.raises(RunError):
            Album(tmp_path).load("plane", 7)
