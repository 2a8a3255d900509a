"""The time of a run: moments as they were stored, films as they were drawn, and nothing damaged that ends it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genstudio import cli, runs
from genstudio.errors import DataError, GenstudioError, RunError, StorageError
from genstudio.runs import Run
from genstudio.snapshots.samples import Histograms, Pictures, Plane
from genstudio.tasks import film
from genstudio.tasks.drawn import cell, drawn, place
from genstudio.tasks.film import ExportShown, ExportTimeline
from genstudio.tasks.timeline import ReadTimeline, ReadTimelineEntries, TimelineEntry
from helpers import result, run_task

STEPS = tuple(range(0, 60, 5))
RNG = np.random.default_rng(0)


def pictures(step: int, channel: str = "fixed", channels: int = 1) -> Pictures:
    pixels = np.random.default_rng(step).integers(0, 256, (10, 8, 8, channels), dtype=np.uint8)
    return Pictures(channel, step, pixels, None, (), np.zeros(10, np.float32))


def plane(step: int) -> Plane:
    random = np.random.default_rng(step)
    points = random.normal(size=(30, 2)).astype(np.float32)
    field, arrows = random.random((8, 8)).astype(np.float32), np.zeros((30, 2), np.float32)
    return Plane("plane", step, points[:10], points[10:], (-2, 2, -2, 2), field, True, arrows[:20], None, None)


def scores(step: int) -> Histograms:
    return Histograms("scores", step, np.linspace(0, 1, 5), {"D(x)": np.array([step, 1, 2, 3])})


def empty_run(folder: Path) -> Run:
    return runs.create(
        folder, family="gan", name="made", config={}, dataset={"id": "x", "title": "x", "hash": ""}, seed=0,
        device="cpu", plan={"steps": 60}, kept={},
    )  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with empty_run(tmp_path) as made:
        for step in STEPS:
            made.record(pictures(step))
            if step % 10 == 0:
                made.record(scores(step))
        yield made


def moments(run: Run, *steps: int) -> list[TimelineEntry]:
    frames = run_task(ReadTimelineEntries(str(run.folder), steps))
    return [s for f in frames for s in f.snapshots if isinstance(s, TimelineEntry)]


def test_the_timeline_has_the_steps_that_were_kept(run: Run) -> None:
    found = result(ReadTimeline(str(run.folder)))
    assert found.steps == STEPS
    assert found.channels == {"fixed": STEPS, "scores": STEPS[::2]}


def test_a_moment_is_what_was_stored_and_of_slower_channels_the_newest_before(run: Run) -> None:
    found = moments(run, 25, 0, 55)
    assert [moment.step for moment in found] == [25, 0, 55]
    for moment, other in zip(found, (20, 0, 50), strict=True):
        shown = {snapshot.channel: snapshot for snapshot in moment.snapshots}
        assert isinstance(shown["fixed"], Pictures) and isinstance(shown["scores"], Histograms)
        assert shown["fixed"].step == moment.step
        assert (shown["fixed"].pixels == pictures(moment.step).pixels).all()
        assert shown["scores"].counts["D(x)"].tolist() == [other, 1, 2, 3]
        assert moment.bytes >= shown["fixed"].pixels.nbytes


def test_before_the_first_step_of_a_channel_there_is_nothing_of_it(run: Run) -> None:
    run.record(pictures(30, "fixed_raw"))
    assert {s.channel for s in moments(run, 25)[0].snapshots} == {"fixed", "scores"}
    assert {s.channel for s in moments(run, 30)[0].snapshots} == {"fixed", "scores", "fixed_raw"}


@pytest.mark.parametrize("spoiled", [b"", b"PK\x03\x04 nothing", b"\x00" * 5000])
def test_a_damaged_picture_is_told_and_leaves_the_others(run: Run, spoiled: bytes) -> None:
    (run.folder / "snapshots" / "fixed" / "20.npz").write_bytes(spoiled)
    found = moments(run, 20, 25)
    assert found[0].damaged == ("The picture of step 20 is damaged.",)
    assert [s.channel for s in found[0].snapshots] == ["scores"]
    assert not found[1].damaged and len(found[1].snapshots) == 2


def test_a_film_leaves_out_what_is_damaged(run: Run, tmp_path: Path) -> None:
    (run.folder / "snapshots" / "fixed" / "20.npz").write_bytes(b"?")
    run_task(ExportTimeline(str(run.folder), str(tmp_path / "a.gif")))
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames == len(STEPS) - 1


def test_rows_that_are_classes_stay_rows_in_an_export_with_their_names_before_them() -> None:
    pixels, names = np.full((16, 8, 8, 3), 200, np.uint8), ("orange", "→ blue")
    shown = Pictures("cycles", 0, pixels, np.repeat(np.arange(2), 8), names)
    mixed = Pictures("cycles", 0, pixels, np.roll(np.repeat(np.arange(2), 8), 3), names)
    assert cell(shown, 480)[1] == 8 and cell(mixed, 480)[1] == 4
    left, top = place(shown, 480, 8)
    before = np.asarray(drawn(shown, 480))[top : top + 24, :left]
    assert (before < 100).any() and not (np.asarray(drawn(mixed, 480))[:, : place(mixed, 480, 0)[0]] < 100).any()


def test_captions_before_rows_end_where_the_pictures_begin_and_words_above_columns_take_two_lines() -> None:
    pixels, caption = np.full((16, 8, 8, 3), 200, np.uint8), "a small yellow heart at the bottom left of a picture, and more"
    shown = Pictures("samples", 0, pixels, np.repeat(np.arange(2), 8), (caption, "b"))
    left = place(shown, 240, 0)[0]
    seen = np.asarray(drawn(shown, 240))
    assert left < 150 and (seen[:, :left] < 100).any() and not (seen[:, left:] < 100).any()
    names = ("100% noise", "clean")
    columns = Pictures("sentence", 0, pixels[:4], np.arange(4) % 2, names)
    short = Pictures("sentence", 0, pixels[:4], np.arange(4) % 2, ("100%", "clean"))
    assert place(columns, 150, 0)[1] - place(short, 150, 0)[1] == place(short, 150, 0)[1] - place(columns, 150, 0)[0]
    assert place(columns, 480, 0)[1] == place(short, 480, 0)[1], "one line where there is room"


def test_arrows_of_a_plane_point_the_way_that_points_are_pushed() -> None:
    none, one = np.zeros((0, 2), np.float32), np.zeros((1, 2), np.float32)

    def ink(push: tuple[float, float]) -> np.ndarray:
        shown = Plane("score", 0, none, one, (-1.0, 1.0, -1.0, 1.0), arrows=np.array([push], np.float16))
        y, x = (np.asarray(drawn(shown, 200)).sum(-1) < 200).nonzero()
        return np.array([x.mean() - 100, 100 - y.mean()]) if len(x) else np.zeros(2)

    for push in ((1.0, 0.0), (0.0, 1.0), (-1.0, -1.0)):
        along, aside = np.array(push), np.array([-push[1], push[0]])
        assert float(ink(push) @ along) > 3 and abs(float(ink(push) @ aside)) < 1.5
    assert not ink((0.0, 0.0)).any()


@pytest.mark.parametrize("suffix", ["gif", "png"])
def test_every_frame_of_a_film_is_as_large_as_that_of_the_last_snapshot(tmp_path: Path, suffix: str) -> None:
    """A model that grows shows a row more with each size: players cut off what reaches beyond the first frame."""
    rows = [
        Pictures("sizes", n, np.full((8 * n, 8, 8, 3), 60 * n, np.uint8), np.repeat(np.arange(n), 8), tuple("abc"[:n]))
        for n in (1, 2, 3)
    ]
    out = tmp_path / f"grown.{suffix}"
    run_task(ExportShown(tuple((one, f"step {one.step}") for one in rows), str(out), size=240))
    with Image.open(out) as image:
        high = drawn(rows[2], 240, "step").height
        if suffix == "gif":
            assert image.size == drawn(rows[2], 240, "step").size and image.n_frames == 3
            for n in range(3):
                image.seek(n)
                assert image.convert("RGB").size[1] == high
        else:
            assert image.height == drawn(rows[2], 120, "step").height


def test_columns_that_are_classes_have_their_names_above_them_and_long_ones_are_shortened() -> None:
    pixels = np.full((8, 8, 8, 3), 200, np.uint8)
    shown = Pictures("fixed", 0, pixels, np.arange(8) % 2, ("none", "a name that is far too long for the pictures below it"))
    assert cell(shown, 120)[1] == 2
    seen, tops = np.asarray(drawn(shown, 120)), [place(shown, 120, column) for column in (0, 1)]
    wide = tops[1][0] - tops[0][0]
    for x, top in tops:
        above = seen[:top, x : x + wide]
        assert (above < 100).any() and not (seen[:top, x + wide - 2 : x + wide] < 100).any()
    assert not (seen[:, tops[1][0] + wide :] < 100).any()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_gif_has_the_frames_of_the_snapshots(tmp_path: Path, channels: int) -> None:
    with empty_run(tmp_path) as run:
        for step in STEPS:
            run.record(pictures(step, channels=channels))
    out = tmp_path / "film.gif"
    assert result(ExportTimeline(str(run.folder), str(out), rate=5)) == str(out)
    with Image.open(out) as image:
        assert image.n_frames == len(STEPS) and image.info["loop"] == 0
        for index, step in enumerate(STEPS):
            image.seek(index)
            last = index == len(STEPS) - 1
            assert image.info["duration"] == (200 if not last else 200 + 1500)
            seen = np.asarray(image.convert("RGB")).astype(int)
            want = pictures(step, channels=channels)
            times, _ = cell(want, 480)
            for number in range(10):
                x, y = place(want, 480, number)
                tile = seen[y : y + 8 * times : times, x : x + 8 * times : times]
                gap = np.abs(tile - want.pixels[number])
                assert gap.max() == 0 if channels == 1 else gap.mean() < 12


def test_the_frames_of_a_gif_are_not_each_other(tmp_path: Path, run: Run) -> None:
    """The test above would catch a film of one frame repeated: its frames differ by far more than it allows."""
    first, second = pictures(0).pixels.astype(int), pictures(5).pixels.astype(int)
    assert np.abs(first - second).mean() > 60


def test_a_plane_is_drawn_where_its_points_are(tmp_path: Path) -> None:
    shown = plane(3)
    seen = np.asarray(drawn(shown, 200, "step 3")).astype(int)
    assert seen.shape == (224, 200, 3)
    for points, color in ((shown.fake, (0, 158, 115)),):
        inside = points[(np.abs(points) < 1.9).all(1)]
        at = np.stack([(inside[:, 0] + 2) / 4, (2 - inside[:, 1]) / 4], 1) * 200
        near = [np.abs(seen[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2] - color).sum(-1).min() for x, y in at]
        assert np.median(near) < 40
    assert np.abs(seen[:200] - np.asarray(drawn(plane(4), 200, "step 3")).astype(int)[:200]).mean() > 5


def test_a_sheet_has_at_most_twelve_evenly_spread(run: Run, tmp_path: Path) -> None:
    run_task(ExportTimeline(str(run.folder), str(tmp_path / "sheet.png"), frames=5))
    with Image.open(tmp_path / "sheet.png") as image:
        one = drawn(pictures(0), 240, "step 0")
        assert image.size == (4 * one.width, 2 * one.height)
        times, _ = cell(pictures(0), 240)
        chosen = film.spread(STEPS, 5)
        assert chosen[0] == 0 and chosen[-1] == 55
        x, y = place(pictures(0), 240, 0)
        tile = np.asarray(image)[y : y + 8 * times : times, one.width + x : one.width + x + 8 * times : times]
        assert (tile == pictures(chosen[1]).pixels[0, :, :, 0]).all()


def test_what_was_made_is_written_with_its_captions(tmp_path: Path) -> None:
    shown = tuple((pictures(step), f"{step}") for step in (1, 2))
    run_task(ExportShown(shown, str(tmp_path / "way.gif")))
    with Image.open(tmp_path / "way.gif") as image:
        assert image.n_frames == 2


@pytest.mark.parametrize(
    ("changed", "kind", "words"),
    [
        ({"out": "a.jpg"}, DataError, "end"),
        ({"out": "nowhere/a.gif"}, StorageError, "does not exist"),
        ({"channel": "plane"}, DataError, "Available: fixed"),
        ({"frames": 0}, DataError, "0 is not a valid number of frames"),
        ({"size": 5000}, DataError, "5000 is not a valid width"),
        ({"rate": 0.0}, DataError, "0 is not a valid frame rate"),
    ],
)
def test_what_cannot_be_written_is_said_before_anything_is(
    run: Run, tmp_path: Path, changed: dict[str, object], kind: type[GenstudioError], words: str
) -> None:
    said = {"out": "a.gif", **changed}
    out = tmp_path / "films" / str(said.pop("out"))
    (tmp_path / "films").mkdir()
    with pytest.raises(kind) as caught:
        run_task(ExportTimeline(str(run.folder), str(out), **said))  # type: ignore[arg-type]
    assert words.lower() in str(caught.value).lower()
    assert not list((tmp_path / "films").iterdir())


def test_a_video_needs_its_library_and_says_which(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film, "videos", lambda: False)
    with pytest.raises(DataError, match="pip install imageio-ffmpeg"):
        run_task(ExportTimeline(str(run.folder), str(tmp_path / "a.mp4")))


@pytest.mark.skipif(not film.videos(), reason="imageio-ffmpeg is not installed")
def test_a_video_is_one_that_can_be_read_back(run: Run, tmp_path: Path) -> None:
    import imageio_ffmpeg

    run_task(ExportTimeline(str(run.folder), str(tmp_path / "a.mp4")))
    reader = imageio_ffmpeg.read_frames(str(tmp_path / "a.mp4"))
    size = next(reader)["size"]
    first = np.frombuffer(next(reader), np.uint8).reshape(size[1], size[0], 3).astype(int)
    reader.close()
    want = np.asarray(drawn(pictures(0), 480, "step 0").convert("RGB")).astype(int)
    assert first.shape == want.shape and np.abs(first - want).mean() < 8


def test_stopping_an_export_leaves_nothing(run: Run, tmp_path: Path) -> None:
    from genstudio.tasks.models import Models

    job = ExportTimeline(str(run.folder), str(tmp_path / "a.gif")).run(Models())
    next(job)
    job.close()
    assert not (tmp_path / "a.gif").exists()


def test_the_command_writes_the_file_and_prints_its_name(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "film.gif"
    assert cli.main(["timeline", str(run.folder), "--frames", "4", "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    with Image.open(out) as image:
        assert image.n_frames == 4
    assert cli.main(["timeline", str(run.folder), "--out", str(tmp_path / "x.doc")]) == 2
    assert "Use a name that ends in .gif" in capsys.readouterr().err


def test_a_run_that_showed_nothing_has_no_film(tmp_path: Path) -> None:
    made = empty_run(tmp_path)
    assert result(ReadTimeline(str(made.folder))).steps == ()
    with pytest.raises(DataError, match="has no snapshots"):
        run_task(ExportTimeline(str(made.folder), str(tmp_path / "a.gif")))
    with pytest.raises(RunError):
        run_task(ReadTimeline(str(tmp_path / "gone")))
