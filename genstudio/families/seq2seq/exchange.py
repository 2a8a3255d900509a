"""Folders for other programs (config.json, model.safetensors, tokenizer.json), and back.

The layout is that of the transformers library: Marian, which has its norms behind each sum, or Pegasus, which has them before
each sub-layer and one behind the last. Of that library's encoder-decoders these two compute what ours does: BART and mBART have
a further norm behind the embedding, T5 has relative positions. Both keep their table of positions among the weights, so a
learnt one fits in. A test compares both ways with that library.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from genstudio.data.learnable.pairs import PairData, from_metadata
from genstudio.data.tokenizers.foreign import open_model_tokenizer, tokenizer_text
from genstudio.data.tokenizers.model_folder import read_json
from genstudio.data.vocabulary import with_markers
from genstudio.data.work import Work, scaled
from genstudio.errors import CheckpointError, DataError
from genstudio.families.family import Imported
from genstudio.families.seq2seq.config import Seq2SeqConfig
from genstudio.families.seq2seq.model import Seq2SeqModel
from genstudio.nn.positions import sinusoidal
from genstudio.training import tensors

KINDS: Mapping[str, str] = {"marian": "post", "pegasus": "pre"}
"""Model types that are read, with the place of their norms."""
_ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "gelu_tanh": "gelu_new"}
_NEEDED: tuple[tuple[str, tuple[Any, ...], str], ...] = (
    ("architecture", ("transformer",), "a transformer"),
    ("vocabularies", ("shared",), "one vocabulary for both sides"),
    ("positions", ("learned", "sinusoidal"), "learned or sinusoidal positions"),
    ("norm", ("layernorm",), "LayerNorm"),
    ("qk_norm", (False,), "no QK-norm"),
    ("activation", tuple(_ACTIVATIONS), "gelu, gelu_tanh or relu"),
)
_SIDES = ("encoder", "decoder")
_EVERY = ("weight", "bias")


def exported(model: Seq2SeqModel, form: str, step: int) -> Mapping[str, bytes]:
    """Files by name. `hf`: what transformers loads as Marian or Pegasus; `safetensors`: this program's names, for any model.

    Raises DataError naming every setting that neither of them has.
    """
    config = model.config
    weights = {name: tensor.detach().cpu() for name, tensor in model.network.state_dict().items()}
    files = {"tokenizer.json": tokenizer_text(model.tokenizer)}
    if form == "safetensors":
        said: dict[str, Any] = {"family": "seq2seq", "config": config.model_dump(), "step": step}
        files["model.safetensors"] = tensors.dump(weights)
        if config.vocabularies == "two":
            files["source_tokenizer.json"] = tokenizer_text(model.source_tokenizer)
    else:
        said = _their_config(model)
        files["model.safetensors"] = safetensors.torch.save(_their_weights(config, weights), {"format": "pt"})
    return files | {"config.json": json.dumps(said, indent=1).encode()}


def imported(folder: Path) -> Work[Imported[Seq2SeqConfig, PairData]]:
    """Settings, vocabulary and weights of a Marian or Pegasus folder with a tokenizer.json. Raises DataError, CheckpointError."""
    said, path = read_json(folder / "config.json"), folder / "config.json"
    if said.get("model_type") not in KINDS:
        raise DataError(f"config.json does not say model_type {' or '.join(KINDS)}.", "Choose another folder.", path)
    size = said.get("vocab_size")
    tokenizer, notes = yield from scaled(open_model_tokenizer(folder, size if isinstance(size, int) else 0), 0.0, 0.4)
    tokenizer = with_markers(tokenizer, True)
    if (tokenizer.begin, tokenizer.end) != (said.get("decoder_start_token_id"), said.get("eos_token_id")):
        raise DataError("The tokenizer's markers are not those with which this model begins and ends a text.",
            "Only models whose tokenizer.json names both can be opened.", path)  # fmt: skip
    try:
        theirs = tensors.load((folder / "model.safetensors").read_bytes())
    except OSError as error:
        raise CheckpointError(f"model.safetensors cannot be read: {error.strerror}.", "Check the folder.", folder) from None
    except tensors.DamagedError as error:
        raise CheckpointError(f"model.safetensors is damaged: {error}.", "Get the file again.", folder) from None
    try:
        config = _own_config(said, theirs, tokenizer.size)
        weights = _own_weights(config, theirs)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"This folder does not have {error}.", "It was not written as transformers writes it.", path) from None
    yield 1.0
    return Imported(config, from_metadata({"tokenizer.json": tokenizer.to_json()}, shared=True), {"model": weights}, tuple(notes))


def _their_config(model: Seq2SeqModel) -> dict[str, Any]:
    config, tokenizer = model.config, model.tokenizer
    wrong = [f"{name} ({words})" for name, values, words in _NEEDED if getattr(config, name) not in values]
    if config.architecture == "transformer" and config.heads * config.head_size != config.d_model:
        wrong.append("d_head (d_model / heads)")
    if config.positions == "sinusoidal" and config.position_base != 10_000:
        wrong.append("position_base (10,000)")
    if wrong:
        raise DataError(
            f"The 'hf' format cannot hold this model: it is neither a Marian nor a Pegasus. They need: {', '.join(wrong)}.",
            "Export it as 'safetensors', or train one with these settings.",
        )
    kind = next(kind for kind, place in KINDS.items() if place == config.norm_place)
    each = {"layers": config.layers, "attention_heads": config.heads, "ffn_dim": config.ff_width, "layerdrop": 0.0}
    return {
        "model_type": kind,
        "architectures": ["MarianMTModel" if kind == "marian" else "PegasusForConditionalGeneration"],
        **{f"{side}_{name}": value for side in _SIDES for name, value in each.items()},
        "d_model": config.d_model,
        "max_position_embeddings": config.context,
        "vocab_size": tokenizer.size,
        "decoder_vocab_size": tokenizer.size,
        "activation_function": _ACTIVATIONS[config.activation],
        "dropout": config.dropout,
        "attention_dropout": config.dropout,
        "activation_dropout": 0.0,
        "scale_embedding": config.positions == "sinusoidal",
        "share_encoder_decoder_embeddings": True,
        "tie_word_embeddings": config.tied,
        "decoder_start_token_id": tokenizer.begin,
        "pad_token_id": tokenizer.begin,
        "eos_token_id": tokenizer.end,
        "forced_eos_token_id": None,
        "is_encoder_decoder": True,
        "torch_dtype": "float32",
    }


def _linears(config: Seq2SeqConfig) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Our layer, theirs whose rows it holds one after the other."""
    for side in _SIDES:
        for layer in range(config.layers):
            ours, theirs = f"{side}.blocks.{layer}", f"model.{side}.layers.{layer}"
            yield f"{ours}.attention.qkv", tuple(f"{theirs}.self_attn.{part}_proj" for part in "qkv")
            yield f"{ours}.attention.out", (f"{theirs}.self_attn.out_proj",)
            yield f"{ours}.attention_norm", (f"{theirs}.self_attn_layer_norm",)
            if side == "decoder":
                yield f"{ours}.cross.q", (f"{theirs}.encoder_attn.q_proj",)
                yield f"{ours}.cross.kv", tuple(f"{theirs}.encoder_attn.{part}_proj" for part in "kv")
                yield f"{ours}.cross.out", (f"{theirs}.encoder_attn.out_proj",)
                yield f"{ours}.cross_norm", (f"{theirs}.encoder_attn_layer_norm",)
            yield f"{ours}.feed_forward.up", (f"{theirs}.fc1",)
            yield f"{ours}.feed_forward.down", (f"{theirs}.fc2",)
            yield f"{ours}.feed_forward_norm", (f"{theirs}.final_layer_norm",)
        if config.norm_place == "pre":
            yield f"{side}.last_norm", (f"model.{side}.layer_norm",)


def _their_weights(config: Seq2SeqConfig, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    tokens = weights["decoder.tokens.weight"]
    found = {f"model.{name}.weight": tokens.clone() for name in ("shared", "encoder.embed_tokens", "decoder.embed_tokens")}
    found["lm_head.weight"] = weights["decoder.head.weight"].clone()
    found["final_logits_bias"] = torch.zeros(1, len(tokens))
    for side in _SIDES:
        learnt = weights.get(f"{side}.positions.weight")
        table = sinusoidal(config.context, config.d_model) if learnt is None else learnt
        found[f"model.{side}.embed_positions.weight"] = table.clone()
    for ours, theirs in _linears(config):
        weight = weights[f"{ours}.weight"]
        bias = weights.get(f"{ours}.bias", torch.zeros(len(weight)))
        for name, rows, offsets in zip(theirs, weight.chunk(len(theirs)), bias.chunk(len(theirs)), strict=True):
            found[f"{name}.weight"], found[f"{name}.bias"] = rows.clone(), offsets.clone()
    return found


def _own_config(said: Mapping[str, Any], theirs: Mapping[str, Tensor], size: int) -> Seq2SeqConfig:
    d_model, context = said["d_model"], said["max_position_embeddings"]
    activations = {name: ours for ours, name in _ACTIVATIONS.items()} | {"gelu_pytorch_tanh": "gelu_tanh"}
    scaled_tokens = bool(said.get("scale_embedding"))
    if said["encoder_layers"] != said["decoder_layers"] or said["encoder_attention_heads"] != said["decoder_attention_heads"]:
        raise ValueError("an encoder and a decoder of the same size")
    if len(theirs["model.shared.weight"]) != size:
        raise ValueError("a token in its vocabulary for each row of its embedding")
    if theirs["final_logits_bias"].any():
        raise ValueError("an output layer without biases")
    if scaled_tokens:
        waves = sinusoidal(context, d_model)
        if not all(torch.allclose(theirs[f"model.{side}.embed_positions.weight"].float(), waves, atol=1e-5) for side in _SIDES):
            raise ValueError("sinusoidal positions whose sines and cosines alternate")
    return Seq2SeqConfig.parse({
        "tokenizer": "bpe", "vocabulary": max(260, size), "layers": said["encoder_layers"],
        "heads": said["encoder_attention_heads"], "d_model": d_model, "context": context, "d_ff": said["encoder_ffn_dim"],
        "activation": activations[said["activation_function"]], "norm": "layernorm", "norm_place": KINDS[said["model_type"]],
        "positions": "sinusoidal" if scaled_tokens else "learned", "qk_norm": False, "bias": True,
        "tied": bool(said.get("tie_word_embeddings", True)), "dropout": said.get("dropout", 0.0),
    })  # fmt: skip


def _own_weights(config: Seq2SeqConfig, theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    tokens = theirs["model.shared.weight"].float()
    found = {f"{side}.tokens.weight": tokens for side in _SIDES}
    found["decoder.head.weight"] = tokens if config.tied else theirs["lm_head.weight"].float()
    if config.positions == "learned":
        for side in _SIDES:
            found[f"{side}.positions.weight"] = theirs[f"model.{side}.embed_positions.weight"].float()
    for ours, names in _linears(config):
        for part in _EVERY:
            found[f"{ours}.{part}"] = torch.cat([theirs[f"{name}.{part}"].float() for name in names])
    return found
