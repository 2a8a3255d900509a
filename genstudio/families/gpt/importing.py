"""Models in GPT-2 style folders that other programs wrote: config.json, weights as safetensors, and a tokenizer.

Whatever the layout, the model computes what it computed there, or the folder is refused with the reason. Settings that
config.json leaves out are those that the transformers library takes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genstudio.data.learnable.tokens import TextData, from_metadata
from genstudio.data.tokenizers.foreign import open_model_tokenizer
from genstudio.data.tokenizers.model_folder import read_json
from genstudio.data.tokenizers.tokenizer import Tokenizer, on_one_line
from genstudio.data.work import Work, scaled
from genstudio.errors import ConfigError, DataError
from genstudio.families.family import Imported
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.foreign_weights import has_biases, own_weights, plain_names
from genstudio.families.gpt.weight_files import read_weights

_ACTIVATIONS = {
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu": "gelu",
    "relu": "relu",
}
_DEFAULTS: Mapping[str, Any] = {
    "n_layer": 12,
    "n_head": 12,
    "n_embd": 768,
    "n_positions": 1024,
    "n_ctx": 1024,
    "n_inner": None,
    "vocab_size": 50257,
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
    "resid_pdrop": 0.1,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
    "tie_word_embeddings": True,
}
_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
_THEIR_NAMES = {
    "layers": "n_layer",
    "heads": "n_head",
    "d_model": "n_embd",
    "context": "n_positions",
    "d_ff": "n_inner",
    "dropout": "resid_pdrop",
}


def imported(folder: Path) -> Work[Imported[GPTConfig, TextData]]:
    """Settings, vocabulary and weights of a GPT-2 style folder. Raises DataError and CheckpointError."""
    path = folder / "config.json"
    said = _settings(read_json(path), path)
    tokenizer, notes = yield from scaled(open_model_tokenizer(folder, said["vocab_size"]), 0.0, 0.4)
    found = yield from scaled(read_weights(folder), 0.4, 0.8)
    weights = plain_names(found, folder)
    config = _config(said, has_biases(weights), tokenizer, path)
    own, more = own_weights(config, tokenizer.size, weights, folder)
    yield 1.0
    return Imported(config, from_metadata({"tokenizer.json": tokenizer.to_json()}), {"model": own}, (*notes, *more))


def _settings(said: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Every setting that matters, of the right type. Raises DataError where one is not, or is not known here."""
    kind, architectures = said.get("model_type"), said.get("architectures")
    old = kind is None and isinstance(architectures, list) and str(architectures[:1]).startswith("['GPT2")
    if kind != "gpt2" and not old:
        raise DataError(
            f"config.json says model_type {_shown(kind)}, not 'gpt2'.", "Only GPT-2 style models can be opened.", path
        )
    values = dict(_DEFAULTS) | {name: said[name] for name in _DEFAULTS if name in said}
    if "n_positions" not in said:
        values["n_positions"] = values["n_ctx"]
    for name, value in values.items():
        _check_type(name, value, path)
    odd = [name for name in ("scale_attn_by_inverse_layer_idx", "add_cross_attention") if values[name]]
    odd += [] if values["scale_attn_weights"] else ["scale_attn_weights false"]
    if abs(values["layer_norm_epsilon"] - 1e-5) > 1e-9:
        odd.append(f"layer_norm_epsilon {values['layer_norm_epsilon']:g}")
    if values["activation_function"] not in _ACTIVATIONS:
        odd.append(f"activation_function {_shown(values['activation_function'])}")
    if odd:
        raise DataError(
            f"This variant of GPT-2 is not supported: {', '.join(odd)}.", "Choose another model.", path
        )
    return values


def _check_type(name: str, value: Any, path: Path) -> None:
    kind = int if name == "n_inner" else type(_DEFAULTS[name])
    fits = type(value) is kind or (kind is float and type(value) is int) or (name == "n_inner" and value is None)
    if not fits or (kind is float and not math.isfinite(value)):
        raise DataError(
            f"config.json says {name} {_shown(value)}, which is not {_KINDS[kind]}.",
            "It is damaged: download the folder again.",
            path,
        )


def _config(said: Mapping[str, Any], bias: bool, tokenizer: Tokenizer, path: Path) -> GPTConfig:
    values = {
        "layers": said["n_layer"],
        "heads": said["n_head"],
        "d_model": said["n_embd"],
        "context": said["n_positions"],
        "d_ff": said["n_inner"] or 0,
        "activation": _ACTIVATIONS[said["activation_function"]],
        "positions": "learned",
        "norm": "layernorm",
        "qk_norm": False,
        "bias": bias,
        "tied": said["tie_word_embeddings"],
        "dropout": said["resid_pdrop"],
        "tokenizer": "file",
        "tokenizer_file": str(path.parent / "tokenizer.json"),
        "markers": "none" if tokenizer.begin is None or tokenizer.end is None else "lines",
        "vocabulary": min(max(tokenizer.size, 8), 65535),
        "optimizer": "adamw",
        "learning_rate": 3e-5,
    }
    try:
        return GPTConfig.parse(values)
    except ConfigError as error:
        what = "; ".join(f"{_THEIR_NAMES.get(p.field, p.field)}: {p.message}" for p in error.problems)
        raise DataError(
            f"The settings in config.json cannot be used here: {what}.", "Choose another model.", path
        ) from None


def _shown(value: Any) -> str:
    """A value of a file on one line, no longer than a few words."""
    text = repr(value)
    return on_one_line(text, 40) + ("…" if len(text) > 40 else "")
