"""Models to other programs and back: the same numbers, and nothing opened that could run code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from genstudio.data.vocabulary import TokenSettings
from genstudio.errors import CheckpointError, DataError, GenstudioError, StorageError
from genstudio.runs import Run
from genstudio.tasks.exchange import ExportModel, ImportModel
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.tokenize import MakeTokenizer, SaveTokenizer
from genstudio.tasks.train import Train
from genstudio.tasks.write import Generate, NextTokensOf
from helpers import TINY, answer, result, run_task, text_file, usually, words

GPT2: dict[str, Any] = TINY | {
    "positions": "learned", "norm": "layernorm", "qk_norm": False, "bias": True, "tied": True, "activation": "gelu_tanh",
    "tokenizer": "bpe", "vocabulary": 300, "optimizer": "adamw", "context": 16, "dropout": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a GPT-2 style model."""
    place = tmp_path_factory.mktemp("gpt2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(place / "home"))
        task = Train("gpt", str(text_file(place)), GPT2, steps=20, runs_folder=place / "runs")
        return Path(answer(run_task(task), "run"))


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """The same model as other programs read it."""
    run_task(ExportModel(ModelRef(str(trained)), str(tmp_path / "hf"), "hf"))
    return tmp_path / "hf"


def logits(run: str | Path, text: str) -> np.ndarray:
    return result(NextTokensOf(ModelRef(str(run)), (text,))).logits


def test_out_and_back_is_the_same_model_to_the_bit(trained: Path, folder: Path, tmp_path: Path) -> None:
    names = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    back = result(ImportModel(str(folder), runs_folder=tmp_path / "runs")).folder
    for text in ("the cat", "a mat and the cat sat on"):
        assert np.array_equal(logits(trained, text), logits(back, text))
    assert Run.open(back).info.name == "hf"


def test_a_model_from_elsewhere_writes_like_any_other(folder: Path, tmp_path: Path) -> None:
    back = result(ImportModel(str(folder), "mine", runs_folder=tmp_path / "runs")).folder
    frames = run_task(Generate(ModelRef(back), ("the cat",), 12))
    assert any(getattr(s, "finished", False) for f in frames for s in f.snapshots)


def test_the_safetensors_form_holds_every_gpt(tmp_path: Path) -> None:
    task = Train("gpt", str(text_file(tmp_path)), TINY, steps=3, runs_folder=tmp_path / "runs")
    run = answer(run_task(task), "run")
    run_task(ExportModel(ModelRef(run), str(tmp_path / "out")))
    weights = safetensors.torch.load_file(tmp_path / "out" / "model.safetensors")
    gpt = Models().get(ModelRef(run)).model
    assert all(torch.equal(weights[name], tensor) for name, tensor in gpt.transformer.state_dict().items())
    with pytest.raises(DataError, match="learned positions"):
        run_task(ExportModel(ModelRef(run), str(tmp_path / "hf"), "hf"))
    assert not (tmp_path / "hf").exists()
    with pytest.raises(StorageError, match="already exists"):
        run_task(ExportModel(ModelRef(run), str(tmp_path / "out")))


def change_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change_weights(folder: Path, name: str, tensor: torch.Tensor | None) -> None:
    path = folder / "model.safetensors"
    weights = safetensors.torch.load_file(path)
    if tensor is None:
        del weights[name]
    else:
        weights[name] = tensor
    safetensors.torch.save_file(weights, path)


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda f: (f / "config.json").unlink(), "config.json"),
        (lambda f: (f / "config.json").write_text("[1"), "config.json"),
        (lambda f: change_config(f, model_type="llama"), "llama"),
        (lambda f: change_config(f, activation_function="mish"), "mish"),
        (lambda f: change_config(f, scale_attn_by_inverse_layer_idx=True), "scale_attn"),
        (lambda f: change_config(f, vocab_size=7), "7 tokens"),
        (lambda f: change_config(f, n_layer=10**6), "settings"),
        (lambda f: change_config(f, n_embd="big"), "n_embd .big., which is not a whole number"),
        (lambda f: change_config(f, n_layer=3), "3 layers, and the weights contain 2"),
        (lambda f: (f / "model.safetensors").unlink(), "safe format"),
        (lambda f: (f / "model.safetensors").write_bytes(b"\x80\x04pickle"), "damaged"),
        (lambda f: change_weights(f, "transformer.wte.weight", None), "wte.weight"),
        (lambda f: change_weights(f, "transformer.wte.weight", torch.zeros(3, 3)), "wte.weight"),
        (lambda f: change_weights(f, "transformer.extra", torch.zeros(3)), "extra"),
        (lambda f: change_weights(f, "transformer.ln_f.bias", torch.full((16,), float("nan"))), "finite"),
        (lambda f: (f / "tokenizer.json").write_text("{}"), "(?i)tokenizer"),
        (lambda f: (f / "tokenizer.json").unlink(), "vocab.json"),
    ],
)
def test_a_folder_that_does_not_fit_says_why_and_makes_no_run(
    folder: Path, tmp_path: Path, break_it: Any, words: str
) -> None:
    break_it(folder)
    with pytest.raises((DataError, CheckpointError), match=words) as caught:
        run_task(ImportModel(str(folder), runs_folder=tmp_path / "runs"))
    assert caught.value.hint
    assert not list((tmp_path / "runs").glob("*/run.json"))


def test_a_pickled_model_is_refused_unopened(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch /tmp/never'\ntR.")
    with pytest.raises(CheckpointError, match="Convert"):
        run_task(ImportModel(str(folder), runs_folder=tmp_path / "runs"))


def test_what_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(GenstudioError, match="not a folder"):
        run_task(ImportModel(str(tmp_path / "nothing")))


def test_old_tokenizer_files_give_the_same_tokens(folder: Path, tmp_path: Path) -> None:
    said = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "vocab.json").write_text(json.dumps(said["vocab"]))
    merges = "\n".join(" ".join(merge) for merge in said["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
    new = result(ImportModel(str(folder), runs_folder=tmp_path / "runs")).folder
    (folder / "tokenizer.json").unlink()
    old = result(ImportModel(str(folder), runs_folder=tmp_path / "runs")).folder
    assert np.array_equal(logits(new, "the cat sat on"), logits(old, "the cat sat on"))


@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 1e-4), (torch.float64, 1e-9)])
@pytest.mark.parametrize("seed", range(3))
def test_transformers_gives_the_same_logits_and_text(
    tmp_path: Path, dtype: torch.dtype, near: float, seed: int
) -> None:
    transformers = pytest.importorskip("transformers")
    from genstudio.families.gpt.config import GPTConfig
    from genstudio.families.gpt.foreign_weights import own_weights, plain_names
    from genstudio.families.gpt.model import GPT

    torch.manual_seed(seed)
    layers, heads, width = [(1, 2, 16), (3, 4, 32), (2, 3, 48)][seed]
    theirs = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(n_layer=layers, n_head=heads, n_embd=width, n_positions=32, vocab_size=61)
    ).eval()
    values = GPT2 | {"layers": layers, "heads": heads, "d_model": width, "context": 32}
    config = GPTConfig.parse(values)
    ours = GPT(config, 61).eval()
    found = {name: tensor for name, tensor in theirs.state_dict().items() if name != "lm_head.weight"}
    weights, notes = own_weights(config, 61, plain_names(found, tmp_path), tmp_path)
    assert notes == []
    ours.load_state_dict(ours.state_dict() | weights)
    theirs, ours = theirs.to(dtype), ours.to(dtype)
    ids = torch.randint(0, 61, (3, 20))
    with torch.no_grad():
        assert float((theirs(ids).logits - ours(ids)).abs().max()) < near
    written = theirs.generate(ids[:1, :4], max_length=24, do_sample=False, pad_token_id=0)[0]
    mine = ids[0, :4].tolist()
    with torch.no_grad():
        while len(mine) < 24:
            mine.append(int(ours(torch.tensor([mine]))[0, -1].argmax()))
    assert written.tolist()[: len(mine)] == mine


def test_transformers_loads_what_is_exported(folder: Path, trained: Path) -> None:
    transformers = pytest.importorskip("transformers")
    transformers.utils.logging.disable_progress_bar()
    theirs = transformers.GPT2LMHeadModel.from_pretrained(folder).eval()
    opened = Models().get(ModelRef(str(trained)))
    ids, _ = opened.model.tokenizer.encode_lossy("the cat sat on a mat")
    with torch.no_grad():
        ours = opened.model.transformer(torch.as_tensor(ids[None].astype(np.int64)))
        assert float((theirs(torch.as_tensor(ids[None].astype(np.int64))).logits - ours).abs().max()) < 1e-4


TOKENS: dict[str, dict[str, Any]] = {
    "char": {"tokenizer": "char"},
    "char, lines": {"tokenizer": "char", "markers": "lines"},
    "byte": {"tokenizer": "byte"},
    "word": {"tokenizer": "word", "vocabulary": 20, "min_count": 1},
    "word, lines": {"tokenizer": "word", "vocabulary": 20, "min_count": 1, "markers": "lines"},
    "bpe": {"tokenizer": "bpe", "vocabulary": 290},
    "file": {"tokenizer": "file"},
}


def run_of(kind: str, place: Path) -> str:
    """A short GPT-2 style run on tokens of this kind."""
    path, config = str(text_file(place, (words(60) + "naïve 日本\n") * 20)), GPT2 | TOKENS[kind]
    if kind == "file":
        made = result(MakeTokenizer(path, TokenSettings("bpe", 280)))
        run_task(SaveTokenizer(made, str(place / "given.json")))
        config["tokenizer_file"] = str(place / "given.json")
    return str(answer(run_task(Train("gpt", path, config, steps=2, runs_folder=place / "runs")), "run"))


@usually("kind", TOKENS, 3)
def test_tokens_of_every_kind_survive_the_way_out_and_back(kind: str, tmp_path: Path) -> None:
    run = run_of(kind, tmp_path)
    run_task(ExportModel(ModelRef(run), str(tmp_path / "hf"), "hf"))
    (tmp_path / "given.json").unlink(missing_ok=True)
    back = result(ImportModel(str(tmp_path / "hf"), runs_folder=tmp_path / "more")).folder
    assert np.array_equal(logits(run, "the cat naïve 日"), logits(back, "the cat naïve 日"))
    ours, theirs = (Models().get(ModelRef(folder)).model.tokenizer for folder in (run, back))
    assert ours.size == theirs.size and (ours.begin, ours.end) == (theirs.begin, theirs.end)
    frames = run_task(Generate(ModelRef(back), "the", 5))
    assert any(getattr(s, "finished", False) for f in frames for s in f.snapshots)


@pytest.mark.parametrize("kind", TOKENS)
def test_auto_classes_of_transformers_load_tokens_of_every_kind(kind: str, tmp_path: Path) -> None:
    """Words that all are known: of others the library makes one `<unk>` where this program has a space before it."""
    transformers = pytest.importorskip("transformers")
    run = run_of(kind, tmp_path)
    run_task(ExportModel(ModelRef(run), str(tmp_path / "hf"), "hf"))
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "hf")
    ours = Models().get(ModelRef(run)).model.tokenizer
    text = " the cat sat on a mat" if "word" in kind else "the cat naïve 日 sat"
    assert len(theirs) == ours.size and theirs(text)["input_ids"] == ours.encode(text).tolist()
    assert theirs.decode(theirs(text)["input_ids"]) == text
    assert (theirs.bos_token_id, theirs.eos_token_id) == (ours.begin, ours.end)
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "hf")
    assert model.config.vocab_size == ours.size
