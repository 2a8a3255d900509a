"""ViT folders of other programs (config.json, model.safetensors), both ways.

The `hf` layout is what the transformers library loads as `ViTForImageClassification`; a test compares the two. Queries, keys and
values are three matrices there, one below the other in ours.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from genstudio.data.pointer import refuse_pointer
from genstudio.data.tokenizers.model_folder import read_json
from genstudio.data.work import Work
from genstudio.errors import CheckpointError, ConfigError, DataError
from genstudio.families.family import Imported
from genstudio.families.vit.config import ViTConfig, patch_problem, patches_of
from genstudio.families.vit.data import MOST_PATCHES, ViTData, from_metadata
from genstudio.families.weights import exporter
from genstudio.nn.norm import EPSILON
from genstudio.training import checkpoint, tensors

LARGEST, _MOST_CLASSES = 2 << 30, 10_000
_ACTIVATIONS = {"gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "relu": "relu"}
_TO_HF = {"gelu_tanh": "gelu_new", "gelu": "gelu", "relu": "relu"}
_NUMBERS = {
    "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072, "image_size": 224,
    "patch_size": 16, "num_channels": 3,
}  # fmt: skip
_NEEDED: tuple[tuple[str, Any, str], ...] = (
    ("pooling", "class", "the class token"), ("positions", "learned", "learned positions"), ("norm", "layernorm", "LayerNorm"),
    ("norm_place", "pre", "the norm before each sub-layer"), ("qk_norm", False, "no QK-norm"), ("bias", True, "biases"),
    ("task", "classify", "classes"),
)  # fmt: skip
_ELSE = "Choose another model."


def _layer(old: bool, layer: int) -> dict[str, str]:
    """Our names in a block -> theirs, as files have them (`old`) and as modules of newer versions do."""
    theirs = f"encoder.layer.{layer}" if old else f"layers.{layer}"
    inside = {
        "attention_norm": "layernorm_before", "attention.out": "attention.output.dense" if old else "attention.o_proj",
        "feed_forward_norm": "layernorm_after", "feed_forward.up": "intermediate.dense" if old else "mlp.fc1",
        "feed_forward.down": "output.dense" if old else "mlp.fc2",
    }  # fmt: skip
    return {f"blocks.{layer}.{ours}": f"{theirs}.{name}" for ours, name in inside.items()}


def _heads(old: bool, layer: int) -> tuple[str, ...]:
    """Their names of queries, keys and values."""
    if old:
        return tuple(f"encoder.layer.{layer}.attention.attention.{name}" for name in ("query", "key", "value"))
    return tuple(f"layers.{layer}.attention.{name}_proj" for name in "qkv")


def own_weights(found: Mapping[str, Tensor], layers: int) -> dict[str, Tensor]:
    """The tensors of an encoder under our names; `found` has theirs, without a prefix. Raises KeyError for a missing one."""
    old = not any(name.startswith("layers.") for name in found)
    own = {
        "tokens.first": found["embeddings.cls_token"],
        "tokens.weight": found["embeddings.patch_embeddings.projection.weight"].flatten(1),
        "tokens.bias": found["embeddings.patch_embeddings.projection.bias"],
        "positions.weight": found["embeddings.position_embeddings"][0],
    }
    pairs = {"last_norm": "layernorm"}
    for layer in range(layers):
        pairs |= _layer(old, layer)
        for kind in ("weight", "bias"):
            parts = [found[f"{name}.{kind}"] for name in _heads(old, layer)]
            own[f"blocks.{layer}.attention.qkv.{kind}"] = torch.cat(parts)
    for ours, theirs in pairs.items():
        own |= {f"{ours}.{kind}": found[f"{theirs}.{kind}"] for kind in ("weight", "bias")}
    return own


def imported(folder: Path) -> Work[Imported[ViTConfig, ViTData]]:
    """Settings, classes and weights of a ViT folder. Raises DataError and CheckpointError for anything that would not compute
    here what it computed there."""
    path = folder / "config.json"
    said = read_json(path)
    config, data, notes = _settings(said, path)
    yield 0.1
    weights_path = folder / "model.safetensors"
    found = _read(weights_path)
    yield 0.6
    plain = {name.removeprefix("vit."): tensor for name, tensor in found.items()}
    try:
        own = own_weights(plain, config.layers)
        head = {kind: plain[f"classifier.{kind}"] for kind in ("weight", "bias")}
    except (KeyError, IndexError) as error:
        raise CheckpointError(f"The weights of this ViT lack {error.args[0]!r:.80}.", _ELSE, weights_path) from None
    except RuntimeError:
        raise CheckpointError("The weights of this ViT have other shapes than config.json says.", _ELSE, weights_path) from None
    from genstudio.families.vit.networks import Head, encoder

    with torch.device("meta"):
        whole = encoder(config, data.shape.channels, patches_of(config, data.shape))
        shapes = {name: t.shape for name, t in whole.state_dict().items()}
        wanted = {name: t.shape for name, t in Head(config.d_model, len(data.shape.classes)).state_dict().items()}
    for mine, theirs in ((shapes, own), (wanted, head)):
        wrong = [name for name, shape in mine.items() if name not in theirs or theirs[name].shape != shape]
        if wrong:
            raise CheckpointError(f"The weights of this ViT do not fit config.json: {wrong[0]}.", _ELSE, weights_path)
    everything = {**own, **{f"classifier.{name}": tensor for name, tensor in head.items()}}
    if bad := tensors.nonfinite(everything):
        raise CheckpointError(f"The weights contain values that are not finite: {str(bad)[:80]}.", _ELSE, weights_path)
    yield 1.0
    return Imported(config, data, {"encoder": _plain(own), "classifier": _plain(head)}, notes)


def _plain(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.float().contiguous() for name, tensor in weights.items()}


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise CheckpointError("There is no model.safetensors in this folder.", "Choose a folder with safetensors weights.", path)
    refuse_pointer(path)
    if path.stat().st_size > LARGEST:
        raise CheckpointError(f"The weights are larger than {LARGEST >> 30} GB.", "Choose a smaller model.", path)
    try:
        return tensors.load(path.read_bytes())
    except (tensors.DamagedError, OSError):
        raise CheckpointError("model.safetensors cannot be read.", "It is damaged: download it again.", path) from None


def _settings(said: Mapping[str, Any], path: Path) -> tuple[ViTConfig, ViTData, tuple[str, ...]]:
    if said.get("model_type") != "vit":
        raise DataError(f"config.json says model_type {str(said.get('model_type'))[:40]!r}, not 'vit'.", _ELSE, path)
    numbers = {name: said.get(name, usual) for name, usual in _NUMBERS.items()}
    for name, value in numbers.items():
        if type(value) is not int or not 0 < value <= 16384:
            raise DataError(f"config.json says {name} {str(value)[:40]}, which is not a possible number.", _ELSE, path)
    names = said.get("id2label")
    if not isinstance(names, dict) or not 1 < len(names) <= _MOST_CLASSES:
        raise DataError("config.json names no classes (id2label).", "Choose a ViT that was trained to classify.", path)
    classes = [names.get(str(number), names.get(number)) for number in range(len(names))]
    if not all(isinstance(name, str) and 0 < len(name) <= 200 for name in classes):
        raise DataError("The classes in config.json (id2label) cannot be read.", _ELSE, path)
    activation, epsilon = said.get("hidden_act", "gelu"), said.get("layer_norm_eps", 1e-12)
    if activation not in _ACTIVATIONS or said.get("qkv_bias", True) is not True or numbers["num_channels"] not in (1, 3):
        raise DataError("This variant of ViT is not supported: it needs GELU or ReLU, biases, and 1 or 3 channels.", _ELSE, path)
    if type(epsilon) not in (int, float) or not math.isfinite(epsilon) or not 0 <= epsilon <= EPSILON:
        raise DataError(f"config.json says layer_norm_eps {str(epsilon)[:40]}, which is not supported.", _ELSE, path)
    notes = []
    if epsilon < EPSILON:
        notes.append(f"Norms add {EPSILON:g} to the variance here and {epsilon:g} there: answers differ slightly.")
    preparing = path.parent / "preprocessor_config.json"
    if preparing.is_file():
        how = read_json(preparing)
        if any(how.get(name, [0.5]) not in ([0.5] * 3, [0.5]) for name in ("image_mean", "image_std")):
            raise DataError("Its pictures are normalised in another way than from -1 to 1.", _ELSE, preparing)
    side = numbers["image_size"]
    values = {
        "layers": numbers["num_hidden_layers"], "heads": numbers["num_attention_heads"], "d_model": numbers["hidden_size"],
        "d_ff": numbers["intermediate_size"], "patch": numbers["patch_size"], "activation": _ACTIVATIONS[activation],
        "dropout": 0.0, "optimizer": "adamw", "learning_rate": 3e-5, **{name: value for name, value, _ in _NEEDED},
    }  # fmt: skip
    try:
        config = ViTConfig.parse(values)
    except ConfigError as error:
        what = "; ".join(f"{problem.field}: {problem.message}" for problem in error.problems)
        raise DataError(f"The settings in config.json cannot be used here: {what}.", _ELSE, path) from None
    if (problem := patch_problem(config, side, side)) is not None:
        raise DataError(f"The settings in config.json do not fit each other: {problem.message}.", _ELSE, path)
    if (count := (side // config.patch) ** 2) > MOST_PATCHES:
        raise DataError(f"{count:,} patches are more than the {MOST_PATCHES:,} that are possible.", _ELSE, path)
    shape = {
        "kind": "images", "size": [side, side, numbers["num_channels"]], "classes": classes, "labelled": True, "mean": [0, 0],
        "scale": 1.0, "extent": [0, 1, 0, 1], "centres": None, "sigma": None,
    }  # fmt: skip
    return config, from_metadata(config, {"data.json": shape}), tuple(notes)


def exported(model: Any, form: str, step: int) -> Mapping[str, bytes]:
    """Files by name. `hf`: what transformers loads as `ViTForImageClassification`; `safetensors`: this program's names. Raises
    DataError naming every setting that the first ViT does not have."""
    if form != "hf":
        return exporter("vit")(model, form, step)
    config, shape = model.config, model.data.shape
    wrong = [f"{name} ({words})" for name, value, words in _NEEDED if getattr(config, name) != value]
    wrong += [] if config.activation in _TO_HF else ["activation (gelu, gelu_tanh or relu)"]
    wrong += [] if config.heads * config.head_size == config.d_model else ["d_head (d_model / heads)"]
    wrong += [] if shape.height == shape.width else ["square pictures"]
    if wrong:
        raise DataError(
            f"This model is built in another way than the first ViT, so the 'hf' format cannot hold it. It needs: "
            f"{', '.join(wrong)}.", "Export it as 'safetensors'.",
        )  # fmt: skip
    said = {
        "model_type": "vit", "architectures": ["ViTForImageClassification"], "hidden_size": config.d_model,
        "num_hidden_layers": config.layers, "num_attention_heads": config.heads, "intermediate_size": config.ff_width,
        "image_size": shape.height, "patch_size": config.patch, "num_channels": shape.channels,
        "hidden_act": _TO_HF[config.activation], "layer_norm_eps": EPSILON, "qkv_bias": True,
        "hidden_dropout_prob": config.dropout, "attention_probs_dropout_prob": config.dropout, "torch_dtype": "float32",
        "id2label": {str(number): name for number, name in enumerate(shape.classes)},
        "label2id": {name: number for number, name in enumerate(shape.classes)},
    }  # fmt: skip
    how = {"do_resize": True, "size": {"height": shape.height, "width": shape.width}, "image_mean": [0.5] * shape.channels,
           "image_std": [0.5] * shape.channels, "image_processor_type": "ViTImageProcessor"}  # fmt: skip
    weights = {name: tensor.detach().cpu().float() for name, tensor in checkpoint.weights_of(model.modules).items()}
    theirs = {name: tensor.contiguous().clone() for name, tensor in _their_weights(config, shape.channels, weights)}
    return {
        "config.json": json.dumps(said, indent=1).encode(),
        "preprocessor_config.json": json.dumps(how, indent=1).encode(),
        "model.safetensors": safetensors.torch.save(theirs, {"format": "pt"}),
    }


def _their_weights(config: ViTConfig, channels: int, weights: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    yield "vit.embeddings.cls_token", weights["encoder.tokens.first"]
    matrix = weights["encoder.tokens.weight"]
    yield "vit.embeddings.patch_embeddings.projection.weight", matrix.view(-1, channels, config.patch, config.patch)
    yield "vit.embeddings.patch_embeddings.projection.bias", weights["encoder.tokens.bias"]
    yield "vit.embeddings.position_embeddings", weights["encoder.positions.weight"][None]
    pairs = {"last_norm": "layernorm"}
    for layer in range(config.layers):
        pairs |= _layer(True, layer)
        for kind in ("weight", "bias"):
            parts = weights[f"encoder.blocks.{layer}.attention.qkv.{kind}"].chunk(3)
            yield from ((f"vit.{name}.{kind}", part) for name, part in zip(_heads(True, layer), parts, strict=True))
    for ours, theirs in pairs.items():
        for kind in ("weight", "bias"):
            yield f"vit.{theirs}.{kind}", weights[f"encoder.{ours}.{kind}"]
    for kind in ("weight", "bias"):
        yield f"classifier.{kind}", weights[f"classifier.{kind}"]
