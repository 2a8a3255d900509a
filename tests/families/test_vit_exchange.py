"""ViT folders of transformers: read and written, with the numbers that the library itself computes; and folders that lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from genstudio.data import shelf
from genstudio.data.work import finished
from genstudio.errors import CheckpointError, DataError, GenstudioError
from genstudio.families.vit import FAMILY, ViTConfig
from genstudio.families.vit.exchange import exported, imported, own_weights
from genstudio.nn.patches import PatchEncoder
from genstudio.nn.transformer import Architecture
from genstudio.tasks.classify import ClassifyPictures
from genstudio.tasks.evaluate import Evaluate
from genstudio.tasks.exchange import ImportModel
from genstudio.tasks.models import ModelRef, Models
from helpers import result

transformers = pytest.importorskip("transformers")


@pytest.fixture(autouse=True)
def _no_watched_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's progress bars start a thread that would outlive the test."""
    monkeypatch.setattr("tqdm.std.tqdm.monitor_interval", 0)


def theirs(**more: Any) -> Any:
    said = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40, "image_size": 12,
            "patch_size": 4, "num_channels": 3, "hidden_act": "gelu", "layer_norm_eps": 1e-5, "num_labels": 5}  # fmt: skip
    torch.manual_seed(3)
    found = transformers.ViTForImageClassification(transformers.ViTConfig(**{**said, **more}, attn_implementation="sdpa")).eval()
    for weight in found.parameters():
        nn.init.normal_(weight, 0.0, 0.3)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    theirs().save_pretrained(tmp_path / "theirs")
    return tmp_path / "theirs"


def test_the_weights_of_transformers_own_vit_give_its_vectors() -> None:
    model = theirs().vit.double()
    arch = Architecture(
        vocabulary=1, context=10, layers=2, heads=3, d_model=24, d_head=8, d_ff=40, bias=True, causal=False,
    )  # fmt: skip
    ours = PatchEncoder(arch, 3, 4, True).double().eval()
    ours.load_state_dict(own_weights(model.state_dict(), 2))
    real = torch.randn(4, 3, 12, 12, dtype=torch.float64)
    with torch.no_grad():
        assert (ours(real) - model(real).last_hidden_state).abs().max() < 1e-9
        assert (ours.float()(real.float()) - model.float()(real.float()).last_hidden_state).abs().max() < 1e-4


def test_a_folder_of_theirs_is_a_run_that_classifies_as_it_did_there(folder: Path, tmp_path: Path) -> None:
    made = result(ImportModel(str(folder), "foreign", runs_folder=tmp_path / "runs"))
    assert made.notes == ()
    models = Models()
    model: Any = models.get(ModelRef(made.folder)).model
    assert model.classes == tuple(f"LABEL_{i}" for i in range(5)) and model.config.pooling == "class"
    pixels = np.random.default_rng(0).integers(0, 256, (6, 12, 12, 3), dtype=np.uint8)
    with torch.no_grad():
        wanted = theirs()(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1).logits.softmax(-1)
    assert np.abs(model.probabilities(pixels) - wanted.numpy()).max() < 1e-4
    with pytest.raises(DataError, match="cannot be read"):
        result(ClassifyPictures(ModelRef(made.folder), (str(tmp_path / "none.png"),)), models)
    with pytest.raises(GenstudioError, match="was imported"):
        result(Evaluate(ModelRef(made.folder)), models)


def test_what_is_exported_is_what_their_library_loads_with_the_same_numbers(tmp_path: Path) -> None:
    values = {"patch": 4, "layers": 2, "heads": 2, "d_model": 16, "pooling": "class"}
    config = ViTConfig.parse(values)
    data = finished(FAMILY.prepare(config, shelf.open_dataset(shelf.find_dataset("digits8"))))
    model: Any = FAMILY.model(config, data, "cpu", 0)
    nn.init.normal_(model.head.weight)
    for name, content in exported(model, "hf", 7).items():
        (tmp_path / name).write_bytes(content)
    library = transformers.ViTForImageClassification.from_pretrained(tmp_path).eval()
    pixels = data.real[:8]
    with torch.no_grad():
        wanted = library(model.inside(pixels)).logits.softmax(-1).numpy()
    assert np.abs(model.probabilities(pixels) - wanted).max() < 1e-5
    assert library.config.id2label[3] == "3"
    back = finished(imported(tmp_path))
    assert back.config.layers == 2 and back.data.shape.classes == data.shape.classes
    for name, tensor in model.encoder.state_dict().items():
        assert torch.equal(back.weights["encoder"][name], tensor)
    plain = FAMILY.model(ViTConfig.parse({**values, "pooling": "mean", "bias": False}), data, "cpu", 0)
    with pytest.raises(DataError, match=r"the class token.*biases"):
        exported(plain, "hf", 7)
    assert json.loads(exported(plain, "safetensors", 7)["config.json"])["family"] == "vit"


def change(folder: Path, **values: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def weights(folder: Path, edit: Callable[[dict[str, torch.Tensor]], None]) -> None:
    path = folder / "model.safetensors"
    found = safetensors.torch.load_file(path)
    edit(found)
    safetensors.torch.save_file(found, path)


HEAD = "classifier.weight"
LIES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "another model": (lambda f: change(f, model_type="gpt2"), "not 'vit'"),
    "no number": (lambda f: change(f, hidden_size="many"), "hidden_size many"),
    "huge": (lambda f: change(f, num_hidden_layers=10**9), "num_hidden_layers"),
    "too deep": (lambda f: change(f, num_hidden_layers=200), "cannot be used here"),
    "patches": (lambda f: change(f, patch_size=5), "do not fill 12 x 12"),
    "no classes": (lambda f: change(f, id2label={}), "names no classes"),
    "odd classes": (lambda f: change(f, id2label={"0": "a", "7": "b"}), "cannot be read"),
    "activation": (lambda f: change(f, hidden_act="silu"), "not supported"),
    "epsilon": (lambda f: change(f, layer_norm_eps=0.5), "layer_norm_eps"),
    "another width": (lambda f: change(f, hidden_size=48), "do not fit config.json"),
    "a layer more": (lambda f: change(f, num_hidden_layers=3), "lack"),
    "no JSON": (lambda f: (f / "config.json").write_text("[" * 5000), "is not JSON"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "There is no model.safetensors"),
    "noise": (lambda f: (f / "model.safetensors").write_bytes(b"\xff" * 500), "cannot be read"),
    "not finite": (lambda f: weights(f, lambda w: w[HEAD].fill_(float("nan"))), "not finite"),
    "no head": (lambda f: weights(f, lambda w: w.pop(HEAD)), "lack"),
    "a scalar": (lambda f: weights(f, lambda w: w.update({"vit.embeddings.position_embeddings": torch.zeros(())})), ""),
    "mixed": (lambda f: (f / "preprocessor_config.json").write_text('{"image_mean": [0.1, 0.2, 0.3]}'), "normalised in another"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_folder_that_lies_is_refused_with_the_reason(name: str, folder: Path) -> None:
    edit, says = LIES[name]
    edit(folder)
    with pytest.raises((DataError, CheckpointError)) as error:
        finished(imported(folder))
    assert says in str(error.value)


def test_a_smaller_epsilon_is_said(folder: Path) -> None:
    change(folder, layer_norm_eps=1e-12)
    assert "answers differ slightly" in finished(imported(folder)).notes[0]
