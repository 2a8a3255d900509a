"""GPT-2 folders of other programs, in any layout: the numbers they compute there, or the true reason against it."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import foreign_gpt2
import numpy as np
import pytest
import safetensors.torch
import torch
from foreign_gpt2 import SIZE, TEXT, Layout, at_random, ids_of, logits_of, weights_of, write

from genstudio import families
from genstudio.cli import main
from genstudio.data.tokenizers.files import tokenizer_from_json
from genstudio.data.tokenizers.model_folder import fitted, tokenizer_of
from genstudio.data.work import finished
from genstudio.errors import DataError, GenstudioError
from genstudio.families.family import Imported
from genstudio.families.gpt import importing
from genstudio.tasks.exchange import ImportModel
from genstudio.tasks.models import ModelRef, Models
from helpers import result

NEAR = 2e-4
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 548105171\n"
INDEX = "model.safetensors.index.json"


def imported(folder: Path) -> Imported[Any, Any]:
    return finished(importing.imported(folder))


def furthest(found: Imported[Any, Any], truth: np.ndarray) -> float:
    """The largest distance of our logits from these, for TEXT."""
    gpt: Any = families.get("gpt").model(found.config, found.data, "cpu", 0)
    gpt.transformer.load_state_dict(gpt.transformer.state_dict() | found.weights["model"])
    ids = found.data.tokenizer.encode(TEXT)
    assert ids.tolist() == ids_of(TEXT)
    with torch.no_grad():
        ours = gpt.transformer.eval()(torch.as_tensor(ids[None].astype(np.int64)))[0].numpy()
    assert ours.shape == truth.shape
    return float(np.abs(ours - truth).max())


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokenizers are tried out here, without a child process: hundreds of folders in seconds."""

    def opened(folder: Path, rows: int) -> Iterator[float]:
        yield 0.0
        found, notes = tokenizer_of(folder)
        kept, more = fitted(found, rows)
        return tokenizer_from_json(kept), [*notes, *more]

    monkeypatch.setattr(importing, "open_model_tokenizer", opened)


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("seed", range(25))
def test_a_folder_of_any_layout_gives_the_logits_of_its_author(seed: int, tmp_path: Path) -> None:
    layout = at_random(seed)
    found = imported(write(layout, tmp_path / "theirs"))
    assert furthest(found, logits_of(layout, weights_of(layout), ids_of(TEXT))) < NEAR
    assert all(
        foreign_gpt2.added_names(layout)[i] == found.data.tokenizer.pieces([SIZE + i])[0] for i in range(layout.added)
    )
    for told, word in (
        (layout.score, "score.weight"),
        (layout.padding > 0, f"{layout.padding} of the model's {layout.rows} rows have no token"),
        (layout.linear, "transposed"),
        (layout.limits and layout.tokenizer != "files", "truncation"),
        (layout.added > 0 and layout.tokenizer == "files", "<|extra 0|>"),
    ):
        assert told == any(word in note for note in found.notes), (word, found.notes)


def swapped(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Keys where the queries belong."""
    name = "h.0.attn.c_attn.weight"
    q, k, v = weights[name].chunk(3, 1)
    return weights | {name: torch.cat([k, q, v], 1).contiguous()}


BROKEN: dict[str, Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]] = {
    "a matrix the other way round": lambda w: (
        w | {"h.0.attn.c_proj.weight": w["h.0.attn.c_proj.weight"].t().contiguous()}
    ),
    "positions off by one": lambda w: w | {"wpe.weight": w["wpe.weight"].roll(1, 0)},
    "tokens off by one": lambda w: w | {"wte.weight": w["wte.weight"].roll(1, 0)},
    "queries for keys": swapped,
    "two layers in the other order": lambda w: {
        n.replace("h.0.", "h.x.").replace("h.1.", "h.0.").replace("h.x.", "h.1."): t for n, t in w.items()
    },
}


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("what", BROKEN)
def test_the_comparison_fails_where_a_weight_is_misplaced(what: str, tmp_path: Path) -> None:
    layout = Layout()
    good = weights_of(layout)
    truth = logits_of(layout, good, ids_of(TEXT))
    assert furthest(imported(write(layout, tmp_path / "good", good)), truth) < NEAR
    assert furthest(imported(write(layout, tmp_path / "broken", BROKEN[what](good))), truth) > 100 * NEAR


def test_the_run_of_a_peculiar_folder_computes_the_same_after_it_is_closed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = Layout(
        prefix="_orig_mod.transformer.", shards=2, padding=9, added=1, tokenizer="files", score=True, linear=True
    )
    folder = write(layout, tmp_path / "theirs")
    adopted = result(ImportModel(str(folder), "one", runs_folder=tmp_path / "runs"))
    gpt = Models().get(ModelRef(adopted.folder)).model
    ids = torch.tensor([ids_of(TEXT)])
    with torch.no_grad():
        ours = gpt.transformer.eval()(ids)[0].numpy()
    truth = logits_of(layout, weights_of(layout), ids_of(TEXT))
    assert float(np.abs(ours - truth).max()) < NEAR
    assert gpt.data.tokenizer.decode([*ids_of(TEXT), layout.rows - 1]) == TEXT
    assert main(["import-model", str(folder), "--runs", str(tmp_path / "more")]) == 0
    said = capsys.readouterr()
    assert Path(said.out.strip()).is_dir()
    assert len(adopted.notes) == 4 and all(note in said.err for note in adopted.notes)


def change(folder: Path, name: str, **values: Any) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


def change_weights(folder: Path, name: str, tensor: torch.Tensor | None) -> None:
    path = folder / "model.safetensors"
    weights = safetensors.torch.load_file(path)
    weights.pop(name, None)
    safetensors.torch.save_file(weights if tensor is None else weights | {name: tensor}, path)


def parts_without_index(folder: Path) -> None:
    (folder / INDEX).unlink()


def part_twice(folder: Path) -> None:
    first, second = sorted(folder.glob("model-0*.safetensors"))
    weights = safetensors.torch.load_file(first)
    safetensors.torch.save_file(safetensors.torch.load_file(second) | dict([next(iter(weights.items()))]), second)


def listed_elsewhere(folder: Path) -> None:
    listed = json.loads((folder / INDEX).read_text())["weight_map"]
    name = next(iter(listed))
    other = next(part for part in listed.values() if part != listed[name])
    change(folder, INDEX, weight_map=listed | {name: other})


def listed_too_much(folder: Path) -> None:
    listed = json.loads((folder / INDEX).read_text())["weight_map"]
    change(folder, INDEX, weight_map=listed | {"h.9.more": next(iter(listed.values()))})


def pointer(name: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_bytes(POINTER)


def config(**values: Any) -> Callable[[Path], Any]:
    return lambda folder: change(folder, "config.json", **values)


def index(listed: Any) -> Callable[[Path], Any]:
    return lambda folder: change(folder, INDEX, weight_map=listed)


def tensor(name: str, value: torch.Tensor | None) -> Callable[[Path], Any]:
    return lambda folder: change_weights(folder, name, value)


def renamed(name: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / "model.safetensors").rename(folder / name)


PLAIN, UNTIED, SHARDED, FILES = Layout(), Layout(tied=False), Layout(shards=2), Layout(tokenizer="files", added=1)
SECOND = "model-00002-of-00002.safetensors"
POINTERS = (
    (PLAIN, "config.json"), (PLAIN, "tokenizer.json"), (PLAIN, "model.safetensors"), (SHARDED, INDEX), (SHARDED, SECOND),
    (FILES, "vocab.json"), (FILES, "merges.txt"), (FILES, "added_tokens.json"),
)  # fmt: skip
NAMES: tuple[Any, ...] = (
    "../x.safetensors", "/etc/passwd", "a/b.safetensors", "..\\x.safetensors", "C:x.safetensors", ".safetensors",
    "x.safetensors\n", "model.bin", "x" * 300 + ".safetensors", 7, None, ["x.safetensors"],
)  # fmt: skip
REFUSED: dict[str, tuple[Layout, Callable[[Path], Any], str]] = {
    **{f"a pointer for {n}": (layout, pointer(n), f"{n} is a Git LFS pointer.*git lfs pull") for layout, n in POINTERS},
    **{
        f"a part named {name!r:.30}": (SHARDED, index({"wpe.weight": name}), "names a part that is no")
        for name in NAMES
    },
    "a part that is missing": (SHARDED, lambda f: (f / SECOND).unlink(), f"{SECOND} is missing"),
    "parts without their index": (SHARDED, parts_without_index, "2 parts, and model.safetensors.index.json.*missing"),
    "a tensor in two parts": (SHARDED, part_twice, "in another part"),
    "a tensor in another part": (SHARDED, listed_elsewhere, "which the index does not list there"),
    "a tensor in no part": (SHARDED, listed_too_much, "does not hold h.9.more"),
    "an index of nothing": (SHARDED, index({}), "lists no weights"),
    "an index of a list": (SHARDED, index([1]), "lists no weights"),
    "another name": (PLAIN, renamed("gpt2.safetensors"), "no model.safetensors.*gpt2.safetensors"),
    "an adapter": (PLAIN, renamed("adapter_model.safetensors"), "Merge the adapter"),
    "an untied head of other rows": (
        UNTIED,
        tensor("lm_head.weight", torch.zeros(SIZE + 3, 16)),
        rf"lm_head.weight \(\({SIZE + 3}, 16\), not \({SIZE}, 16\)\)",
    ),
    "an untied head that is missing": (UNTIED, tensor("lm_head.weight", None), r"lm_head.weight \(missing\)"),
    "a bias of the head": (PLAIN, tensor("lm_head.bias", torch.zeros(SIZE)), r"lm_head.bias \(not part of a GPT-2\)"),
    "whole numbers": (
        PLAIN,
        tensor("transformer.ln_f.weight", torch.ones(16, dtype=torch.int8)),
        "int8, perhaps quantised",
    ),
    "two models": (PLAIN, tensor("reference.wpe.weight", torch.zeros(48, 16)), "contain 2 models"),
    "no positions": (PLAIN, tensor("transformer.wpe.weight", None), "no position embeddings"),
    "a name twice": (PLAIN, tensor("wte.weight", torch.zeros(SIZE, 16)), "wte.weight twice"),
    "more layers": (PLAIN, config(n_layer=1), "1 layers, and the weights contain 2"),
    "fewer rows than tokens": (PLAIN, config(vocab_size=280), f"280 tokens and its tokenizer {SIZE}"),
    "more rows than can be": (PLAIN, config(vocab_size=10**9), "1,000,000,000 tokens"),
    "another kind": (PLAIN, config(model_type="llama"), "'llama', not 'gpt2'"),
    "too many heads": (PLAIN, config(n_head=5), "n_head: 5 heads"),
    "merges that are none": (FILES, lambda f: (f / "merges.txt").write_text("a b c\n"), "merges is not two tokens"),
    "added tokens that are none": (
        FILES,
        lambda f: (f / "added_tokens.json").write_text('{"<x>": "y"}'),
        "does not give every token an id",
    ),
}


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_opened_names_the_true_cause(what: str, tmp_path: Path) -> None:
    layout, spoil, words = REFUSED[what]
    spoil(write(layout, tmp_path / "theirs"))
    with pytest.raises(GenstudioError, match=f"(?s){words}"):
        imported(tmp_path / "theirs")


def test_added_tokens_without_a_row_are_left_out_and_said(tmp_path: Path) -> None:
    """In the child process, as always."""
    layout = Layout(added=2)
    folder = write(layout, tmp_path / "theirs")
    change(folder, "config.json", vocab_size=SIZE)
    weights = weights_of(layout)
    change_weights(folder, "transformer.wte.weight", weights["wte.weight"][:SIZE].contiguous())
    found = imported(folder)
    assert found.data.tokenizer.size == SIZE
    assert found.notes == ("Tokens without a row in the model were ignored: <|extra 0|>, <|extra 1|>.",)


@pytest.mark.usefixtures("in_this_process")
def test_a_head_that_the_settings_overrule_is_said(tmp_path: Path) -> None:
    layout = Layout(tied=False)
    folder = write(layout, tmp_path / "theirs")
    change(folder, "config.json", tie_word_embeddings=True)
    found = imported(folder)
    assert "lm_head.weight was ignored" in found.notes[0]
    assert furthest(found, logits_of(replace(layout, tied=True), weights_of(layout), ids_of(TEXT))) < NEAR


JUNK: list[Any] = [
    None,
    True,
    "7",
    "x" * 5000,
    -1,
    0,
    1.5,
    10**30,
    float("nan"),
    float("inf"),
    [],
    [2],
    {},
    {"a": 1},
    "\ud800",
]
READ = (
    "n_layer", "n_head", "n_embd", "n_positions", "n_inner", "vocab_size", "activation_function", "layer_norm_epsilon",
    "resid_pdrop", "scale_attn_weights", "scale_attn_by_inverse_layer_idx", "add_cross_attention", "tie_word_embeddings",
)  # fmt: skip


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("name", READ)
def test_a_setting_of_another_type_is_named(name: str, tmp_path: Path) -> None:
    folder = write(Layout(), tmp_path / "theirs")
    usual = foreign_gpt2.config_of(Layout())
    kind = {"n_inner": int, "scale_attn_by_inverse_layer_idx": bool, "add_cross_attention": bool}.get(name) or type(
        usual[name]
    )
    for value in JUNK:
        alike = type(value) is kind or (kind is float and type(value) is int) or (name == "n_inner" and value is None)
        if alike and value == value and value not in (float("inf"),):
            continue
        (folder / "config.json").write_text(json.dumps(usual | {name: value}), encoding="utf-8")
        with pytest.raises(DataError, match=f"config.json says {name} .*, which is not") as caught:
            imported(folder)
        assert len(caught.value.message) < 200 and caught.value.message.encode("utf-8")


def mutated(kept: Any, rng: random.Random) -> Any:
    """The same with a few values of it changed or gone."""
    kept = copy.deepcopy(kept)
    for _ in range(rng.randrange(1, 4)):
        place, key = kept, None
        while isinstance(place, dict | list) and place:
            inside = place
            key = rng.choice(list(place) if isinstance(place, dict) else range(len(place)))
            place = place[key]
            if rng.random() < 0.4:
                break
        if key is not None:
            if rng.random() < 0.2:
                del inside[key]
            else:
                inside[key] = copy.deepcopy(rng.choice(JUNK))
    return kept


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize(
    ("layout", "name"),
    [
        (Layout(), "config.json"), (Layout(tokenizer="old", limits=True, padding=3), "tokenizer.json"),
        (SHARDED, INDEX), (FILES, "vocab.json"), (FILES, "added_tokens.json"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_changed_file_is_opened_or_refused_in_words(layout: Layout, name: str, tmp_path: Path) -> None:
    folder, rng, refused = write(layout, tmp_path / "theirs"), random.Random(name), 0
    good = json.loads((folder / name).read_text(encoding="utf-8"))
    for turn in range(80):
        raw = json.dumps(mutated(good, rng)).encode()
        if turn % 4 == 0:
            at = rng.randrange(len(raw))
            raw = raw[:at] + bytes([rng.randrange(256)]) + raw[at + rng.randrange(3) :]
        (folder / name).write_bytes(raw)
        try:
            imported(folder)
        except GenstudioError as error:
            refused += 1
            assert error.message.encode("utf-8") and error.hint
    assert refused > 20
