"""GPT-2 style folders as other programs write them, in layouts drawn at random, and what their models compute, in numpy."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch

TEXT = "the cat sat. It's a 12 garden, naïve 日\n"
END = "<|endoftext|>"
Weights = dict[str, torch.Tensor]
PREFIXES = (
    "", "transformer.", "_orig_mod.transformer.", "module.transformer.", "model.transformer.", "model.",
    "module._orig_mod.transformer.", "pretrained_model.transformer.",
)  # fmt: skip


@cache
def _trained() -> str:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=290, special_tokens=[END], initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator(["the cat sat on the mat. The dog ran; a bird sang in the garden "] * 20, trainer)
    return str(made.to_str())


def tokenizer_json() -> dict[str, Any]:
    """A byte-level BPE in the library's newest form."""
    made: dict[str, Any] = json.loads(_trained())
    return made


SIZE = len(tokenizer_json()["model"]["vocab"])


def ids_of(text: str) -> list[int]:
    """What the library `tokenizers` makes of a text."""
    from tokenizers import Tokenizer

    return list(Tokenizer.from_str(_trained()).encode(text, add_special_tokens=False).ids)


@dataclass
class Layout:
    """How a folder is laid out: each of these is somebody's."""

    layers: int = 2
    heads: int = 2
    width: int = 16
    context: int = 48
    inner: int | None = None
    activation: str = "gelu_new"
    tied: bool = True
    biases: bool = True
    linear: bool = False
    head_only: bool = False
    prefix: str = "transformer."
    masks: bool = False
    score: bool = False
    shards: int = 1
    padding: int = 0
    added: int = 0
    tokenizer: str = "new"
    limits: bool = False
    dtype: torch.dtype = torch.float32
    terse: bool = False
    seed: int = 0
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return SIZE + self.added + self.padding


def at_random(seed: int) -> Layout:
    """A layout with each peculiarity or without it, by chance."""
    rng = np.random.default_rng(seed)
    heads = int(rng.choice([1, 2, 4]))
    tied = bool(rng.random() < 0.6)
    return Layout(
        layers=int(rng.integers(1, 4)),
        heads=heads,
        width=max(8, heads * int(rng.choice([4, 8]))),
        context=int(rng.integers(len(ids_of(TEXT)), 64)),
        inner=[None, 24, 40][rng.integers(3)],
        activation=str(rng.choice(["gelu_new", "gelu", "relu", "gelu_pytorch_tanh", "gelu_fast"])),
        tied=tied,
        biases=bool(rng.random() < 0.75),
        linear=bool(rng.random() < 0.3),
        head_only=tied and bool(rng.random() < 0.3),
        prefix=str(rng.choice(PREFIXES)),
        masks=bool(rng.random() < 0.5),
        score=bool(rng.random() < 0.3),
        shards=int(rng.choice([1, 1, 2, 3])),
        padding=int(rng.choice([0, 0, 5, 30])),
        added=int(rng.choice([0, 0, 1, 3])),
        tokenizer=str(rng.choice(["new", "old", "files"])),
        limits=bool(rng.random() < 0.4),
        dtype=[torch.float32, torch.float16, torch.bfloat16][rng.integers(3)],
        terse=bool(rng.random() < 0.5),
        seed=seed,
    )


def weights_of(layout: Layout) -> Weights:
    """Weights by GPT-2's own names and in its orientation, rounded to what the file can hold."""
    rng = torch.Generator().manual_seed(layout.seed)
    d, inner = layout.width, layout.inner or 4 * layout.width

    def drawn(*shape: int, around: float = 0.0) -> torch.Tensor:
        return (around + 0.3 * torch.randn(*shape, generator=rng)).to(layout.dtype)

    made = {"wte.weight": drawn(layout.rows, d), "wpe.weight": drawn(layout.context, d)}
    for layer in range(layout.layers):
        for name, into, out in (
            ("attn.c_attn", d, 3 * d), ("attn.c_proj", d, d), ("mlp.c_fc", d, inner), ("mlp.c_proj", inner, d),
        ):  # fmt: skip
            made[f"h.{layer}.{name}.weight"], made[f"h.{layer}.{name}.bias"] = drawn(into, out), drawn(out)
        for name in ("ln_1", "ln_2"):
            made[f"h.{layer}.{name}.weight"], made[f"h.{layer}.{name}.bias"] = drawn(d, around=1.0), drawn(d)
    made |= {"ln_f.weight": drawn(d, around=1.0), "ln_f.bias": drawn(d)}
    if not layout.tied:
        made["lm_head.weight"] = drawn(layout.rows, d)
    return made if layout.biases else {name: tensor for name, tensor in made.items() if not name.endswith(".bias")}


def logits_of(layout: Layout, weights: Weights, ids: list[int]) -> np.ndarray:
    """(T, V) float64: GPT-2 (Radford et al. 2019) written out, one head after the other."""
    w = {name: tensor.double().numpy() for name, tensor in weights.items()}

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return np.asarray(x @ w[f"{name}.weight"] + w.get(f"{name}.bias", 0.0))

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return np.asarray(scaled * w[f"{name}.weight"] + w.get(f"{name}.bias", 0.0))

    def active(x: np.ndarray) -> np.ndarray:
        if layout.activation == "relu":
            return np.maximum(x, 0)
        if layout.activation == "gelu":
            return np.asarray(0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))))
        return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))

    size = layout.width // layout.heads
    x = w["wte.weight"][ids] + w["wpe.weight"][: len(ids)]
    for layer in range(layout.layers):
        qkv, mixed = linear(norm(x, f"h.{layer}.ln_1"), f"h.{layer}.attn.c_attn"), np.zeros_like(x)
        for at in range(0, layout.width, size):
            q, k, v = (qkv[:, start + at : start + at + size] for start in (0, layout.width, 2 * layout.width))
            for t in range(len(ids)):
                score = np.exp(q[t] @ k[: t + 1].T / math.sqrt(size))
                mixed[t, at : at + size] = score @ v[: t + 1] / score.sum()
        x = x + linear(mixed, f"h.{layer}.attn.c_proj")
        x = x + linear(active(linear(norm(x, f"h.{layer}.ln_2"), f"h.{layer}.mlp.c_fc")), f"h.{layer}.mlp.c_proj")
    return np.asarray(norm(x, "ln_f") @ w["wte.weight" if layout.tied else "lm_head.weight"].T)


def write(layout: Layout, folder: Path, weights: Weights | None = None) -> Path:
    """The folder, with these weights or those of the layout."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config_of(layout)), encoding="utf-8")
    _write_tokenizer(layout, folder)
    stored = _stored(layout, weights_of(layout) if weights is None else weights)
    if layout.shards == 1:
        safetensors.torch.save_file(stored, folder / "model.safetensors", {"format": "pt"})
        return folder
    place_of = {
        name: f"model-{1 + i % layout.shards:05d}-of-{layout.shards:05d}.safetensors" for i, name in enumerate(stored)
    }
    for part in set(place_of.values()):
        safetensors.torch.save_file({n: t for n, t in stored.items() if place_of[n] == part}, folder / part)
    index = {"metadata": {"total_size": 1}, "weight_map": place_of}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    return folder


def config_of(layout: Layout) -> dict[str, Any]:
    """config.json: everything, or only what is not usual."""
    said: dict[str, Any] = {
        "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_layer": layout.layers, "n_head": layout.heads,
        "n_embd": layout.width, "n_positions": layout.context, "n_ctx": layout.context, "n_inner": layout.inner,
        "vocab_size": layout.rows, "activation_function": layout.activation, "layer_norm_epsilon": 1e-5,
        "resid_pdrop": 0.1, "scale_attn_weights": True, "tie_word_embeddings": layout.tied, "bos_token_id": 0,
        "summary_type": "cls_index", "use_cache": True, "task_specific_params": {"text-generation": {"max_length": 50}},
    }  # fmt: skip
    usual = {"n_inner": None, "activation_function": "gelu_new", "tie_word_embeddings": True}
    if layout.terse:
        dropped = {name for name, value in usual.items() if said[name] == value}
        dropped |= {"layer_norm_epsilon", "scale_attn_weights", "summary_type", "use_cache", "resid_pdrop"}
        dropped |= {"model_type", "n_positions"} if layout.seed % 2 else {"architectures", "n_ctx"}
        said = {name: value for name, value in said.items() if name not in dropped}
    return said | layout.more


def added_names(layout: Layout) -> list[str]:
    return [f"<|extra {number}|>" for number in range(layout.added)]


def _stored(layout: Layout, weights: Mapping[str, torch.Tensor]) -> Weights:
    """By the names and in the orientation of the file."""
    head, body = weights.get("lm_head.weight"), {n: t for n, t in weights.items() if n != "lm_head.weight"}
    if layout.linear:
        turned = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
        body = {name: tensor.t().contiguous() if name.endswith(turned) else tensor for name, tensor in body.items()}
    if layout.head_only:
        head = body.pop("wte.weight")
    if layout.masks:
        for layer in range(layout.layers):
            body[f"h.{layer}.attn.bias"] = torch.ones(1, 1, layout.context, layout.context, dtype=torch.bool).tril()
            body[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    stored = {layout.prefix + name: tensor for name, tensor in body.items()}
    outer = layout.prefix.removesuffix("transformer.")
    if head is not None:
        stored[f"{outer}lm_head.weight"] = head
    if layout.score:
        stored[f"{outer}score.weight"] = torch.randn(2, layout.width)
    return stored


def _write_tokenizer(layout: Layout, folder: Path) -> None:
    made = tokenizer_json()
    vocabulary, names = made["model"]["vocab"], added_names(layout)
    beside = {name: SIZE + number for number, name in enumerate(names)}
    if layout.tokenizer == "files":
        (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
        merges = "\n".join(" ".join(merge) for merge in made["model"]["merges"])
        (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
        if beside:
            (folder / "added_tokens.json").write_text(json.dumps(beside), encoding="utf-8")
        return
    template = made["added_tokens"][0]
    made["added_tokens"] += [template | {"id": index, "content": name} for name, index in beside.items()]
    if layout.tokenizer == "old":
        for name in ("type", "byte_fallback", "ignore_merges"):
            made["model"].pop(name, None)
        made["model"]["merges"] = [" ".join(merge) for merge in made["model"]["merges"]]
        made["model"] |= {"continuing_subword_prefix": "", "end_of_word_suffix": ""}
    if layout.limits:
        made["truncation"] = {"direction": "Right", "max_length": 9, "strategy": "LongestFirst", "stride": 0}
        made["padding"] = {"strategy": {"Fixed": 50}, "direction": "Right", "pad_id": 0, "pad_token": END}
    (folder / "tokenizer.json").write_text(json.dumps(made), encoding="utf-8")
