"""Train and Resume through real run folders: every step kept, stop and resume exact, faults survived."""

from __future__ import annotations

import itertools
import json
import pickle
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from genstudio import runs
from genstudio.data import shelf
from genstudio.data.work import finished
from genstudio.errors import ConfigError, DataError, DeviceError, RunBusyError, StorageError, TrainingError
from genstudio.events import Frame
from genstudio.runs import Run
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.text import Text
from genstudio.tasks import evaluate
from genstudio.tasks.compare import AttentionTo
from genstudio.tasks.evaluate import Evaluate, MeasureEnd
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.train import Resume, Train
from genstudio.tasks.write import Generate, NextTokensOf
from genstudio.training import loop
from genstudio.training.changes import Extend, SaveNow, Watch
from genstudio.training.doctor import Finding, Rule, Window
from helpers import TINY, answer, curve, files, result, run_task, text_file, until_trained


def train(tmp_path: Path, **changes: Any) -> Train:
    values: dict[str, Any] = {"family": "gpt", "data": str(text_file(tmp_path)), "config": TINY, "steps": 30}
    return Train(**values | {"runs_folder": tmp_path / "runs"} | changes)


def checkpoint_files(folder: str, step: int) -> dict[str, bytes]:
    found = files(Path(folder) / "checkpoints" / f"{step:08d}")
    return {name: data for name, data in found.items() if name.endswith(".safetensors")}


def logged(folder: str) -> dict[str, list[tuple[int, float]]]:
    """Every number of a run but the speeds, which are never the same twice."""
    found: dict[str, list[tuple[int, float]]] = {}
    for series in Run.open(folder).history():
        for name, values in series.items():
            if name not in ("tokens_per_second", "steps_per_second"):
                found.setdefault(name, []).extend(zip(values.steps.tolist(), values.values.tolist(), strict=True))
    return found


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> list[Frame]:
    """Of a training of 30 steps that nothing interrupts."""
    place = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(place / "home"))
        return run_task(train(place))


@pytest.fixture(scope="module")
def whole(frames: list[Frame]) -> str:
    """Its folder, which nobody changes."""
    return str(answer(frames, "run"))


def test_every_step_is_in_the_frames_and_in_the_folder(frames: list[Frame], whole: str) -> None:
    folder = whole
    steps, losses = curve(frames, "train_loss")
    assert steps == list(range(1, 31))
    assert curve(frames, "val_loss")[0] == [0, 10, 20, 30]
    kept = logged(folder)
    assert [step for step, _ in kept["train_loss"]] == steps
    assert np.allclose([value for _, value in kept["train_loss"]], losses, rtol=1e-8)
    assert losses[-1] < losses[0]
    info = Run.open(folder).info
    assert (info.state, info.step, info.checkpoints[-1]) == ("finished", 30, 30)


def test_measuring_early_changes_no_weight_and_goes_on_after_a_break(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rare = TINY | {"evaluate_every": 1000}
    whole = answer(run_task(train(tmp_path, config=rare)), "run")
    broken = answer(run_task(train(tmp_path, config=rare, stop_after=7)), "run")
    run_task(Resume(broken))
    monkeypatch.setattr("genstudio.families.gpt.learner.EARLY", ())
    late = answer(run_task(train(tmp_path, config=rare)), "run")
    assert [step for step, _ in logged(whole)["val_loss"]] == [0, 10, 30]
    assert [step for step, _ in logged(late)["val_loss"]] == [0, 30]
    assert logged(broken) == logged(whole)
    assert logged(late)["train_loss"] == logged(whole)["train_loss"]
    assert logged(late)["val_loss"][-1] == logged(whole)["val_loss"][-1]
    saved = [checkpoint_files(run, 30) for run in (whole, broken, late)]
    assert saved[0] and saved[0] == saved[1] == saved[2]


def test_the_sample_and_the_attention_are_there_from_step_0_on(tmp_path: Path) -> None:
    frames = run_task(train(tmp_path, watch={"prompt": "the ", "probe": "the cat sat"}))
    shown = [s for f in frames for s in f.snapshots]
    sample = next(s for s in shown if isinstance(s, Text))
    attention = next(s for s in shown if isinstance(s, Attention))
    assert attention.step == 0
    assert (sample.step, sample.prompt) == (0, "the ")
    assert attention.weights.shape == (2, 2, 8, 8)
    run = Run.open(answer(frames, "run"))
    assert 0 in run.snapshot_steps("sample") and 0 in run.snapshot_steps("attention")


def test_every_frame_can_cross_a_process(frames: list[Frame]) -> None:
    for frame in frames:
        assert b"torch" not in pickle.dumps(frame)


@pytest.mark.parametrize("cuts", [(13,), (10, 11), (1, 2, 29)])
def test_stopping_and_resuming_changes_nothing(whole: str, tmp_path: Path, cuts: tuple[int, ...]) -> None:
    frames = run_task(train(tmp_path, name="cut", stop_after=cuts[0]))
    folder = answer(frames, "run")
    for before, after in itertools.pairwise((*cuts, 30)):
        assert Run.open(folder).info.step == before
        run_task(Resume(folder, stop_after=after - before))
    assert checkpoint_files(folder, 30) == checkpoint_files(whole, 30)
    assert logged(folder) == logged(whole)


def test_a_resume_that_forgets_the_optimizer_would_be_seen(whole: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = answer(run_task(train(tmp_path, name="cut", stop_after=13)), "run")
    monkeypatch.setattr(torch.optim.Optimizer, "load_state_dict", lambda *_: None)
    run_task(Resume(folder))
    assert checkpoint_files(folder, 30) != checkpoint_files(whole, 30)


def test_closing_in_the_middle_saves_the_step_it_had_reached(tmp_path: Path) -> None:
    job = train(tmp_path, steps=10_000).run(Models())
    seen = until_trained(job)
    job.close()
    info = Run.open(answer(seen, "run")).info
    steps, _ = curve(seen, "train_loss")
    assert info.step == steps[-1] == info.checkpoints[-1]
    assert info.state == "stopped"
    with Run.open(info.folder):
        pass


def test_a_killed_run_goes_on_from_its_checkpoint_exactly(whole: str, tmp_path: Path) -> None:
    folder = answer(run_task(train(tmp_path, name="killed", stop_after=13)), "run")
    with (Path(folder) / "metrics.jsonl").open("ab") as log:
        log.write(b'{"steps":[14,15],"elapsed":1.0,"train_loss":[9.0,9.0]}\n{"steps":[16],"tra')
    run_task(Resume(folder))
    assert logged(folder) == logged(whole)


def test_looking_and_saving_change_nothing(whole: str, tmp_path: Path) -> None:
    models = Models()
    job = train(tmp_path, name="watched").run(models)
    frames = []
    for frame in job:
        frames.append(frame)
        if "train_loss" in frame.series:
            folder = answer(frames, "run")
            job.adjust(Watch({"prompt": "a mat", "probe": "the mat"}))
            job.adjust(SaveNow())
            live = ModelRef(folder, "live")
            run_task(NextTokensOf(live, ("the c",)), models)
            run_task(Generate(live, ("the c",), length=5, seed=3), models)
            run_task(AttentionTo(live, ("the cat",)), models)
    assert checkpoint_files(folder, 30) == checkpoint_files(whole, 30)
    assert logged(folder) == logged(whole)


def test_two_trainings_at_once_are_each_as_if_alone(tmp_path: Path) -> None:
    alone = [answer(run_task(train(tmp_path, name=f"alone{s}", seed=s)), "run") for s in (1, 2)]
    models = Models()
    jobs = [train(tmp_path, name=f"both{s}", seed=s).run(models) for s in (1, 2)]
    frames: list[list[Any]] = [[], []]
    for pair in itertools.zip_longest(*jobs):
        for kept, frame in zip(frames, pair, strict=True):
            if frame is not None:
                kept.append(frame)
    for kept, one in zip(frames, alone, strict=True):
        assert checkpoint_files(answer(kept, "run"), 30) == checkpoint_files(one, 30)


def test_extending_goes_beyond_the_plan(tmp_path: Path) -> None:
    folder = answer(run_task(train(tmp_path, steps=12)), "run")
    run_task(Resume(folder, steps=20))
    assert Run.open(folder).info.step == 20
    job = train(tmp_path, name="live", steps=150).run(Models())
    frames = until_trained(job)
    frames += [job.adjust(Extend(steps=160)), *job]
    assert curve(frames, "train_loss")[0][-1] == 160
    assert any(notice.kind == "changed" for frame in frames for notice in frame.notices)


def test_training_by_time_ends_by_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=time.thread_time))  # however busy the machine is
    frames = run_task(train(tmp_path, steps=None, seconds=0.8))
    run = Run.open(answer(frames, "run"))
    assert 0.7 < run.info.elapsed < 3
    assert run.info.state == "finished"
    rates = [value for _, value in logged(str(run.folder))["learning_rate"]]
    assert rates[-1] < 0.5 * max(rates)


def test_the_last_evaluation_is_judged_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(window: Window) -> Finding | None:
        return Finding("Measured at the end.", {}) if 6 in window.all("val_loss")[0] else None

    monkeypatch.setattr(sys.modules["genstudio.families.gpt.doctor"], "RULES", (Rule("measured", "Measured", "", judge),))
    task = train(tmp_path, config={**TINY, "evaluate_every": 6}, steps=6)
    told = Run.open(Path(answer(run_task(task), "run"))).diagnoses()
    assert [(one.name, one.step) for one in told] == [("measured", 6)]


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"config": {"heads": 3}}, ConfigError, "3 heads"),
        ({"config": {"layers": 99, "batch": 0}}, ConfigError, "99 is outside"),
        ({"family": "gtp"}, ConfigError, "gtp"),
        ({"steps": 0}, ConfigError, "too few"),
        ({"data": "nothing-like-this"}, DataError, "nothing-like-this"),
        ({"device": "cuda"}, DeviceError, "CUDA"),
        ({"config": TINY | {"precision": "bfloat16"}, "device": "cpu"}, DeviceError, "bfloat16"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_a_run_exists(
    tmp_path: Path, changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    if changes.get("device") == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(error, match=words):
        run_task(train(tmp_path, **changes))
    assert runs.list_runs(tmp_path / "runs") == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02binary" * 50, "(?i)binary|text"),
        (b"caf\xe9 " * 100, "(?i)utf-8"),
        (b"too short", "(?i)short"),
        (b"aaaa" * 100, "(?i)one character"),
    ],
)
def test_a_file_that_is_no_text_to_learn_from_says_why(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        run_task(train(tmp_path, data=str(path)))
    assert caught.value.hint
    assert path.read_bytes() == content


def test_too_little_memory_says_what_to_change(tmp_path: Path) -> None:
    from genstudio.families.gpt.learner import GPTLearner

    step = GPTLearner.training_step

    def hungry(self: Any, batch: Any, number: int, progress: float) -> Any:
        if number == 7:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory")
        return step(self, batch, number, progress)

    frames = []
    with pytest.MonkeyPatch.context() as patch, pytest.raises(DeviceError, match="smaller batch"):
        patch.setattr(GPTLearner, "training_step", hungry)
        for frame in train(tmp_path).run(Models()):
            frames.append(frame)
    info = Run.open(answer(frames, "run")).info
    assert info.step == info.checkpoints[-1] == 6
    run_task(Resume(str(info.folder)))
    assert Run.open(info.folder).info.step == 30


def test_a_loss_that_is_no_number_stops_and_keeps_clean_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genstudio.families.gpt.learner import GPTLearner

    clean = answer(run_task(train(tmp_path, name="clean", stop_after=6)), "run")
    backward = GPTLearner._backward

    def spoiled(self: Any, inputs: Any, targets: Any, share: int) -> Any:
        loss = backward(self, inputs, targets, share)
        if self.step == 7:
            next(iter(self.transformer.parameters())).grad.fill_(float("nan"))
        return loss

    monkeypatch.setattr(GPTLearner, "_backward", spoiled)
    frames = []
    with pytest.raises(TrainingError, match="step 7"):
        for frame in train(tmp_path, name="nan").run(Models()):
            frames.append(frame)
    folder = answer(frames, "run")
    assert checkpoint_files(folder, 6) == checkpoint_files(clean, 6)


def test_resuming_with_another_rate_goes_back_before_what_cannot_be_finite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights whose next loss is no number stay so whatever the rate is: the checkpoint before them is taken."""
    from genstudio.families.gpt.learner import GPTLearner

    backward = GPTLearner._backward

    def spoiled(self: Any, inputs: Any, targets: Any, share: int) -> Any:
        loss = backward(self, inputs, targets, share)
        if self.step == 7 and self.grown:
            next(iter(self.transformer.parameters())).grad.fill_(float("nan"))
        return loss

    step = GPTLearner.training_step

    def remembering(self: Any, batch: Any, number: int, progress: float) -> Any:
        self.grown = getattr(self, "grown", number == 7) or self.config.learning_rate == 4e-3
        return step(self, batch, number, progress)

    monkeypatch.setattr(GPTLearner, "_backward", spoiled)
    monkeypatch.setattr(GPTLearner, "training_step", remembering)
    folder = answer(run_task(train(tmp_path, stop_after=4)), "run")
    for _ in range(2):
        with pytest.raises(TrainingError, match="step 7"):
            run_task(Resume(folder))
        assert Run.open(folder).info.checkpoints == (4, 6)
    frames = run_task(Resume(folder, changes={"learning_rate": 1e-3}))
    assert curve(frames, "train_loss")[0] == list(range(5, 31))
    assert any("continuing from step 4" in notice.text for frame in frames for notice in frame.notices)
    assert (Path(folder) / "checkpoints" / "00000006.rewound").is_dir()


def test_a_run_that_has_nothing_but_what_cannot_be_finite_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genstudio.families.gpt.learner import GPTLearner

    backward = GPTLearner._backward

    def spoiled(self: Any, *arguments: Any) -> Any:
        loss = backward(self, *arguments)
        if self.step == 3 and self.config.learning_rate == 4e-3:
            next(iter(self.transformer.parameters())).grad.fill_(float("inf"))
        return loss

    monkeypatch.setattr(GPTLearner, "_backward", spoiled)
    with pytest.raises(TrainingError, match="step 3"):
        run_task(train(tmp_path))
    (info,) = runs.list_runs(tmp_path / "runs")
    frames = run_task(Resume(str(info.folder), changes={"learning_rate": 1e-3}))
    assert curve(frames, "train_loss")[0] == list(range(1, 31))
    assert any("continuing from step 0" in notice.text for frame in frames for notice in frame.notices)
    assert Run.open(info.folder).info.step == 30


def test_an_interrupt_within_a_step_saves_nothing_half_done(whole: str, tmp_path: Path) -> None:
    from genstudio.families.gpt.learner import GPTLearner

    folder = answer(run_task(train(tmp_path, name="cut", stop_after=5)), "run")
    step = GPTLearner.training_step

    def interrupted(self: Any, batch: Any, number: int, progress: float) -> Any:
        made = step(self, batch, number, progress)
        if number == 9:
            raise KeyboardInterrupt
        return made

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(GPTLearner, "training_step", interrupted)
        run_task(Resume(folder))
    assert Run.open(folder).info.checkpoints == (5,)
    run_task(Resume(folder))
    assert checkpoint_files(folder, 30) == checkpoint_files(whole, 30)
    assert logged(folder) == logged(whole)


def test_a_dataset_that_left_the_shelf_is_asked_for_and_found_again(tmp_path: Path) -> None:
    folder = answer(run_task(train(tmp_path, stop_after=5)), "run")
    before = files(Path(folder))
    shelf.delete_dataset(shelf.find_dataset("words"))
    with pytest.raises(DataError, match="'words' of this run has been deleted") as caught:
        run_task(Resume(folder))
    assert "Import the same file again" in caught.value.hint and "path" not in str(caught.value)
    assert files(Path(folder)) == before
    finished(shelf.import_text(tmp_path / "words.txt", "Another name"))
    run_task(Resume(folder, stop_after=1))
    assert Run.open(folder).info.step == 6


def test_a_full_disk_halts_and_resuming_goes_on_exactly(whole: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = train(tmp_path, name="full").run(Models())
    frames = [next(job) for _ in range(4)]
    log, fails = Run.log, iter([True, True])

    def full(self: Run, *arguments: Any) -> None:
        if next(fails, False):
            raise StorageError("The disk is full.", "Free some space.")
        log(self, *arguments)

    monkeypatch.setattr(Run, "log", full)
    frames += list(job)
    halts = [frame.halt for frame in frames if frame.halt]
    assert len(halts) == 2 and "nothing is lost" in halts[0] and "disk is full" in halts[0]
    folder = answer(frames, "run")
    assert logged(folder) == logged(whole)
    assert checkpoint_files(folder, 30) == checkpoint_files(whole, 30)


def test_one_writer_a_run(tmp_path: Path) -> None:
    job = train(tmp_path, steps=10_000).run(Models())
    folder = answer(until_trained(job), "run")
    with pytest.raises(RunBusyError):
        run_task(Resume(folder))
    job.close()
    run_task(Resume(folder, stop_after=1))


def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_taken(whole: str, tmp_path: Path) -> None:
    folder = answer(run_task(train(tmp_path, stop_after=10)), "run")
    run_task(Resume(folder, stop_after=10))
    model = Path(folder) / "checkpoints" / f"{20:08d}" / "model.safetensors"
    data = bytearray(model.read_bytes())
    data[-5] ^= 4
    model.write_bytes(data)
    frames = run_task(Resume(folder))
    assert any("damaged" in notice.text for frame in frames for notice in frame.notices)
    assert checkpoint_files(folder, 30) == checkpoint_files(whole, 30)
    assert logged(folder) == logged(whole)


def test_a_changed_dataset_is_refused(tmp_path: Path) -> None:
    folder = answer(run_task(train(tmp_path, stop_after=5)), "run")
    said = json.loads((Path(folder) / "run.json").read_text())
    said["dataset"]["hash"] = "0" * 64
    (Path(folder) / "run.json").write_text(json.dumps(said))
    before = files(Path(folder) / "checkpoints")
    with pytest.raises(DataError, match="changed"):
        run_task(Resume(folder))
    assert files(Path(folder) / "checkpoints") == before


def test_evaluation_is_exact_and_repeatable(tmp_path: Path) -> None:
    folder = answer(run_task(train(tmp_path)), "run")
    first = result(Evaluate(ModelRef(folder)))
    assert first == result(Evaluate(ModelRef(folder, 30)))
    text = text_file(tmp_path).read_text()
    assert first["tokens"] == first["characters"] == len(text) - int(0.9 * len(text)) - 1
    assert first["bits_per_char"] == pytest.approx(first["loss_nats"] / np.log(2))
    other = result(Evaluate(ModelRef(folder), str(text_file(tmp_path))))
    assert other["tokens"] == len(text) - 1
    with pytest.raises(DataError, match="Z"):
        run_task(Evaluate(ModelRef(folder), str(text_file(tmp_path, "the cat Z" * 50, "z.txt"))))


def test_the_end_of_a_run_is_measured_on_all_held_out_data_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = text_file(tmp_path, " ".join(f"{n * n % 97} apples" for n in range(6000)))
    folder = answer(run_task(train(tmp_path, data=str(text), steps=12)), "run")
    estimate = Run.open(folder).info.losses["val_loss"]
    monkeypatch.setattr(evaluate, "_TRIED", 0.0)
    assert result(MeasureEnd(folder, 12, seconds=0.0)) == {}, "what takes too long is left out"
    exact = result(MeasureEnd(folder, 12, seconds=1e6))
    info = Run.open(folder).info
    assert info.exact == exact and info.results["val_loss"] == exact["val_loss"] and info.losses["val_loss"] == estimate
    assert exact["val_loss"] == pytest.approx(result(Evaluate(ModelRef(folder)))["loss_nats"], abs=1e-6)
    assert abs(exact["val_loss"] - estimate) > 1e-4, "the validation along the way is a sample"
    monkeypatch.setattr(Models, "open", lambda *_: pytest.fail("it was measured before"))
    assert result(MeasureEnd(folder, 12)) == exact
    assert result(MeasureEnd(folder, 11)) == {}, "there is no such checkpoint"
    runs.set_exact(Run.open(folder), 11, exact)
    assert Run.open(folder).info.exact == {}, "of a step before, it says nothing of the last one"


def test_a_long_preparation_is_named_and_real_pictures_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from genstudio.cli.progress import Bar
    from genstudio.data import shelf
    from genstudio.evaluation import features

    monkeypatch.setattr(features, "_STEPS", 40)
    values = {"width": 16, "layers": 2, "latent": 4, "batch": 16, "evaluate_every": 1000, "conditional": True}
    found = run_task(Train("gan", "digits8", values, steps=3, runs_folder=tmp_path))
    bar = Bar(quiet=False)
    for frame in found:
        bar.show(frame)
    told = [frame.progress for frame in found if frame.progress is not None and frame.progress.text != "Training"]
    shares = [progress.done for progress in told if "feature encoder" in progress.text]
    assert shares and shares == sorted(shares) and shares[0] >= 0 and shares[-1] <= 1
    assert "training the feature encoder (once per dataset)" in capsys.readouterr().err
    opened = next(frame for frame in found if frame.run)
    real = next(s for s in opened.snapshots if s.channel == "real")
    pixels = shelf.open_dataset(shelf.find_dataset("digits8")).pixels
    assert all((pixels == picture).all((1, 2, 3)).any() for picture in real.pixels[:5])
    first = found.index(opened)
    assert all("feature encoder" not in (frame.progress.text if frame.progress else "") for frame in found[: first + 1])

    again = run_task(Train("gan", "digits8", values, steps=3, runs_folder=tmp_path))
    assert not [f for f in again if f.progress is not None and "feature encoder" in f.progress.text and f.progress.done]
