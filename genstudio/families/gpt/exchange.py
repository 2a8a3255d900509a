"""GPT-2 style folders: what other programs wrote, and what they read (config.json, model.safetensors, tokenizer.json).

The layout is that of the transformers library: `Conv1D` weights are (in, out), queries, keys and values lie side by side
in `c_attn`, and a tied head is left out. A test compares both ways with that library.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from genstudio.data.slices import Slices
from genstudio.data.text import TextData, reopen
from genstudio.data.tokenizers import tokenizer_from_json
from genstudio.data.tokenizers.foreign import open_tokenizer, tokenizer_text
from genstudio.data.tokenizers.library import byte_level
from genstudio.data.tokenizers.tokenizer import Tokenizer
from genstudio.errors import CheckpointError, ConfigError, DataError
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.learner import GPTLearner
from genstudio.training import tensors

LARGEST = 16 << 30
"""Bytes of a weights file at most."""

_SMALL = 32 << 20
_FROM_HF = {
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu": "gelu",
    "relu": "relu",
}
_TO_HF = {"gelu_tanh": "gelu_new", "gelu": "gelu", "relu": "relu"}
_END = "<|endoftext|>"
_NEEDED: tuple[tuple[str, Any, str], ...] = (
    ("positions", "learned", "learned positions"),
    ("norm", "layernorm", "LayerNorm"),
    ("norm_place", "pre", "the norm before each sub-layer"),
    ("qk_norm", False, "no QK-norm"),
    ("mask", True, "the look-ahead mask"),
)


def exported(learner: Any, form: str) -> Mapping[str, bytes]:
    """Files by name. `hf`: what transformers loads as GPT-2, whatever its tokens are; `safetensors`: this program's
    names, for any GPT.

    Raises DataError naming every setting that GPT-2 does not have.
    """
    if not isinstance(learner, GPTLearner):
        raise TypeError("this exports a GPT")
    tokenizer = learner.data.tokenizer
    weights = {name: tensor.detach().cpu() for name, tensor in learner.model.state_dict().items()}
    if form == "safetensors":
        said: dict[str, Any] = {"family": "gpt", "config": learner.config.model_dump(), "step": learner.step}
        model = tensors.dump(weights)
    else:
        said = _hf_config(learner.config, tokenizer)
        model = safetensors.torch.save(_hf_weights(learner.config, weights), {"format": "pt"})
    files = {"config.json": json.dumps(said, indent=1).encode(), "model.safetensors": model}
    if form == "hf":
        files["tokenizer_config.json"] = json.dumps(_hf_tokens(learner.config, tokenizer), indent=1).encode()
    return files | {"tokenizer.json": tokenizer_text(tokenizer)}


def adopted(folder: Path) -> Slices[tuple[GPTConfig, TextData, dict[str, Tensor]]]:
    """Settings, vocabulary and weights of a GPT-2 style folder. Raises DataError, CheckpointError, ConfigError."""
    said = _json(folder / "config.json")
    tokenizer = yield from _tokenizer(folder)
    config = _config(said, tokenizer, folder / "config.json")
    yield 0.3
    found = _read_weights(folder)
    yield 0.7
    weights = _own_weights(config, tokenizer.size, found, folder / "model.safetensors")
    yield 1.0
    return config, reopen({"tokenizer.json": tokenizer.to_json()}), weights


def _hf_config(config: GPTConfig, tokenizer: Tokenizer) -> dict[str, Any]:
    wrong = [f"{name} ({words})" for name, value, words in _NEEDED if getattr(config, name) != value]
    if config.activation not in _TO_HF:
        wrong.append("activation (gelu_tanh, gelu or relu)")
    if config.heads * config.head_size != config.d_model:
        wrong.append("d_head (d_model / heads)")
    if wrong:
        raise DataError(
            f"This model is no GPT-2, so the 'hf' format cannot hold it. GPT-2 needs: {', '.join(wrong)}.",
            "Export it as 'safetensors', or train one with these settings.",
        )
    return {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "n_layer": config.layers,
        "n_head": config.heads,
        "n_embd": config.d_model,
        "n_positions": config.context,
        "n_ctx": config.context,
        "n_inner": config.ff_width,
        "vocab_size": tokenizer.size,
        "activation_function": _TO_HF[config.activation],
        "layer_norm_epsilon": 1e-5,
        "resid_pdrop": config.dropout,
        "embd_pdrop": config.dropout,
        "attn_pdrop": config.dropout,
        "scale_attn_weights": True,
        "tie_word_embeddings": config.tied,
        "bos_token_id": tokenizer.begin,
        "eos_token_id": tokenizer.end,
        "torch_dtype": "float32",
    }


def _hf_tokens(config: GPTConfig, tokenizer: Tokenizer) -> dict[str, Any]:
    """Lets AutoTokenizer read tokenizer.json as it is, and not as a GPT-2's."""
    marks = {"bos_token": tokenizer.begin, "eos_token": tokenizer.end, "unk_token": getattr(tokenizer, "unknown", None)}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": config.context,
        "clean_up_tokenization_spaces": False,
        **{name: tokenizer.pieces([index])[0] for name, index in marks.items() if index is not None},
    }


def _names(config: GPTConfig) -> Iterator[tuple[str, str, bool, bool]]:
    """(our name, theirs, whether theirs is transposed, whether it is a bias that we may lack)"""
    yield "tokens.weight", "wte.weight", False, False
    yield "positions.weight", "wpe.weight", False, False
    parts = (
        ("attention_norm", "ln_1", False),
        ("attention.qkv", "attn.c_attn", True),
        ("attention.out", "attn.c_proj", True),
        ("feed_forward_norm", "ln_2", False),
        ("feed_forward.up", "mlp.c_fc", True),
        ("feed_forward.down", "mlp.c_proj", True),
    )
    for layer in range(config.layers):
        for ours, theirs, transposed in parts:
            yield f"blocks.{layer}.{ours}.weight", f"h.{layer}.{theirs}.weight", transposed, False
            yield f"blocks.{layer}.{ours}.bias", f"h.{layer}.{theirs}.bias", False, True
    yield "last_norm.weight", "ln_f.weight", False, False
    yield "last_norm.bias", "ln_f.bias", False, True


def _hf_weights(config: GPTConfig, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for ours, theirs, transposed, bias in _names(config):
        if bias and ours not in weights:
            found[f"transformer.{theirs}"] = torch.zeros(weights[ours.replace(".bias", ".weight")].shape[0])
        else:
            tensor = weights[ours].float()
            found[f"transformer.{theirs}"] = (tensor.t() if transposed else tensor).contiguous()
    if not config.tied:
        found["lm_head.weight"] = weights["head.weight"].float().contiguous()
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _SMALL:
            raise DataError(
                f"{path.name} is too large to be what it says.", "Choose the folder of a GPT-2 model.", path
            )
        said = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DataError(
            f"There is no {path.name} in this folder.", "Choose the folder of a GPT-2 model.", path
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path.name} cannot be read: {error}.", "Get the folder again.", path) from None
    if not isinstance(said, dict):
        raise DataError(f"{path.name} is not a set of named values.", "Get the folder again.", path)
    return said


def _tokenizer(folder: Path) -> Slices[Tokenizer]:
    if (folder / "tokenizer.json").is_file():
        return (yield from open_tokenizer(folder / "tokenizer.json"))
    vocabulary, place = _json(folder / "vocab.json"), folder / "merges.txt"
    try:
        lines = place.read_text(encoding="utf-8").split("\n") if place.stat().st_size <= _SMALL else []
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"merges.txt cannot be read: {error}.", "Get the folder again.", place) from None
    merges = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
    if any(len(merge) != 2 for merge in merges) or not all(type(index) is int for index in vocabulary.values()):
        raise DataError("vocab.json and merges.txt are not those of a byte-pair tokenizer.", "Get them again.", place)
    yield 0.1
    special = {_END: vocabulary.pop(_END)} if _END in vocabulary else {}
    return tokenizer_from_json(byte_level(vocabulary, merges, special))


def _config(said: Mapping[str, Any], tokenizer: Tokenizer, path: Path) -> GPTConfig:
    if said.get("model_type") != "gpt2":
        kind = str(said.get("model_type"))[:40]
        raise DataError(
            f"This is a model of the kind '{kind}', not 'gpt2'.", "Only GPT-2 style models can be opened.", path
        )
    activation = said.get("activation_function", "gelu_new")
    odd = [name for name in ("scale_attn_by_inverse_layer_idx", "add_cross_attention") if said.get(name)]
    if said.get("scale_attn_weights", True) is not True:
        odd.append("scale_attn_weights")
    if abs(_number(said, "layer_norm_epsilon", 1e-5) - 1e-5) > 1e-9:
        odd.append("layer_norm_epsilon")
    if activation not in _FROM_HF:
        odd.append(f"activation_function '{str(activation)[:40]}'")
    if odd:
        raise DataError(
            f"This GPT-2 is built in a way not known here: {', '.join(odd)}.", "Choose another model.", path
        )
    if said.get("vocab_size") != tokenizer.size:
        raise DataError(
            f"The model has {said.get('vocab_size')} tokens and its tokenizer {tokenizer.size}.",
            "Get both again.",
            path,
        )
    values = {
        "layers": said.get("n_layer"),
        "heads": said.get("n_head"),
        "d_model": said.get("n_embd"),
        "context": said.get("n_positions", said.get("n_ctx")),
        "d_ff": said.get("n_inner") or 0,
        "activation": _FROM_HF[activation],
        "positions": "learned",
        "norm": "layernorm",
        "qk_norm": False,
        "bias": True,
        "tied": said.get("tie_word_embeddings", True),
        "dropout": _number(said, "resid_pdrop", 0.0),
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
        raise DataError(f"Its settings cannot be used here: {error.message}", "Choose another model.", path) from None


def _number(said: Mapping[str, Any], name: str, default: float) -> float:
    value = said.get(name, default)
    return float(value) if isinstance(value, int | float) else float("nan")


def _read_weights(folder: Path) -> dict[str, Tensor]:
    path = folder / "model.safetensors"
    if not path.is_file():
        hint = "Choose a folder with model.safetensors."
        if (folder / "pytorch_model.bin").exists():
            hint = (
                "A .bin file can run code when opened, so it is refused. Convert it to safetensors where you trust it."
            )
        raise CheckpointError("There are no weights in a safe format in this folder.", hint, path)
    try:
        if path.stat().st_size > LARGEST:
            raise CheckpointError("The weights are larger than 16 GB.", "Choose a smaller model.", path)
        return tensors.load(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"The weights cannot be read: {error.strerror}.", "Check the folder.", path) from None
    except tensors.DamagedError as error:
        raise CheckpointError(f"The weights are damaged: {error}.", "Get the file again.", path) from None


def _own_weights(config: GPTConfig, vocabulary: int, found: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Their tensors under our names, every one of the right shape and finite."""
    theirs_by_name = {name.removeprefix("transformer."): tensor for name, tensor in found.items()}
    shapes = _shapes(config, vocabulary)
    weights: dict[str, Tensor] = {}
    wrong: list[str] = []
    for ours, theirs, transposed, _bias in _names(config):
        tensor = theirs_by_name.pop(theirs, None)
        tensor = tensor.t() if transposed and tensor is not None and tensor.ndim == 2 else tensor
        if tensor is None or tuple(tensor.shape) != shapes(ours):
            wrong.append(f"{theirs} ({'missing' if tensor is None else f'{tuple(tensor.shape)}, not {shapes(ours)}'})")
        else:
            weights[ours] = tensor.float().contiguous()
    head = theirs_by_name.pop("lm_head.weight", None)
    weights["head.weight"] = (
        weights.get("tokens.weight", torch.zeros(0)) if config.tied or head is None else head.float()
    )
    extra = [name for name in theirs_by_name if not name.endswith(("attn.bias", "attn.masked_bias"))]
    wrong += [f"{name} (not of a GPT-2)" for name in extra]
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise CheckpointError(
            f"The weights do not fit config.json: {', '.join(wrong[:5])}{more}.", "Get both again.", path
        )
    if bad := tensors.nonfinite(weights):
        raise CheckpointError(f"{bad} holds numbers that are not finite.", "Get the file again.", path)
    return weights


def _shapes(config: GPTConfig, vocabulary: int) -> Callable[[str], tuple[int, ...]]:
    from genstudio.families.gpt.model import GPT

    with torch.device("meta"):
        shapes = {name: tuple(tensor.shape) for name, tensor in GPT(config, vocabulary).state_dict().items()}
    return lambda name: shapes.get(name, ())
