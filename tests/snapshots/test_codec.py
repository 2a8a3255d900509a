"""Snapshots in a run: kept compactly, read back as they were, and nothing else is believed."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from opened import opened

from genstudio.data.work import finished
from genstudio.errors import RunError
from genstudio.events import Snapshot
from genstudio.runs.snapshot_store import SnapshotStore
from genstudio.snapshots import codec
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.layers import LayerStatistics
from genstudio.snapshots.samples import Histograms, Pictures, Plane
from genstudio.snapshots.text import Text
from genstudio.snapshots.translation import Translated, Translations

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
    store, shown = SnapshotStore(tmp_path), plane(mesh)
    assert store.add(shown)
    back = store.load("plane", 7)
    assert isinstance(back, Plane) and back.extent == shown.extent and back.bounded and (back.mesh is None) != mesh
    assert np.array_equal(back.real, shown.real) and np.array_equal(back.fake, shown.fake)
    assert np.allclose(back.field, shown.field, atol=1e-3) and np.allclose(back.arrows, shown.arrows, rtol=1e-3)
    assert len(codec.dump(shown)) < 20_000 and not back.real.flags.writeable


def test_pictures_and_histograms_come_back_exactly(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    assert store.add(pictures()) and store.add(histograms())
    back, shown = store.load("fixed", 3), store.load("scores", 2)
    assert isinstance(back, Pictures) and isinstance(shown, Histograms)
    assert back.classes == ("a", "b", "ç") and back.pixels.shape == (64, 8, 8, 1)
    assert np.array_equal(back.labels, np.arange(64) % 3)  # type: ignore[arg-type]
    assert np.array_equal(shown.edges, np.linspace(0, 1, 21)) and list(shown.counts) == ["D(x)", "D(G(z))"]
    assert np.array_equal(shown.counts["D(x)"], np.arange(20))


def changed(data: bytes, **arrays: np.ndarray | None) -> bytes:
    found = codec.read(data) | arrays
    return codec.write({name: array for name, array in found.items() if array is not None})


def header(**values: object) -> np.ndarray:
    return np.frombuffer(json.dumps(values).encode(), np.uint8)


@pytest.mark.parametrize(
    "data",
    [
        changed(codec.dump(plane()), field=np.full((4, 4), np.nan, np.float16)),
        changed(codec.dump(plane()), real=np.zeros((4, 3), np.float32)),
        changed(codec.dump(plane()), mesh=np.zeros((2, 3, 2), np.float16)),
        changed(codec.dump(plane()), scores=np.zeros(3, np.float16)),
        changed(codec.dump(plane()), fake=None),
        changed(codec.dump(plane()), header=header(kind="plane", extent=[1, 0, 0, 1], bounded=True)),
        changed(codec.dump(plane()), header=header(kind="plane", extent=[0, 1e999, 0, 1], bounded=True)),
        changed(codec.dump(pictures()), labels=np.full(64, 9)),
        changed(codec.dump(pictures()), pixels=np.zeros((64, 8, 8, 2), np.uint8)),
        changed(codec.dump(pictures()), header=header(kind="pictures", classes=[1, 2, 3])),
        changed(codec.dump(pictures()), header=header(kind="other")),
        changed(codec.dump(histograms()), counts0=np.arange(3)),
        changed(codec.dump(histograms()), counts0=-np.arange(20)),
        changed(codec.dump(histograms()), header=np.frombuffer(b"[" * 5000, np.uint8)),
        codec.dump(plane())[:200],
        b"",
    ],
)
def test_what_is_not_a_snapshot_is_refused(tmp_path: Path, data: bytes) -> None:
    store = SnapshotStore(tmp_path)
    store.add(plane())
    (tmp_path / "plane" / "7.npz").write_bytes(data)
    with pytest.raises(RunError, match="damaged"):
        store.load("plane", 7)


def test_nothing_is_unpickled_and_no_size_is_believed(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, header=np.array([{"kind": "plane"}], dtype=object))
    claimed = codec.dump(plane()).replace(b"(400, 2)", b"(4e9, 2)")
    for data in (buffer.getvalue(), claimed):
        (tmp_path / "plane").mkdir(exist_ok=True)
        (tmp_path / "plane" / "7.npz").write_bytes(data)
        with pytest.raises(RunError):
            SnapshotStore(tmp_path).load("plane", 7)


def statistics(tokens: int = 5) -> LayerStatistics:
    _, _, learner = opened(activation="gelu")
    found: LayerStatistics = finished(learner.layers(np.arange(tokens)))
    return found


@pytest.mark.parametrize("tokens", [1, 5])
def test_statistics_of_layers_come_back(tmp_path: Path, tokens: int) -> None:
    store, stored = SnapshotStore(tmp_path), statistics(tokens)
    assert store.add(stored)
    loaded = store.load("layers", 0)
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
    arrays = codec.read(codec.dump(statistics()))
    header = json.loads(arrays.pop("header").tobytes())
    change(header, arrays)
    return codec.write({"header": np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays})


@pytest.mark.parametrize(
    "change",
    [
        lambda header, arrays: header.pop("activations"),
        lambda header, arrays: header.pop("weights"),
        lambda header, arrays: header["weights"]["names"].pop(),
        lambda header, arrays: header["weights"].update(names=[1] * 9),
        lambda header, arrays: header["activations"].update(norms="x"),
        lambda header, arrays: header.update(dead=[]),
        lambda header, arrays: header.update(updates=[0.1]),
        lambda header, arrays: header.update(tokens="many"),
        lambda header, arrays: arrays.update(weights_counts=-arrays["weights_counts"]),
        lambda header, arrays: arrays.update(weights_edges=arrays["weights_edges"][::-1]),
        lambda header, arrays: arrays.update(gradients_sizes=np.zeros(3, np.int64)),
        lambda header, arrays: arrays.pop("activations_counts"),
    ],
)
def test_damaged_statistics_are_refused(tmp_path: Path, change: Any) -> None:
    store = SnapshotStore(tmp_path)
    store.add(statistics())
    (tmp_path / "layers" / "0.npz").write_bytes(spoilt(lambda header, arrays: None))
    store.load("layers", 0)
    (tmp_path / "layers" / "0.npz").write_bytes(spoilt(change))
    with pytest.raises(RunError):
        store.load("layers", 0)


OLDER = Path(__file__).parent / "older"


@pytest.mark.parametrize("channel", ["sample", "attention", "plane", "fixed", "scores", "layers"])
def test_what_the_version_before_wrote_still_opens(tmp_path: Path, channel: str) -> None:
    before = SnapshotStore(OLDER).load(channel, 3)
    store = SnapshotStore(tmp_path)
    assert store.add(before)
    again = store.load(channel, 3)
    assert type(again) is type(before) and codec.dump(again) == codec.dump(before)


def test_values_of_the_version_before() -> None:
    store = SnapshotStore(OLDER)
    rng = np.random.default_rng(5)
    weights = rng.random((2, 2, 3, 3)).astype(np.float32)
    text, attention = store.load("sample", 3), store.load("attention", 3)
    assert isinstance(text, Text) and (text.prompt, text.text) == ("ROMEO:", "\nWhat, ho! é")
    assert isinstance(attention, Attention) and attention.tokens == ("T", "o", "␣")
    np.testing.assert_allclose(attention.weights, weights, atol=1e-3)
    plane, counts = store.load("plane", 3), store.load("scores", 3)
    assert isinstance(plane, Plane) and isinstance(counts, Histograms)
    np.testing.assert_array_equal(plane.real, rng.normal(size=(4, 2)).astype(np.float32))
    assert list(counts.counts) == ["D(x)", "D(G(z))"] and counts.counts["D(x)"].tolist() == [0, 1, 2, 3]


def test_attention_between_two_texts(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    store.add(Attention("cross", 1, ("a", "b", "c"), RNG.random((1, 2, 2, 3)).astype(np.float32), ("x", "y")))
    back = store.load("cross", 1)
    assert isinstance(back, Attention) and back.queries == ("x", "y") and back.weights.shape == (1, 2, 2, 3)
    store.add(Attention("cross", 2, ("a", "b", "c"), RNG.random((1, 2, 2, 3)).astype(np.float32)))
    with pytest.raises(RunError, match="damaged"):
        store.load("cross", 2)


def translations() -> Translations:
    """One that is right, one that is too long, and one of which nothing was made."""
    right = Translated(("los", "gatos"), ("the", "cats"), ("the", "cats"), np.array([True, True]))
    long = Translated(("ñu",), ("gnu",), ("the", "gnu"), np.array([False, False]))
    return Translations("translations", 4, (right, long, Translated(("y",), ("and",), (), np.zeros(0, bool))))


def test_translations_come_back(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    assert store.add(translations())
    back = store.load("translations", 4)
    assert isinstance(back, Translations) and codec.dump(back) == codec.dump(translations())
    assert [one.made for one in back.sentences] == [("the", "cats"), ("the", "gnu"), ()]
    assert back.sentences[0].right.dtype == bool and [one.exact for one in back.sentences] == [True, False, False]
    assert not back.sentences[1].right.flags.writeable
    with pytest.raises(ValueError):
        back.sentences[1].right[0] = True


@pytest.mark.parametrize(
    "change",
    [
        lambda header, arrays: header["sentences"][0].pop("made"),
        lambda header, arrays: header["sentences"][0]["made"].append("more"),
        lambda header, arrays: header["sentences"][0].update(source=[1, 2]),
        lambda header, arrays: header.update(sentences=header["sentences"][:2]),
        lambda header, arrays: header["sentences"].append(header["sentences"][0]),
        lambda header, arrays: header.update(sentences="many"),
        lambda header, arrays: header.update(sentences=[7]),
        lambda header, arrays: arrays.update(sentences0_right=np.array([1, 2], np.uint8).view(bool)),
        lambda header, arrays: arrays.update(sentences0_right=np.ones(2, np.uint8)),
        lambda header, arrays: arrays.update(sentences0_right=np.ones((2, 1), bool)),
    ],
)
def test_damaged_translations_are_refused(tmp_path: Path, change: Any) -> None:
    arrays = codec.read(codec.dump(translations()))
    header = json.loads(arrays.pop("header").tobytes())
    change(header, arrays)
    (tmp_path / "translations").mkdir()
    data = codec.write({"header": np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays})
    (tmp_path / "translations" / "4.npz").write_bytes(data)
    with pytest.raises(RunError, match="damaged"):
        SnapshotStore(tmp_path).load("translations", 4)


@pytest.mark.parametrize("seed", range(20))
def test_random_damage_is_refused_or_read_as_a_snapshot(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    channel = ("plane", "fixed", "scores", "layers", "attention")[seed % 5]
    arrays = codec.read((OLDER / channel / "3.npz").read_bytes())
    name = sorted(arrays)[rng.integers(len(arrays))]
    array = arrays[name]
    spoilt = (array[..., None], array.reshape(-1), array.astype(np.float64), array[:0], array.astype(np.uint8))
    arrays[name] = spoilt[rng.integers(len(spoilt))]
    (tmp_path / channel).mkdir()
    (tmp_path / channel / "3.npz").write_bytes(codec.write(arrays))
    try:
        assert isinstance(SnapshotStore(tmp_path).load(channel, 3), Snapshot)
    except RunError as error:
        assert "damaged" in error.message
