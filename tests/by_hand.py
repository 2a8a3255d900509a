"""A GPT of the usual settings written out by hand, in double precision, from the file of a checkpoint: none of our modules.

RMSNorm before each half, QK-norm, rotary positions, squared ReLU, no biases, an output layer of its own.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from genstudio.inspection.ablation import NOTHING_ABLATED, Ablation


class ByHand:
    """The weights of a run's newest checkpoint, or of that of a `step`."""

    def __init__(self, folder: str | Path, step: int | None = None) -> None:
        found = sorted(Path(folder, "checkpoints").glob("*/model.safetensors"), key=lambda path: int(path.parent.name))
        file = found[-1] if step is None else next(path for path in found if int(path.parent.name) == step)
        self.step = int(file.parent.name)
        self.config = json.loads(Path(folder, "run.json").read_text(encoding="utf-8"))["config"]
        read = {name.removeprefix("model."): value.double() for name, value in load_file(file).items()}
        self.weights = {name: value.requires_grad_() for name, value in read.items() if value.dim() > 0}
        usual = {"positions": "rotary", "norm": "rmsnorm", "norm_place": "pre", "qk_norm": True, "activation": "relu2"}
        assert all(self.config[name] == value for name, value in usual.items()) and not self.config["bias"]
        self.letters = json.loads(Path(folder, "tokenizer.json").read_text(encoding="utf-8"))

    def __getitem__(self, name: str) -> Tensor:
        return self.weights[name]

    def forward(self, ids: Any, off: Ablation = NOTHING_ABLATED) -> dict[str, Any]:
        """All that is worked out for ids (T,): `embedded`, `stream` (a list), `layers` (dicts), `last_norm`, `logits`."""
        ids = torch.as_tensor(ids).long()
        one_hot = torch.eye(len(self["tokens.weight"]), dtype=torch.float64)[ids]
        x = one_hot @ self["tokens.weight"]
        made: dict[str, Any] = {"embedded": x, "stream": [x], "layers": []}
        for layer in range(self.config["layers"]):
            own: dict[str, Tensor] = {}
            if layer not in off.layers:
                x = self._attend(x, layer, off, own)
                x = self._feed(x, layer, off, own)
            made["layers"].append(own)
            made["stream"].append(x)
        made["last_norm"] = rms_norm(x) * self["last_norm.weight"]
        made["logits"] = made["last_norm"] @ self["head.weight"].T
        return made

    def chances(self, ids: Any, off: Ablation = NOTHING_ABLATED) -> Any:
        """Probabilities (T, V) after each of ids."""
        return self.forward(ids, off)["logits"].softmax(-1).detach().numpy()

    def angles(self, length: int) -> Tensor:
        """Of every position and pair (T, D/2), in radians."""
        size = self.config["d_model"] // self.config["heads"]
        pairs = [self.config["position_base"] ** (-2 * i / size) for i in range(size // 2)]
        return torch.arange(length, dtype=torch.float64)[:, None] * torch.tensor(pairs, dtype=torch.float64)

    def _attend(self, x: Tensor, layer: int, off: Ablation, own: dict[str, Tensor]) -> Tensor:
        T, heads = len(x), self.config["heads"]
        normed = rms_norm(x) * self[f"blocks.{layer}.attention_norm.weight"]
        three = torch.stack(torch.split(self[f"blocks.{layer}.attention.qkv.weight"], heads * (x.shape[1] // heads)))
        raw = torch.einsum("tc,pec->pte", normed, three).reshape(3, T, heads, -1).transpose(1, 2)
        q, k = (turned(rms_norm(part), self.angles(T)) for part in raw[:2])
        scores = torch.einsum("htd,hsd->hts", q, k)
        scaled = scores / math.sqrt(q.shape[-1]) if off.scaled else scores
        allowed = torch.ones(T, T, dtype=torch.bool)
        for query in range(T):
            for key in range(T):
                allowed[query, key] = query == key or (key not in off.tokens and (key < query or not off.causal))
        weights = torch.where(allowed, scaled, -math.inf).softmax(-1)
        mixed = weights @ raw[2]
        mixed = torch.stack([part * (0.0 if (layer, head) in off.heads else 1.0) for head, part in enumerate(mixed)])
        joined = mixed.transpose(0, 1).reshape(T, -1)
        out = joined @ self[f"blocks.{layer}.attention.out.weight"].T
        own.update(
            normed=normed, Q=raw[0], K=raw[1], V=raw[2], q=q, k=k, products=scores, scores=scaled, weights=weights,
            mixed=mixed, joined=joined, attention_out=out, middle=x + out,
        )  # fmt: skip
        return x + out

    def _feed(self, x: Tensor, layer: int, off: Ablation, own: dict[str, Tensor]) -> Tensor:
        normed = rms_norm(x) * self[f"blocks.{layer}.feed_forward_norm.weight"]
        hidden = (normed @ self[f"blocks.{layer}.feed_forward.up.weight"].T).clamp(min=0) ** 2
        out = hidden @ self[f"blocks.{layer}.feed_forward.down.weight"].T * (0.0 if layer in off.mlps else 1.0)
        own.update(normed2=normed, hidden=hidden, mlp_out=out, after=x + out)
        return x + out


def rms_norm(x: Tensor) -> Tensor:
    return x / ((x * x).mean(-1, keepdim=True) + 1e-5).sqrt()


def turned(x: Tensor, angles: Tensor) -> Tensor:
    """Pairs of (..., T, D) by the angles (T, D/2) of their positions."""
    even, odd = x[..., 0::2], x[..., 1::2]
    pair = even * angles.cos() - odd * angles.sin(), even * angles.sin() + odd * angles.cos()
    return torch.stack(pair, -1).reshape(x.shape)
