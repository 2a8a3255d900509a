"""Tasks of the tokenizer bench, and models that learn bytes, words and byte pairs."""

from __future__ import annotations

import json
import multiprocessing
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio import families, paths
from genstudio.data import shelf
from genstudio.data.vocabulary import TokenSettings
from genstudio.data.work import finished
from genstudio.errors import DataError, StorageError
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.stack import parameters
from genstudio.runs import Run
from genstudio.sampling.choose import SamplingOptions
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.text import NextTokens, Text, Writing
from genstudio.tasks.compare import AttentionTo
from genstudio.tasks.evaluate import Evaluate, ReadReferences
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.tokenize import (
    CompareSizes,
    CountVocabulary,
    MakeTokenizer,
    OpenTokenizer,
    SaveTokenizer,
    SplitDataset,
    SplitText,
    StepMerges,
)
from genstudio.tasks.train import Resume, Train
from genstudio.tasks.write import Generate, NextTokensOf
from helpers import TINY, answer, curve, files, result, run_task, text_file, usually, words

KINDS: dict[str, dict[str, Any]] = {
    "byte": {"tokenizer": "byte"},
    "word": {"tokenizer": "word", "vocabulary": 22, "min_count": 1},
    "bpe": {"tokenizer": "bpe", "vocabulary": 268},
    "file": {"tokenizer": "file"},
}
TEXT = (words(60) + "é🙂 the cat\n") * 30


@usually("kind", KINDS, usual="bpe".__eq__)
def test_a_model_of_any_tokens_trains_resumes_writes_and_is_scored(kind: str, tmp_path: Path) -> None:
    config = {**TINY, **KINDS[kind]}
    path = str(text_file(tmp_path, TEXT))
    given = tmp_path / "given.json"
    if kind == "file":
        made = result(MakeTokenizer(path, TokenSettings("bpe", 300)))
        run_task(SaveTokenizer(made, str(given)))
        config["tokenizer_file"] = str(given)
    whole = run_task(Train("gpt", path, config, steps=24, runs_folder=tmp_path / "whole"))
    half = run_task(Train("gpt", path, config, steps=24, stop_after=12, runs_folder=tmp_path / "half"))
    folder = answer(half, "run")
    for place in (paths.cache() / "tokenizers").glob("*.json"):
        place.write_text("damaged")
    given.unlink(missing_ok=True)
    rest = run_task(Resume(folder))
    assert curve(half, "train_loss")[1] + curve(rest, "train_loss")[1] == curve(whole, "train_loss")[1]
    kept = Run.open(folder).kept()["tokenizer.json"]
    assert kept == Run.open(answer(whole, "run")).kept()["tokenizer.json"]
    assert any(isinstance(s, Text) for frame in whole for s in frame.snapshots)
    scores = result(Evaluate(ModelRef(folder)))
    assert scores["characters"] > 0 and 0 < scores["bits_per_char"] < 12
    assert scores["loss_nats"] * scores["tokens"] / np.log(2) / scores["characters"] == pytest.approx(
        scores["bits_per_char"]
    )
    other = result(Evaluate(ModelRef(folder), str(text_file(tmp_path, "the cat sat " * 20, "o.txt"))))
    assert other["tokens"] > 10
    for task in (NextTokensOf(ModelRef(folder), ("the cät ",)), AttentionTo(ModelRef(folder), ("the cat sat",))):
        assert isinstance(result(task), NextTokens | Attention)


def test_streamed_bytes_are_whole_characters_at_every_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of bytes of a text of emoji, made to show every token, never shows a part of one."""
    config = {**TINY, "tokenizer": "byte", "learning_rate": 0.01}
    path = str(text_file(tmp_path, "🙂é日" * 400))
    models = Models()
    folder = answer(run_task(Train("gpt", path, config, steps=60, runs_folder=tmp_path / "runs")), "run")
    monkeypatch.setattr("genstudio.tasks.write.time.monotonic", iter(range(10_000)).__next__)
    task = Generate(ModelRef(folder), ("🙂",), 60, SamplingOptions(temperature=0.2), 1)
    frames = [s for f in run_task(task, models) for s in f.snapshots if isinstance(s, Writing)]
    assert len(frames) > 30
    for before, after in pairwise(frames):
        assert after.text.startswith(before.text)
        assert after.pieces[: len(before.pieces)] == before.pieces
        assert len(after.pieces) == len(after.probabilities)
    assert "🙂" in frames[-1].text


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "file"])
def test_reference_lines_are_those_of_the_same_tokens(kind: str, tmp_path: Path) -> None:
    settings = TokenSettings.of(KINDS[kind])
    path = str(text_file(tmp_path, TEXT))
    lines = result(ReadReferences("gpt", path, KINDS[kind]))
    made = result(MakeTokenizer(path, settings))
    assert lines["uniform"] == pytest.approx(np.log(made.size))
    assert 0 < lines["kneser_ney"] < lines["unigram"] < lines["uniform"]


def test_the_estimate_follows_the_vocabulary() -> None:
    config = GPTConfig()
    assert parameters(config, 1024) - parameters(config, 256) == 2 * 768 * config.d_model
    assert {p.field for p in GPTConfig.problems({"tokenizer": "bpe", "vocabulary": 256})} == {"vocabulary"}
    assert not GPTConfig.problems({"tokenizer": "word", "vocabulary": 256})


def test_tokens_of_a_text_and_of_a_dataset(tmp_path: Path) -> None:
    path = str(text_file(tmp_path, TEXT))
    for kind in ("char", "byte", "word", "bpe"):
        tokenizer = result(MakeTokenizer(path, TokenSettings(kind, 300, 1)))  # type: ignore[arg-type]
        shown = result(SplitText(tokenizer, " the cat\n漢 zzz"))
        assert len(shown.ids) == len(shown.index) and shown.characters == 14
        unknown = [shown.pieces[k] for k in shown.index.tolist() if shown.unknown[k]]
        assert unknown == {"char": ["漢", "z", "z", "z"], "word": ["漢", "zzz"]}.get(kind, [])
        assert shown.returns == (kind in ("byte", "bpe"))
        whole = result(SplitDataset(tokenizer, path))
        assert whole.returns and whole.characters == len(TEXT)
        assert np.array_equal(whole.ids, tokenizer.encode(TEXT))


def test_sizes_are_compared_on_what_was_held_out(tmp_path: Path) -> None:
    path = str(text_file(tmp_path, TEXT))
    rows = result(CompareSizes(path, values={"layers": 2}, sizes=(260, 262, 5_000)))
    kinds = [row.kind for row in rows]
    assert kinds[:2] == ["char", "byte"] and kinds.count("bpe") == 3 and kinds.count("word") == 1
    pairs = [row for row in rows if row.kind == "bpe"]
    assert [row.size for row in pairs][:2] == [260, 262] and pairs[2].size < 5_000
    assert pairs[0].tokens_per_character > pairs[1].tokens_per_character > pairs[2].tokens_per_character
    assert rows[0].tokens_per_character == 1.0 and rows[1].tokens_per_character > 1.0
    assert all(row.parameters == parameters(GPTConfig(layers=2), row.size) for row in rows)


def test_saved_whole_or_not_at_all_and_opened_again(tmp_path: Path) -> None:
    path = str(text_file(tmp_path, TEXT))
    tokenizer = result(MakeTokenizer(path, TokenSettings("bpe", 300)))
    place = tmp_path / "out" / "tokenizer.json"
    place.parent.mkdir()
    assert result(SaveTokenizer(tokenizer, str(place))) == str(place)
    assert json.loads(place.read_bytes())["model"]["type"] == "BPE"
    assert result(OpenTokenizer(str(place))) == tokenizer
    with pytest.raises(StorageError):
        run_task(SaveTokenizer(tokenizer, str(tmp_path / "out" / "none" / "x.json")))
    with pytest.raises(DataError):
        run_task(OpenTokenizer(str(tmp_path / "nothing.json")))
    assert list(files(place.parent)) == ["tokenizer.json"]


def test_merges_of_a_text_and_of_a_dataset(tmp_path: Path) -> None:
    assert result(StepMerges("aaabdaaabac")).written(3) == "XdXac"
    found = result(StepMerges("", apart=True, data=str(text_file(tmp_path, TEXT))))
    assert found.text == TEXT[:2_000]


@pytest.mark.parametrize("task", ["make", "compare", "open"])
def test_cancelled_in_the_middle_nothing_is_left(task: str, tmp_path: Path) -> None:
    path = str(text_file(tmp_path, words(60_000)))
    tokenizer = tmp_path / "t.json"
    run_task(SaveTokenizer(result(MakeTokenizer(path, TokenSettings("byte"))), str(tokenizer)))
    before = set(files(tmp_path))
    job = {
        "make": MakeTokenizer(path, TokenSettings("bpe", 3_000)),
        "compare": CompareSizes(path),
        "open": OpenTokenizer(str(tokenizer)),
    }[task].run(Models())
    frames = iter(job)
    for _ in range(1 if task == "open" else 4):
        next(frames)
    job.close()
    assert not multiprocessing.active_children()
    assert {name for name in set(files(tmp_path)) - before if "bpe" in name or name.endswith(".part")} == set()
    assert len(set(files(tmp_path)) - before) <= (6 if task == "compare" else 0)


@pytest.mark.parametrize("data", ["name-initials", "toy-en-es"])
def test_the_characters_of_labelled_texts_and_of_pairs_are_counted(data: str) -> None:
    """As many as there are in the vocabulary that a model of them is trained with."""
    family = families.get("bert" if data == "name-initials" else "seq2seq")
    config = family.config.parse({"tokenizer": "char", "validation_share": 0.01, "context": 96})
    if data == "name-initials":
        config = family.config.parse({**config.model_dump(), "task": "classify"})
    prepared = finished(family.prepare(config, shelf.open_dataset(shelf.find_dataset(data))))
    tokenizer = prepared.tokenizer.base if data == "name-initials" else prepared.tokenizer
    assert result(CountVocabulary(data)) == tokenizer.size
