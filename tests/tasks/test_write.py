"""Writing with checkpoints and live models: deterministic, streamed, and honest about what it left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genstudio.errors import CheckpointError, ConfigError, DataError, RunError
from genstudio.sampling.choose import SamplingOptions, distribution
from genstudio.snapshots.text import AnsweredBy, Writing
from genstudio.tasks.compare import AttentionTo
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.train import Train
from genstudio.tasks.write import Generate, NextTokensOf
from helpers import TINY, answer, result, returned, run_task, text_file, until_trained, words


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    tmp_path = tmp_path_factory.mktemp("write")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(tmp_path / "home"))
        task = Train("gpt", str(text_file(tmp_path)), TINY, steps=60, runs_folder=tmp_path / "runs")
        return str(answer(run_task(task), "run"))


def written(folder: str, prompt: str = "the ", **options: object) -> Writing:
    length, seed = int(options.pop("length", 40)), int(options.pop("seed", 0))  # type: ignore[call-overload]
    task = Generate(ModelRef(folder), (prompt,), length, SamplingOptions(**options), seed)  # type: ignore[arg-type]
    (found,) = result(task)
    assert found.finished
    return found


def test_the_same_seed_writes_the_same(folder: str) -> None:
    assert written(folder, seed=5).text == written(folder, seed=5).text
    assert written(folder, seed=5).text != written(folder, seed=6).text


def test_it_writes_in_the_vocabulary_and_as_long_as_asked(folder: str) -> None:
    writing = written(folder, length=50)
    assert len(writing.pieces) == len(writing.probabilities) == 50
    assert set(writing.text) <= set(words())
    assert ((writing.probabilities > 0) & (writing.probabilities <= 1)).all()


def test_greedy_is_the_argmax_of_what_the_bars_show(folder: str) -> None:
    text = "the cat "
    for _ in range(12):
        shown = result(NextTokensOf(ModelRef(folder), (text,)))
        most_probable = int(np.argmax(distribution(shown.logits, SamplingOptions())))
        piece = written(folder, text, length=1, greedy=True).text
        assert shown.pieces[most_probable].replace("␣", " ").replace("·", " ").replace("⏎", "\n") == piece
        text += piece


def test_unknown_characters_are_named_and_left_out(folder: str) -> None:
    frames, (odd,) = returned(Generate(ModelRef(folder), ("the Ωcat✓",), 3).run(Models()))
    assert [s.unknown for f in frames for s in f.snapshots if isinstance(s, AnsweredBy)] == [(4, 8)]
    (plain,) = result(Generate(ModelRef(folder), ("the cat",), 3))
    assert odd.text == plain.text
    with pytest.raises(DataError, match="vocabulary"):
        run_task(Generate(ModelRef(folder), ("ΩΩ✓",), 3))


@pytest.mark.parametrize("prompt", ["", "t", "the cat sat on a mat and the cat ran and sat " * 10])
def test_prompts_of_any_length(folder: str, prompt: str) -> None:
    assert len(written(folder, prompt, length=20).pieces) == 20


def test_attention_rows_sum_to_one_and_never_look_ahead(folder: str) -> None:
    shown = result(AttentionTo(ModelRef(folder), ("the cat sat",)))
    assert shown.weights.shape == (2, 2, 8, 8)
    assert np.allclose(shown.weights.sum(-1), 1, atol=1e-6)
    assert (np.triu(shown.weights[0, 0], 1) == 0).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temperature": -1.0}, "temperature"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_k": -3}, "top_k"),
        ({"temperature": float("nan")}, "temperature"),
    ],
)
def test_settings_that_cannot_be_sampled_with_are_named(folder: str, options: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        written(folder, **options)


def test_a_model_that_is_not_there(folder: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        run_task(Generate(ModelRef(folder, 12345), ("the",), 3))
    with pytest.raises(RunError):
        run_task(Generate(ModelRef(str(tmp_path / "nothing")), ("the",), 3))


def test_the_live_model_is_the_one_that_trains(tmp_path: Path) -> None:
    models = Models()
    job = Train("gpt", str(text_file(tmp_path)), TINY, steps=5_000, runs_folder=tmp_path / "runs").run(models)
    frames = until_trained(job)
    live = ModelRef(answer(frames, "run"), "live")
    first = result(NextTokensOf(live, ("the",)), models)
    frames += until_trained(job)
    later = result(NextTokensOf(live, ("the",)), models)
    assert later.step > first.step > 0
    assert not np.array_equal(first.logits, later.logits)
    job.close()
    after = result(NextTokensOf(live, ("the",)), models)
    assert after.step == later.step
    # Once it is written with only, its weights lie otherwise in memory, and sums are rounded in another order.
    assert np.allclose(after.logits, later.logits, atol=1e-6) and not np.allclose(after.logits, first.logits, atol=1e-6)
