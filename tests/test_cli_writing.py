"""generate, score and attention as scripts see them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio import cli
from genstudio.sampling.choose import SamplingOptions
from genstudio.tasks.models import ModelRef
from genstudio.tasks.train import Train
from genstudio.tasks.write import Generate, NextTokensOf
from helpers import TINY, answer, result, run_task, text_file, words


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = tmp_path_factory.mktemp("cli_writing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(place / "home"))
        task = Train("gpt", str(text_file(place)), TINY, steps=60, runs_folder=place / "runs")
        return str(answer(run_task(task), "run"))


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: object, code: int = 0) -> str:
        try:
            found = cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            found = int(stop.code or 0)
        out, err = capsys.readouterr()
        assert found == code, err
        assert "Traceback" not in err
        return out if code == 0 else err

    return call


def test_json_tells_of_each_token_what_it_was_drawn_with(run: str, said: Any) -> None:
    options = ("--tokens", 12, "--temperature", 0.7, "--top-k", 5, "--repetition-penalty", 1.3, "--seed", 3, "--json")
    (told,) = json.loads(said("generate", run, "--prompt", "the ", *options))["continuations"]
    task = Generate(ModelRef(run), ("the ",), 12, SamplingOptions(0.7, 5, repetition_penalty=1.3), 3)
    (writing,) = result(task)
    assert told["text"] == writing.text and [t["text"] for t in told["tokens"]] == list(writing.pieces)
    for token, probability in zip(told["tokens"], writing.probabilities, strict=True):
        assert token["probability"] == probability
        shown = {a["id"]: a for a in token["alternatives"]}
        order = [a["before"] for a in token["alternatives"]]
        assert order == sorted(order, reverse=True) and len(shown) == 8
        if token["rank"] <= 8:
            own = shown[token["id"]]
            assert own["after"] == pytest.approx(token["probability"])
            assert own["before"] == pytest.approx(math.exp(token["logprob"]))


def test_several_continuations_are_those_of_their_seeds(run: str, said: Any) -> None:
    together = json.loads(said("generate", run, "--tokens", 20, "--count", 3, "--seed", 5, "--json"))["continuations"]
    alone = [said("generate", run, "--tokens", 20, "--seed", seed) for seed in (5, 6, 7)]
    assert ["\n" + told["text"] + "\n" for told in together] == alone
    assert said("generate", run, "--tokens", 20, "--count", 2, "--seed", 5).count("--- seed") == 2


def test_a_stop_text_ends_it(run: str, said: Any) -> None:
    free = said("generate", run, "--prompt", "the ", "--tokens", 60, "--greedy")
    stop = free[12:14]
    cut = said("generate", run, "--prompt", "the ", "--tokens", 60, "--greedy", "--stop", stop)
    assert cut == free[: free.index(stop, 4)] + "\n"


def test_beams(run: str, said: Any) -> None:
    told = json.loads(said("generate", run, "--prompt", "the ", "--tokens", 6, "--beams", 3, "--json"))
    scores = [best["score"] for best in told["best"]]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True)
    greedy = said("generate", run, "--prompt", "the ", "--tokens", 6, "--greedy")
    one = said("generate", run, "--prompt", "the ", "--tokens", 6, "--beams", 1)
    assert one.splitlines()[1] == greedy.rstrip("\n")
    assert {node["state"] for node in told["nodes"]} >= {"kept", "pruned"}


def test_score_agrees_with_the_next_token(run: str, said: Any, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("the cat", encoding="utf-8")
    told = json.loads(said("score", run, path, "--json"))
    assert told["tokens"][0]["logprob"] is None and told["scored"] == 6
    logits = result(NextTokensOf(ModelRef(run), ("the ca",))).logits.astype(np.float64)
    expected = logits - logits.max() - math.log(np.exp(logits - logits.max()).sum())
    last = told["tokens"][-1]
    assert last["logprob"] == pytest.approx(expected[last["id"]], abs=1e-5)
    assert told["nats"] == pytest.approx(-sum(t["logprob"] for t in told["tokens"][1:]))
    assert told["perplexity"] == pytest.approx(math.exp(told["nats"] / 6))
    assert "bits per character" in said("score", run, path)


def test_score_is_the_exact_loss_of_evaluate(run: str, said: Any, tmp_path: Path) -> None:
    path = text_file(tmp_path, words(300, seed=9))
    whole = json.loads(said("evaluate", run, "--data", path, "--json"))
    told = json.loads(said("score", run, path, "--json"))
    assert told["scored"] == whole["tokens"]
    assert told["nats"] / told["scored"] == pytest.approx(whole["loss_nats"], abs=1e-5)


def test_int8_is_near(run: str, said: Any, tmp_path: Path) -> None:
    path = text_file(tmp_path, words(100, seed=9))
    exact, small = (
        json.loads(said("score", run, path, "--precision", precision, "--json")) for precision in ("float32", "int8")
    )
    assert 0 < abs(small["nats"] - exact["nats"]) / exact["scored"] < 0.02


def test_attention_is_a_file_of_numbers(run: str, said: Any, tmp_path: Path) -> None:
    out = tmp_path / "weights.npz"
    assert "2 layers, 2 heads, 7 tokens" in said("attention", run, "--prompt", "the cat", "--out", out)
    with np.load(out, allow_pickle=False) as found:
        assert found["weights"].shape == (2, 2, 7, 7) and list(found["tokens"]) == list("the␣cat")
        assert np.allclose(found["weights"].sum(-1), 1, atol=1e-6) and int(found["step"]) == 60


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("generate", "--min-p", "2"), "min_p"),
        (("generate", "--repetition-penalty", "0"), "repetition_penalty"),
        (("generate", "--temperature", "nan"), "temperature"),
        (("generate", "--stop", ""), "stop text"),
        (("generate", "--count", "0"), "count"),
        (("generate", "--beams", "-3"), "beams"),
        (("generate", "--tokens", "99999999999"), "length"),
        (("generate", "--seed", "-1"), "seed"),
        (("score", "missing.txt"), "missing.txt"),
        (("attention", "--prompt", "the", "--out", "weights.png"), ".npz"),
        (("attention", "--prompt", "ΩΩ", "--out", "weights.npz"), "vocabulary"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run: str, said: Any, arguments: tuple[str, ...], words: str) -> None:
    told = said(arguments[0], run, *arguments[1:], code=2)
    assert told.startswith("genstudio: ") and words in told and told.count("\n") == 1
