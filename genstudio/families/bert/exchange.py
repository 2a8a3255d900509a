"""BERT folders for other programs (config.json, model.safetensors, tokenizer.json).

The `hf` layout is what the transformers library loads as `BertForMaskedLM`; a test compares the two. Queries, keys and values
are three matrices there, one below the other in ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from genstudio.data.tokenizers import to_library
from genstudio.data.tokenizers.library import added
from genstudio.data.tokenizers.special import NAMES, SpecialTokenizer
from genstudio.errors import DataError
from genstudio.families.bert.config import BertConfig
from genstudio.families.bert.model import BertModel
from genstudio.training import checkpoint, tensors

_TO_HF = {"gelu_tanh": "gelu_new", "gelu": "gelu", "relu": "relu"}
_NEEDED: tuple[tuple[str, Any, str], ...] = (
    ("positions", "learned", "learned positions"),
    ("norm", "layernorm", "LayerNorm"),
    ("norm_place", "post", "the norm after each sub-layer"),
    ("qk_norm", False, "no QK-norm"),
    ("original", True, "the original head and norms"),
    ("tied", True, "tied embeddings"),
)
ORIGINAL: Mapping[str, Any] = {name: value for name, value, _ in _NEEDED} | {"activation": "gelu", "bias": True}
"""Settings with which this is the BERT of Devlin et al. 2019."""


def exported(model: BertModel, form: str, step: int) -> Mapping[str, bytes]:
    """Files by name. `hf`: what transformers loads as `BertForMaskedLM`; `safetensors`: this program's names, for any BERT.

    Raises DataError naming every setting that the first BERT does not have.
    """
    config, tokenizer = model.config, model.tokenizer
    weights = {name: tensor.detach().cpu() for name, tensor in checkpoint.weights_of(model.modules).items()}
    if form == "safetensors":
        said: dict[str, Any] = {"family": "bert", "config": config.model_dump(), "step": step}
        content = tensors.dump(weights)
    else:
        said = _hf_config(config, tokenizer)
        content = safetensors.torch.save(_hf_weights(config, weights), {"format": "pt"})
    return {
        "config.json": json.dumps(said, indent=1).encode(),
        "model.safetensors": content,
        "tokenizer.json": json.dumps(_tokenizer(tokenizer), ensure_ascii=False).encode(),
        "tokenizer_config.json": json.dumps(_special(config), indent=1).encode(),
    }


def _hf_config(config: BertConfig, tokenizer: SpecialTokenizer) -> dict[str, Any]:
    wrong = [f"{name} ({words})" for name, value, words in _NEEDED if getattr(config, name) != value]
    if config.activation not in _TO_HF:
        wrong.append("activation (gelu, gelu_tanh or relu)")
    if config.heads * config.head_size != config.d_model:
        wrong.append("d_head (d_model / heads)")
    if wrong:
        raise DataError(
            f"This model is not built like the original BERT, so the 'hf' format cannot hold it. It needs: "
            f"{', '.join(wrong)}.",
            "Export it as 'safetensors', or train one with the preset 'original'.",
        )
    return {
        "model_type": "bert",
        "architectures": ["BertForMaskedLM"],
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "hidden_size": config.d_model,
        "intermediate_size": config.ff_width,
        "max_position_embeddings": config.context,
        "vocab_size": tokenizer.size,
        "type_vocab_size": 2,
        "hidden_act": _TO_HF[config.activation],
        "layer_norm_eps": 1e-5,
        "hidden_dropout_prob": config.dropout,
        "attention_probs_dropout_prob": config.dropout,
        "pad_token_id": tokenizer.pad,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
    }


def _names(layers: int) -> Iterator[tuple[str, str]]:
    """(ours, theirs) of every weight that has a bias beside it, but for queries, keys and values."""
    yield "embedding_norm", "bert.embeddings.LayerNorm"
    for layer in range(layers):
        ours, theirs = f"blocks.{layer}", f"bert.encoder.layer.{layer}"
        yield f"{ours}.attention.out", f"{theirs}.attention.output.dense"
        yield f"{ours}.attention_norm", f"{theirs}.attention.output.LayerNorm"
        yield f"{ours}.feed_forward.up", f"{theirs}.intermediate.dense"
        yield f"{ours}.feed_forward.down", f"{theirs}.output.dense"
        yield f"{ours}.feed_forward_norm", f"{theirs}.output.LayerNorm"
    yield "head.dense", "cls.predictions.transform.dense"
    yield "head.norm", "cls.predictions.transform.LayerNorm"


def _hf_weights(config: BertConfig, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found = {
        "bert.embeddings.word_embeddings.weight": weights["model.tokens.weight"],
        "bert.embeddings.position_embeddings.weight": weights["model.positions.weight"],
        "bert.embeddings.token_type_embeddings.weight": weights["model.segments.weight"],
        "cls.predictions.bias": weights["model.head.output.bias"],
    }
    for ours, theirs in _names(config.layers):
        matrix = weights[f"model.{ours}.weight"]
        found[f"{theirs}.weight"] = matrix
        found[f"{theirs}.bias"] = weights.get(f"model.{ours}.bias", torch.zeros(len(matrix)))
    for layer in range(config.layers):
        matrix = weights[f"model.blocks.{layer}.attention.qkv.weight"]
        bias = weights.get(f"model.blocks.{layer}.attention.qkv.bias", torch.zeros(len(matrix)))
        parts = zip(("query", "key", "value"), matrix.chunk(3), bias.chunk(3), strict=True)
        for name, weight, offset in parts:
            found[f"bert.encoder.layer.{layer}.attention.self.{name}.weight"] = weight
            found[f"bert.encoder.layer.{layer}.attention.self.{name}.bias"] = offset
    return {name: tensor.float().contiguous().clone() for name, tensor in found.items()}


def _tokenizer(tokenizer: SpecialTokenizer) -> dict[str, Any]:
    """What the library `tokenizers` reads: the base with the special tokens, and [CLS] before every text."""
    found = dict(to_library(tokenizer.base))
    own = [added(name, tokenizer.base.size + place) for place, name in enumerate(NAMES)]
    own[-1]["lstrip"] = tokenizer.absorbs_space
    begin = {"[CLS]": {"id": "[CLS]", "ids": [tokenizer.begin], "tokens": ["[CLS]"]}}
    first, text = {"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}
    found["added_tokens"] = [*(found.get("added_tokens") or []), *own]
    found["post_processor"] = {
        "type": "TemplateProcessing", "single": [first, text], "pair": [first, text], "special_tokens": begin,
    }  # fmt: skip
    return found


def _special(config: BertConfig) -> dict[str, Any]:
    names = ("pad_token", "cls_token", "sep_token", "mask_token")
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": config.context,
        "clean_up_tokenization_spaces": False,
        **dict(zip(names, NAMES, strict=True)),
    }
