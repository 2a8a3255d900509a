"""A run folder: one writer, nothing lost, nothing trusted."""

from __future__ import annotations

import io
import itertools
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import faults
import numpy as np
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st

from genstudio import runs
from genstudio.errors import RunBusyError, RunError, StorageError
from genstudio.events import Notice, Series, Snapshot
from genstudio.runs import Run, metrics_log, trash
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.text import Text

ROOT = Path(__file__).parents[1]
CHILD = """
import sys
from genstudio.errors import RunBusyError
from genstudio.runs import Run
run = Run.open(sys.argv[1])
for line in sys.stdin:
    if line == "acquire\\n":
        try:
            run.acquire()
            print("got", flush=True)
        except RunBusyError as error:
            print("busy", error, flush=True)
    else:
        run.release()
        print("released", flush=True)
"""


def child(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def tell(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdin is not None
    process.stdin.write(word + "\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def series(steps: range, scale: float = 1.0) -> Series:
    return Series(np.arange(steps.start, steps.stop), np.sqrt(np.arange(steps.start, steps.stop)) * scale)


def read(run: Run) -> dict[str, tuple[list[int], list[float]]]:
    found: dict[str, tuple[list[int], list[float]]] = {}
    for part in run.history():
        for name, one in part.items():
            at, values = found.setdefault(name, ([], []))
            at.extend(one.steps.tolist())
            values.extend(one.values.tolist())
    return found


def test_a_run_says_what_it_was_made_of(tmp_path: Path) -> None:
    run = tiny.new_run(tmp_path, name="My  run")
    info = run.info
    assert (info.id, info.name, info.family, info.seed, info.plan) == (
        run.folder.name,
        "My run",
        "gpt",
        0,
        {"steps": 100},
    )
    assert info.id.endswith("_gpt_My-run")
    assert (info.state, info.step) == ("new", 0)
    assert info.versions["genstudio"]
    assert run.kept() == {"tokenizer.json": {"characters": "abc"}}


@pytest.mark.parametrize("measures", [["val_loss"], ["distance"], ["distance", "val_loss"], []])
def test_what_is_measured_rarely_is_found_far_from_the_end_with_its_step(tmp_path: Path, measures: list[str]) -> None:
    with tiny.new_run(tmp_path, measures=measures) as run:
        rare = {"val_loss": Series(np.array([0, 40]), np.array([4.25, 3.5]))}
        run.log(rare | {"distance": Series(np.array([0, 40]), np.array([2.0, 0.5]))}, 0.5)
        for start in range(41, 4041, 10):
            steps = np.arange(start, start + 10)
            numbers = {name: Series(steps, steps * 0.123456789) for name in ("train_loss", "gradient_norm")}
            run.log(numbers, start / 100)
        assert (run.folder / "metrics.jsonl").stat().st_size > metrics_log._TAIL
        info = run.info
    logged = {"val_loss": 40, "distance": 40, "train_loss": 4040, "gradient_norm": 4040}
    assert info.measured == {name: step for name, step in logged.items() if name in measures or not measures}
    losses = {name for name in logged if "loss" in name or name in measures or not measures}
    assert info.losses.keys() == losses and info.losses["val_loss"] == 3.5 and info.step == 4040


def test_a_run_of_an_older_version_says_what_it_logged(tmp_path: Path) -> None:
    with tiny.new_run(tmp_path) as run:
        run.log({"frechet_distance": Series(np.array([7]), np.array([1.5]))}, 0.5)
        path = run.folder / "run.json"
        said = json.loads(path.read_text())
        del said["measures"]
        path.write_text(json.dumps(said))
        info = run.info
    assert (info.measures, dict(info.losses), dict(info.measured)) == ((), {"frechet_distance": 1.5}, {"frechet_distance": 7})


def test_runs_of_the_same_second_get_their_own_folders(tmp_path: Path) -> None:
    made = [tiny.new_run(tmp_path, name="same") for _ in range(20)]
    assert len({run.folder for run in made}) == 20
    assert len({run.info.key for run in made}) == 20
    assert len(runs.list_runs(tmp_path)) == 20


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_any_name_makes_one_folder_inside_the_root(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    root = tmp_path_factory.mktemp("root")
    slug = runs.slug(name)
    assert slug
    assert len(slug.encode()) <= 120
    assert not set(slug) & set('/\\:*?"<>|\0. \n')
    run = tiny.new_run(root, name=name)
    assert run.folder.parent == root
    assert [info.name for info in runs.list_runs(root)] == [" ".join(name.split()) or "gpt"]


def test_numbers_come_back_exactly(tmp_path: Path) -> None:
    powers = (10.0 ** np.arange(-25, 25)).repeat(100)
    values = (np.random.default_rng(0).standard_normal(5000) * powers).astype(np.float32)
    values[7] = np.nan
    values[8] = np.inf
    with tiny.new_run(tmp_path) as run:
        for start in range(0, 5000, 25):
            steps = np.arange(start + 1, start + 26)
            run.log({"train_loss": Series(steps, values[start : start + 25].astype(np.float64))}, start / 10)
        run.log({"val_loss": Series(np.array([5000]), np.array([1.25])), "empty": series(range(0))}, 500.5)
        found = read(run)
        assert found["train_loss"][0] == list(range(1, 5001))
        back = np.array(found["train_loss"][1]).astype(np.float32)
        assert np.array_equal(back[np.isfinite(values)], values[np.isfinite(values)])
        assert np.isnan(back[[7, 8]]).all()
        assert found["val_loss"] == ([5000], [1.25])
        assert (run.info.step, run.info.elapsed, run.info.losses["val_loss"]) == (5000, 500.5, 1.25)
        assert run.info.measured == {"val_loss": 5000}
        assert run.info.state == "running"
    assert run.info.state == "finished"


def test_series_of_the_same_steps_share_a_line(tmp_path: Path) -> None:
    with tiny.new_run(tmp_path) as run:
        run.log({"a": series(range(1, 4)), "b": series(range(1, 4), 2.0), "c": series(range(2, 3))}, 1.0)
        lines = (run.folder / "metrics.jsonl").read_text().splitlines()
    assert [sorted(json.loads(line)) for line in lines] == [["a", "b", "elapsed", "steps"], ["c", "elapsed", "steps"]]


def test_a_file_cut_at_any_byte_loses_at_most_its_last_line(tmp_path: Path) -> None:
    with tiny.new_run(tmp_path) as run:
        path = run.folder / "metrics.jsonl"
        for step in range(1, 60):
            run.log({"train_loss": series(range(step, step + 1))}, step)
        data = path.read_bytes()
        for size in range(len(data) - 1000, len(data) + 1):
            path.write_bytes(data[:size])
            whole = data[:size].count(b"\n")
            assert read(run)["train_loss"][0] == list(range(1, whole + 1))
            run.log({"train_loss": series(range(1000, 1001))}, 99)
            assert read(run)["train_loss"][0] == [*range(1, whole + 1), 1000]
            assert path.read_bytes().count(b"\n") == whole + 1


def test_damage_within_is_left_out_and_the_rest_read(tmp_path: Path) -> None:
    with tiny.new_run(tmp_path) as run:
        for step in range(1, 10):
            run.log({"train_loss": series(range(step, step + 1))}, step)
    path = run.folder / "metrics.jsonl"
    good = path.read_bytes().splitlines(keepends=True)
    bad = [
        b"\xff\xfe\n", b"{}\n", b"[]\n", b"null\n", b'{"steps":[1],"train_loss":[1,2]}\n', b'{"steps":[1.5],"a":[1]}\n',
        b'{"steps":"x","a":[1]}\n', b'{"steps":[1],"a":["x"]}\n', b'{"steps":[1],"a":[[1]]}\n', b'{"steps":[1],"a":3}\n',
        b"[" * 100_000 + b"\n", b'{"steps":[%d],"a":[1]}\n' % 10**30, b'{"a":[1]}\n', b'{"steps":[1],"a":[1e999]}\n',
    ]  # fmt: skip
    for one in bad:
        path.write_bytes(b"".join([*good[:4], one, *good[4:]]))
        assert read(run)["train_loss"][0] == list(range(1, 10)), one[:50]
        assert run.info.step == 9
    path.write_bytes(b"x" * 1_000_000 + b"\n" + good[0])
    assert read(run)["train_loss"][0] == [1]


def test_every_failing_call_of_log_keeps_what_was_logged(tmp_path: Path) -> None:
    with tiny.new_run(tmp_path) as run:
        count = itertools.count(1)
        acknowledged: list[int] = []

        def log() -> None:
            step = next(count)
            run.log({"train_loss": series(range(step, step + 1))}, 1.0)
            acknowledged.append(step)

        for mode in ("once", "ever", "short"):
            for _ in faults.every_call(log, mode):  # type: ignore[arg-type]
                assert set(acknowledged) <= set(read(run)["train_loss"][0] if acknowledged else [])
        log()
        assert read(run)["train_loss"][0] == sorted(read(run)["train_loss"][0])
        with faults.failing(1, "once"):
            log()


def test_truncate_drops_what_came_after(tmp_path: Path) -> None:
    with tiny.new_run(tmp_path) as run:
        run.log({"train_loss": series(range(1, 26)), "val_loss": series(range(10, 11))}, 1.0)
        run.log({"train_loss": series(range(26, 51)), "val_loss": series(range(40, 41))}, 2.0)
        run.notice(Notice(10, "saved", "a"))
        run.notice(Notice(40, "best", "b"))
        run.record(Text("sample", 10, "p", "t"))
        run.record(Text("sample", 40, "p", "t"))
        run.truncate(30)
        assert read(run)["train_loss"] == (list(range(1, 31)), pytest.approx(np.sqrt(np.arange(1, 31)), rel=1e-8))
        assert read(run)["val_loss"][0] == [10]
        assert run.notices() == [Notice(10, "saved", "a")]
        assert run.snapshot_steps("sample") == [10]
        before = (run.folder / "metrics.jsonl").read_bytes()
        run.truncate(30)
        assert (run.folder / "metrics.jsonl").read_bytes() == before


def test_only_the_writer_writes(tmp_path: Path) -> None:
    run = tiny.new_run(tmp_path)
    for write in (
        lambda: run.log({"a": series(range(1, 2))}, 0.0),
        lambda: run.notice(Notice(1, "info", "x")),
        lambda: run.record(Text("sample", 1, "", "")),
        lambda: run.truncate(0),
    ):
        with pytest.raises(RunError, match="read-only"):
            write()
    assert sorted(path.name for path in run.folder.iterdir()) == [
        "checkpoints",
        "run.json",
        "snapshots",
        "tokenizer.json",
    ]


def test_a_second_writer_is_told_who_the_first_is(tmp_path: Path) -> None:
    run = tiny.new_run(tmp_path)
    other = child(run.folder)
    try:
        tell(other, "acquire")
        assert hear(other) == "got"
        assert run.info.state == "running elsewhere"
        with pytest.raises(RunBusyError, match=f"process {other.pid} on "):
            run.acquire()
        with pytest.raises(RunBusyError):
            trash.put(run)
        assert run.folder.is_dir()
        other.kill()
        other.wait()
        with run:
            assert run.info.state == "running"
            with pytest.raises(RunBusyError):
                Run.open(run.folder).acquire()
    finally:
        end(other)
    assert run.info.state == "new"


def race(folder: Path, processes: int, rounds: int) -> None:
    several = [child(folder) for _ in range(processes)]
    try:
        for _ in range(rounds):
            for process in several:
                tell(process, "acquire")
            heard = [hear(process) for process in several]
            assert sorted(word.split()[0] for word in heard) == ["busy"] * (processes - 1) + ["got"]
            winner = several[next(i for i, word in enumerate(heard) if word == "got")]
            assert all(f"process {winner.pid} on" in word for word in heard if word != "got")
            tell(winner, "release")
            assert hear(winner) == "released"
    finally:
        for process in several:
            end(process)


def test_of_several_that_race_one_writes(tmp_path: Path) -> None:
    race(tiny.new_run(tmp_path).folder, 3, 8)


@pytest.mark.slow
def test_of_eight_that_race_one_writes_200_times(tmp_path: Path) -> None:
    race(tiny.new_run(tmp_path).folder, 8, 200)


def test_a_look_at_the_list_turns_no_writer_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tiny.new_run(tmp_path)
    (run.folder / "lock").touch()
    looking = runs.run.lock.os.open(run.folder / "lock", 2)
    assert runs.run.lock._lock(looking, shared=True)
    monkeypatch.setattr(runs.run.lock.time, "sleep", lambda _: runs.run.lock._unlock(looking))
    with run:
        assert run.writing
    runs.run.lock.os.close(looking)


def test_a_text_and_an_attention_come_back(tmp_path: Path) -> None:
    weights = np.random.default_rng(1).random((2, 3, 5, 5)).astype(np.float32)
    with tiny.new_run(tmp_path) as run:
        run.record(Text("sample / A", 3, "To be", "or\u2028not \U0001f600"))
        run.record(Attention("attention", 4, ("a", "b", "c", "d", "\n"), weights))
        assert not run.record(Snapshot("x", 5))
    assert run.snapshot_channels() == ["attention", "sample / A"]
    text = run.load_snapshot("sample / A", 3)
    assert isinstance(text, Text)
    assert (text.prompt, text.text) == ("To be", "or\u2028not \U0001f600")
    seen = run.load_snapshot("attention", 4)
    assert isinstance(seen, Attention)
    assert seen.tokens == ("a", "b", "c", "d", "\n")
    assert np.array_equal(seen.weights, weights.astype(np.float16).astype(np.float32))
    with pytest.raises(RunError, match="no picture of step 9"):
        run.load_snapshot("attention", 9)


def test_snapshots_thin_out_evenly(tmp_path: Path) -> None:
    with tiny.new_run(tmp_path) as run:
        for step in range(1, 2001):
            run.record(Text("sample", step, "", ""))
        run.record(Text("sample", 2001, "", ""), always=True)
        steps = run.snapshot_steps("sample")
    assert 90 <= len(steps) <= 200
    assert (steps[0], steps[-1]) == (1, 2001)
    assert max(np.diff(steps)) <= 2001 / 45


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def npy(array: np.ndarray, claim: str = "") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    data = buffer.getvalue()
    shape = str(array.shape).encode()
    return data.replace(shape, claim.encode().ljust(len(shape)), 1) if claim else data


def test_hostile_snapshots_are_refused(tmp_path: Path) -> None:
    weights, tokens = npy(np.zeros((1, 1, 2, 2), np.float16)), npy(np.frombuffer(b'["a","b"]', np.uint8))
    with tiny.new_run(tmp_path) as run:
        run.record(Attention("attention", 1, ("a", "b"), np.zeros((1, 1, 2, 2), np.float32)))
    path = run.folder / "snapshots" / "attention" / "1.npz"
    whole = path.read_bytes()
    path.write_bytes(zipped(weights=weights, tokens=tokens))
    run.load_snapshot("attention", 1)
    hostile = [
        b"", b"PK", whole[:-30], zipped(weights=weights), zipped(weights=weights, tokens=tokens, more=tokens),
        zipped(weights=npy(np.array([[[[print]]]], object)), tokens=tokens), zipped(weights=tokens, tokens=weights),
        zipped(weights=npy(np.zeros((1, 1, 2, 2), np.float16), "(9999999999)"), tokens=tokens),
        zipped(weights=npy(np.zeros((1, 1, 2, 2), np.float16), "(9, 9, 9, 9)"), tokens=tokens),
        zipped(weights=b"\0" * (300 << 20), tokens=tokens), zipped(weights=weights, tokens=npy(np.zeros(3, np.uint8))),
        zipped(weights=npy(np.zeros((1, 1, 3, 3), np.float16)), tokens=tokens),
    ]  # fmt: skip
    for data in hostile:
        path.write_bytes(data)
        with pytest.raises(RunError, match="damaged"):
            run.load_snapshot("attention", 1)
    path.unlink()
    for data in (b"", b"[]", b'{"prompt":1,"text":2}', b"[" * 100_000, b'{"prompt":"x"}'):
        path.with_suffix(".json").write_bytes(data)
        with pytest.raises(RunError, match="damaged"):
            run.load_snapshot("attention", 1)


def test_damaged_and_newer_folders_are_listed_with_their_reason(tmp_path: Path) -> None:
    def listed(data: bytes | None) -> runs.RunInfo:
        path = run.folder / "run.json"
        path.unlink(missing_ok=True)
        if data is not None:
            path.write_bytes(data)
        (found,) = runs.list_runs(tmp_path)
        return found

    run = tiny.new_run(tmp_path)
    (tmp_path / "holiday pictures").mkdir()
    (tmp_path / "note.txt").write_text("x")
    good = json.loads((run.folder / "run.json").read_bytes())
    assert listed(None).reason == "run.json is missing."
    for data in (b"", b"{", b"[]", b"\xff", b"[" * 100_000, b"null", b'{"format":"1"}', b" " * 5_000_000):
        info = listed(data)
        assert (info.state, bool(info.reason), info.id) == ("damaged", True, run.id)
        with pytest.raises(RunError, match=r"run\.json"):
            Run.open(run.folder)
    for name in good.keys() - {"format", "plan"}:
        for value in (None, -1.5, ["../x"]):
            info = listed(json.dumps(good | {name: value}).encode())
            assert info.state == "damaged"
            assert f"'{name}'" in info.reason
    info = listed(json.dumps({"format": 2, "name": "later", "whatever": []}).encode())
    assert (info.state, info.name) == ("newer", "later")
    assert "newer version" in info.reason
    with pytest.raises(RunError, match="newer version"):
        Run.open(run.folder)
    with pytest.raises(RunError, match="newer version"):
        runs.rename(run, "mine")
    assert listed(json.dumps(good).encode()).state == "new"


def test_find_takes_what_a_person_types(tmp_path: Path) -> None:
    one, two = tiny.new_run(tmp_path, name="shakespeare"), tiny.new_run(tmp_path, name="names")
    for text in (one.id, str(one.folder), "shakespeare", "shakes"):
        assert runs.find(tmp_path, text).folder == one.folder
    with pytest.raises(RunError, match="matches 2 runs"):
        runs.find(tmp_path, one.id[:8])
    with pytest.raises(RunError) as caught:
        runs.find(tmp_path, "shakespear3")
    assert "shakespeare" in caught.value.hint
    with pytest.raises(RunError):
        runs.find(tmp_path, "")
    runs.rename(two, "first names")
    assert runs.find(tmp_path, "first names").folder == two.folder
    runs.set_notes(two, "a\nb")
    assert two.info.notes == "a\nb"
    with pytest.raises(RunError):
        runs.rename(two, "  ")


def test_a_deleted_run_waits_in_the_trash_until_that_is_emptied(tmp_path: Path) -> None:
    one, two = tiny.new_run(tmp_path), tiny.new_run(tmp_path)
    with one, pytest.raises(RunBusyError):
        trash.put(one)
    before = {path.relative_to(one.folder): path.read_bytes() for path in one.folder.rglob("*.json")}
    place = trash.put(one)
    assert [info.folder for info in runs.list_runs(tmp_path)] == [two.folder] and not one.folder.exists()
    assert [info.folder for info in trash.listed(tmp_path)] == [place]
    again = tiny.new_run(tmp_path)
    again.folder.rename(one.folder)
    other = trash.put(Run(one.folder))
    assert other != place, "a run of the same name is another one"
    back = trash.restore(place)
    assert back == one.folder and {path.relative_to(back): path.read_bytes() for path in back.rglob("*.json")} == before
    assert trash.restore(other) not in (back, two.folder) and len(runs.list_runs(tmp_path)) == 3
    for wrong in (two.folder, trash.folder(tmp_path) / "none"):
        with pytest.raises(RunError, match="not in the trash"):
            trash.restore(wrong)
    with pytest.raises(RunError, match="not in the trash"):
        trash.remove([two.folder])
    gone = trash.put(two)
    trash.remove([gone])
    assert not trash.listed(tmp_path) and len(runs.list_runs(tmp_path)) == 2
    assert [path.name for path in trash.folder(tmp_path).iterdir()] == []


def test_star_and_notes_of_any_run_and_a_star_that_is_none_loses_nothing_else(tmp_path: Path) -> None:
    run = tiny.new_run(tmp_path)
    assert not run.info.star
    runs.set_star(run, True)
    runs.set_notes(run, "the good one")
    runs.rename(run, "better")
    assert (run.info.star, run.info.notes, run.info.name) == (True, "the good one", "better")
    path = run.folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"star": {"of": ["what"]}}))
    assert (run.info.star, run.info.notes, run.info.state) == (False, "the good one", "new")


def test_a_run_that_cannot_be_made_or_acquired_leaves_nothing(tmp_path: Path) -> None:
    for k, call, raised in faults.every_call(lambda: tiny.new_run(tmp_path / "runs"), "ever", 28):
        assert isinstance(raised, StorageError), (k, call)
        assert runs.list_runs(tmp_path / "runs") == [] or call == "open"
    run = tiny.new_run(tmp_path)
    for k, call, raised in faults.every_call(run.acquire, "ever", 13):
        assert isinstance(raised, StorageError), (k, call)
        assert not run.writing
    assert run.writing
    run.release()


def test_nothing_is_lost_where_a_kept_file_has_a_hostile_name(tmp_path: Path) -> None:
    for name in ("../x.json", "run.json", "a/b.json", "x.txt", ".json"):
        with pytest.raises(ValueError, match="kept file"):
            tiny.new_run(tmp_path, kept={name: {}})
    assert runs.list_runs(tmp_path) == []


def test_history_reads_in_short_pieces(tmp_path: Path) -> None:
    with tiny.new_run(tmp_path) as run:
        data = b"".join(metrics_log.metric_lines({"train_loss": series(range(s, s + 1))}, s) for s in range(1, 20_001))
        metrics_log.append(run.folder / "metrics.jsonl", data)
        parts = [len(part["train_loss"]) for part in run.history()]
    assert sum(parts) == 20_000
    assert max(parts) * len(data) / 20_000 <= 150_000
