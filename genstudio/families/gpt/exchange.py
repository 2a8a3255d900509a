"""GPT-2 style folders for other programs (config.json, model.safetensors, tokenizer.json).

The layout is that of the transformers library: `Conv1D` weights are (in, out), queries, keys and values lie side by side
in `c_attn`, and a tied head is left out. A test compares both ways with that library.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from genstudio.data.tokenizers.foreign import tokenizer_text
from genstudio.data.tokenizers.tokenizer import Tokenizer
from genstudio.errors import DataError
from genstudio.evaluation import count_tables
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.counted import FILE
from genstudio.families.gpt.gpt2_names import names
from genstudio.families.gpt.model import GPTModel
from genstudio.training import tensors

_TO_HF = {"gelu_tanh": "gelu_new", "gelu": "gelu", "relu": "relu"}
_NEEDED: tuple[tuple[str, Any, str], ...] = (
    ("positions", "learned", "learned positions"),
    ("norm", "layernorm", "LayerNorm"),
    ("norm_place", "pre", "the norm before each sub-layer"),
    ("qk_norm", False, "no QK-norm"),
    ("mask", True, "the look-ahead mask"),
    ("counts", "none", "no n-gram counts"),
)


def exported(model: GPTModel, form: str, step: int) -> Mapping[str, bytes]:
    """Files by name. `hf`: what transformers loads as GPT-2, whatever its tokens are; `safetensors`: this program's
    names, for any GPT, with the gate and the counts of one that is mixed with counts.

    Raises DataError naming every setting that GPT-2 does not have.
    """
    config, tokenizer = model.config, model.tokenizer
    weights = {name: tensor.detach().cpu() for name, tensor in model.transformer.state_dict().items()}
    gate = {} if model.mixture is None else {"gate": model.mixture.gate.weights.detach().cpu()}
    if form == "safetensors":
        said: dict[str, Any] = {"family": "gpt", "config": config.model_dump(), "step": step}
        content = tensors.dump(weights | gate)
    else:
        said = _hf_config(config, tokenizer)
        content = safetensors.torch.save(_hf_weights(config, weights), {"format": "pt"})
    files = {"config.json": json.dumps(said, indent=1).encode(), "model.safetensors": content}
    if form == "hf":
        files["tokenizer_config.json"] = json.dumps(_hf_tokens(config, tokenizer), indent=1).encode()
    counts = {} if model.mixture is None else {FILE: count_tables.dump(model.mixture.counts)}
    return files | counts | {"tokenizer.json": tokenizer_text(tokenizer)}


def _hf_config(config: GPTConfig, tokenizer: Tokenizer) -> dict[str, Any]:
    wrong = [f"{name} ({words})" for name, value, words in _NEEDED if getattr(config, name) != value]
    if config.activation not in _TO_HF:
        wrong.append("activation (gelu_tanh, gelu or relu)")
    if config.heads * config.head_size != config.d_model:
        wrong.append("d_head (d_model / heads)")
    if wrong:
        raise DataError(
            f"This model is not a GPT-2, so it cannot be exported in the 'hf' format. GPT-2 needs: {', '.join(wrong)}.",
            "Export it as 'safetensors', or train a model with these settings.",
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


def _hf_weights(config: GPTConfig, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for ours, theirs, transposed, bias in names(config):
        if bias and ours not in weights:
            found[f"transformer.{theirs}"] = torch.zeros(weights[ours.replace(".bias", ".weight")].shape[0])
        else:
            tensor = weights[ours].float()
            found[f"transformer.{theirs}"] = (tensor.t() if transposed else tensor).contiguous()
    if not config.tied:
        found["lm_head.weight"] = weights["head.weight"].float().contiguous()
    return found
