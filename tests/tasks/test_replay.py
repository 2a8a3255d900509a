"""A replay shows what each saved step would show by itself, and says what it cannot read."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genstudio.errors import CheckpointError, RunBusyError, RunError
from genstudio.events import Frame
from genstudio.inspection.trace import attention
from genstudio.runs import Run
from genstudio.sampling.choose import SamplingOptions, distribution
from genstudio.tasks.live import settings_of
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.prompt import Prompt, Tokens
from genstudio.tasks.replay import ForgetSteps, ReadLoss, Replay, ReplayPoint, SavedSteps, Watched
from genstudio.tasks.train import Resume, Train
from genstudio.tasks.write import NextTokensOf
from genstudio.training import checkpoint, weights
from helpers import TINY, answer, result, run_task, text_file, until_trained

PROMPT: Prompt = ("the cat sat",)
OPTIONS = SamplingOptions(temperature=0.9, top_p=0.95)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with checkpoints at 10, 20, 30 and 40, and weights alone at 0 and 4."""
    place = tmp_path_factory.mktemp("replay")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(place / "home"))
        patch.setattr(weights, "is_due", lambda kept, step, maximum: step in (0, 4) and step not in kept)
        patch.setattr(weights, "_AHEAD", 1e9)
        task = Train("gpt", str(text_file(place)), TINY, steps=40, stop_after=4, runs_folder=place / "runs")
        folder = str(answer(run_task(task), "run"))
        for count in (6, 10, 10, 10):
            run_task(Resume(folder, stop_after=count))
        with Run.open(folder) as run:
            shutil.rmtree(checkpoint.checkpoint_dir(run, 4))
            run.weights.cut(4)
    return Path(folder)


@pytest.fixture
def folder(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("GENSTUDIO_HOME", str(trained.parents[1] / "home"))
    return str(shutil.copytree(trained, tmp_path / "copy"))


def replayed(folder: str, models: Models | None = None, **changes: Any) -> tuple[dict[int, ReplayPoint], list[Frame]]:
    task = Replay(folder, changes.pop("prompt", PROMPT), 25, OPTIONS, 3, **changes)
    frames = run_task(task, models)
    moments = [s for f in frames for s in f.snapshots if isinstance(s, ReplayPoint)]
    return {moment.step: moment for moment in moments}, frames


def watched_in(frames: list[Frame]) -> Watched:
    return next(s for f in frames for s in f.snapshots if isinstance(s, Watched))


def opened(folder: str, step: int) -> Any:
    """A fresh model with the weights of a step, by the plainest way there is."""
    run = Run.open(folder)
    family, config = settings_of(run)
    gpt = family.model(config, family.from_metadata(config, run.kept()), "cpu", 0)
    weights.load(run, step, gpt.modules)
    return gpt


def plainly_written(gpt: Any, text: str, length: int) -> tuple[list[int], list[float]]:
    """Sampled without a cache, with one uniform number a token."""
    ids = list(gpt.data.tokenizer.encode(text))
    rng, chances, start = np.random.default_rng(3), [], len(ids)
    for _ in range(length):
        with torch.no_grad():
            logits = gpt.transformer(torch.tensor([ids[-gpt.transformer.context :]]))[0, -1].numpy()
        p = distribution(logits, OPTIONS)
        reached = np.cumsum(p)
        ids.append(int(np.searchsorted(reached, rng.random() * reached[-1], side="right")))
        chances.append(float(p[ids[-1]]))
    return ids[start:], chances


def test_every_step_writes_what_its_checkpoint_writes(folder: str) -> None:
    moments, _ = replayed(folder)
    assert sorted(moments) == [0, 4, 10, 20, 30, 40]
    for step, moment in moments.items():
        gpt = opened(folder, step)
        ids, chances = plainly_written(gpt, "the cat sat", 25)
        assert moment.writing.chosen is not None
        assert moment.writing.chosen.ids.tolist() == ids
        assert moment.writing.text == gpt.data.tokenizer.decode(ids)
        np.testing.assert_allclose(moment.writing.probabilities, chances, atol=1e-5)
        window = gpt.data.tokenizer.encode("the cat sat")[-gpt.transformer.context :]
        with torch.no_grad():
            logits = gpt.transformer(torch.tensor(window[None].astype(np.int64)))[0, -1].numpy()
        np.testing.assert_allclose(moment.next.logits, logits, atol=1e-5)
        np.testing.assert_allclose(moment.attention.weights, attention(gpt.transformer, window), atol=1e-6)
    assert len({moment.writing.text for moment in moments.values()}) > 3, "training must have changed something"


def test_the_chart_is_what_each_step_thought_of_each_token(folder: str) -> None:
    moments, frames = replayed(folder)
    watched = watched_in(frames)
    newest = moments[40]
    assert newest.writing.chosen is not None
    assert (
        watched.ids[watched.prompt :].tolist()
        == newest.writing.chosen.ids[: len(watched.ids) - watched.prompt].tolist()
    )
    assert "".join(watched.texts).endswith(newest.writing.text[: len(watched.ids) - watched.prompt])
    for step, moment in moments.items():
        gpt = opened(folder, step)
        with torch.no_grad():
            logits = gpt.transformer(torch.tensor(watched.ids[None].astype(np.int64)))[0].double()
        wanted = torch.log_softmax(logits, -1).numpy()
        assert np.isnan(moment.logprobs[0])
        assert np.isnan(moment.candidates[0]).all()
        for place in range(1, len(watched.ids)):
            assert moment.logprobs[place] == pytest.approx(wanted[place - 1, watched.ids[place]], abs=1e-5)
            row = wanted[place - 1, watched.candidates[place]]
            np.testing.assert_allclose(moment.candidates[place], row, atol=1e-5)
            if step == 40:
                assert row[0] == pytest.approx(wanted[place - 1].max(), abs=1e-6)
    gains = [np.nanmean(moments[step].logprobs) for step in (0, 40)]
    assert gains[1] > gains[0], "the text has become more probable"


def test_a_replay_leaves_the_models_in_training_alone(folder: str) -> None:
    models = Models()
    job = Resume(folder, steps=10_000).run(models)
    until_trained(job)
    live = next(iter(models.training.values()))
    before = {name: tensor.clone() for name, tensor in live.model.transformer.state_dict().items()}
    moments, frames = replayed(folder, models)
    newest = moments[max(moments)]
    assert newest.live == (live.step not in weights.steps(Run.open(folder)))
    assert newest.step == live.step > 40
    assert all(torch.equal(before[name], tensor) for name, tensor in live.model.transformer.state_dict().items())
    said = result(NextTokensOf(ModelRef(folder, "live"), PROMPT), models)
    np.testing.assert_allclose(newest.next.logits, said.logits, atol=1e-6)
    assert newest.writing.chosen is not None
    assert watched_in(frames).ids[-1] in newest.writing.chosen.ids
    until_trained(job)
    job.close()


def test_what_is_known_is_not_worked_out_again(folder: str) -> None:
    first, frames = replayed(folder)
    watched = watched_in(frames)
    again, frames = replayed(folder, watched=watched, known=(0, 4, 20, 40))
    assert sorted(again) == [10, 30]
    assert not any(isinstance(s, Watched) for f in frames for s in f.snapshots)
    for step, moment in again.items():
        assert moment.writing.text == first[step].writing.text
        np.testing.assert_array_equal(moment.logprobs, first[step].logprobs)


def test_a_step_that_disappears_on_the_way_is_told_and_left_out(folder: str) -> None:
    moments, notices = {}, []
    for frame in Replay(folder, PROMPT, 5).run(Models()):
        notices += list(frame.notices)
        for snapshot in frame.snapshots:
            if isinstance(snapshot, ReplayPoint):
                if not moments:
                    shutil.rmtree(Path(folder) / "checkpoints" / "00000020")
                    next((Path(folder) / "trail").glob("00000004-*")).write_bytes(b"half")
                moments[snapshot.step] = snapshot
    assert sorted(moments) == [0, 10, 30, 40]
    assert [notice.step for notice in notices] == [4, 20]
    assert "damaged" in notices[0].text
    assert all(notice.kind == "warning" for notice in notices)


def test_damage_of_everything_is_an_error_that_says_so(folder: str) -> None:
    for path in [*Path(folder).glob("checkpoints/*/model.safetensors"), *Path(folder).glob("trail/*.safetensors")]:
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="No weights"):
        replayed(folder)
    with pytest.raises(RunError):
        replayed(folder + "-gone")


def test_a_run_with_one_checkpoint_and_a_text_of_one_token(folder: str) -> None:
    for step in (10, 20, 30):
        shutil.rmtree(Path(folder) / "checkpoints" / f"{step:08d}")
    shutil.rmtree(Path(folder) / "trail")
    moments, frames = replayed(folder, prompt=())
    assert sorted(moments) == [40]
    assert len(watched_in(frames).ids) <= TINY["context"]
    moments, frames = replayed(folder, prompt=(Tokens((1,), "c"),))
    assert watched_in(frames).prompt == 1


def test_steps_are_listed_with_their_size_and_can_be_deleted(folder: str) -> None:
    saved = result(SavedSteps(folder))
    assert list(saved.marks) == [0, 4, 10, 20, 30, 40]
    assert (saved.kept, saved.bytes) == (2, sum(p.stat().st_size for p in (Path(folder) / "trail").iterdir()))
    with Run.open(folder), pytest.raises(RunBusyError):
        run_task(ForgetSteps(folder))
    saved = result(ForgetSteps(folder))
    assert list(saved.marks) == [10, 20, 30, 40]
    assert (saved.kept, saved.bytes) == (0, 0)
    with pytest.raises(CheckpointError, match="no checkpoint of step 4"):
        run_task(NextTokensOf(ModelRef(folder, 4), PROMPT))


def test_a_kept_step_opens_like_a_checkpoint(folder: str) -> None:
    said = result(NextTokensOf(ModelRef(folder, 4), PROMPT))
    assert said.step == 4
    np.testing.assert_array_equal(said.logits, replayed(folder)[0][4].next.logits)


def test_the_marks_change_with_the_weights(folder: str) -> None:
    before = result(SavedSteps(folder)).marks
    with Run.open(folder) as run:
        gpt = opened(folder, 4)
        with torch.no_grad():
            gpt.transformer.tokens.weight.add_(0.1)
        data = weights.packed.dump(checkpoint.weights_of(gpt.modules), {"run": run.info.key, "step": "4"})
        run.weights.add(4, data)
    after = result(SavedSteps(folder)).marks
    assert {step for step in before if before[step] != after[step]} == {4}


def test_the_loss_is_the_one_that_was_logged(folder: str) -> None:
    frames = run_task(ReadLoss(folder))
    assert {name for frame in frames for name in frame.series} == {"train_loss", "val_loss"}
    steps = np.concatenate([frame.series["train_loss"].steps for frame in frames if "train_loss" in frame.series])
    assert steps.tolist() == list(range(1, 41))


def test_a_training_keeps_its_first_weights_and_resumes_bitwise_with_them(folder: str, trained: Path) -> None:
    """What is kept along the way is an extra: without it, the same steps give the same weights."""
    run = Run.open(folder)
    assert run.weights.steps()[0] == 0
    shutil.rmtree(run.weights.folder)
    other = str(shutil.copytree(trained, f"{folder}-with"))
    for place in (folder, other):
        run_task(Resume(place, steps=50))
    first, second = (
        (Path(place) / "checkpoints" / "00000050" / "model.safetensors").read_bytes() for place in (folder, other)
    )
    assert first == second
