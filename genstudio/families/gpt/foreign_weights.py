"""The tensors of other programs' GPT-2 models under our names, whichever wrappers, heads and orientation they have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from genstudio.data.tokenizers.tokenizer import on_one_line
from genstudio.errors import CheckpointError
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.gpt2_names import names
from genstudio.training import tensors

_WRAPPERS = {"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
"""What torch.compile, FSDP and activation checkpointing put into the names of the modules that they wrap."""

_ANCHOR = "wpe.weight"
_MASKS = re.compile(r"h\.\d+\.attn\.(bias|masked_bias)")
_OTHER_HEADS = re.compile(r"(score|classifier|qa_outputs|multiple_choice_head|v_head|value_head|reward_head)\..+")
_HEAD = "lm_head.weight"
_AGAIN = "They do not belong to the same model: download both from the same source."


def plain_names(found: Mapping[str, Tensor], folder: Path) -> dict[str, Tensor]:
    """The same tensors named as in GPT-2 itself: `wte.weight`, `h.0.ln_1.weight`; heads without a prefix.

    A prefix is what stands before the position embeddings, which every GPT-2 has; `transformer.` is the last part of it
    that heads do not share. Raises CheckpointError.
    """
    unwrapped = [(".".join(p for p in name.split(".") if p not in _WRAPPERS), name) for name in found]
    prefixes = [name.removesuffix(_ANCHOR) for name, _ in unwrapped if f".{name}".endswith(f".{_ANCHOR}")]
    if len(prefixes) != 1:
        what = "no position embeddings (wpe.weight)" if not prefixes else f"{len(prefixes)} models"
        raise CheckpointError(f"These are not the weights of a single GPT-2: they contain {what}.", "Choose another.",
            folder)
    prefix = prefixes[0]
    outer = prefix.removesuffix("transformer.")
    plain: dict[str, Tensor] = {}
    for name, original in unwrapped:
        short = name.removeprefix(prefix) if name.startswith(prefix) else name.removeprefix(outer)
        if short in plain:
            raise CheckpointError(f"The weights contain {on_one_line(short)} twice.", "Choose another model.", folder)
        plain[short] = found[original]
    return plain


def has_biases(plain: Mapping[str, Tensor]) -> bool:
    """Whether the model adds biases: some programs train GPT-2 without any."""
    return any(name.endswith(".bias") and not _MASKS.fullmatch(name) and name.startswith(("h.", "ln_f")) for name in plain)


def own_weights(
    config: GPTConfig, vocabulary: int, plain: Mapping[str, Tensor], folder: Path
) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors under our names, every one finite and of the right shape; and what was left out or turned, in sentences.

    Raises CheckpointError that names what does not fit.
    """
    left, notes = {name: tensor for name, tensor in plain.items() if not _MASKS.fullmatch(name)}, []
    head = left.pop(_HEAD, None)
    if config.tied and head is not None and "wte.weight" not in left:
        left["wte.weight"] = head
    others = [name for name in left if _OTHER_HEADS.fullmatch(name)]
    if others:
        notes.append(f"A head for another task was ignored: {_listed(others)}.")
    left = {name: tensor for name, tensor in left.items() if name not in others}
    _refuse_other_depth(left, config.layers, folder)
    shapes = _shapes(config, vocabulary)
    turned = _as_linear(left, shapes)
    if turned:
        notes.append("The matrices are transposed compared with GPT-2 (the layout of torch.nn.Linear) and were read "
            "accordingly.")
    weights: dict[str, Tensor] = {}
    wrong: list[str] = []
    for ours, theirs, transposed, bias in names(config):
        if bias and not config.bias:
            continue
        flip = transposed and not turned
        wanted = shapes[ours][::-1] if flip else shapes[ours]
        if reason := _unfit(tensor := left.pop(theirs, None), wanted):
            wrong.append(f"{theirs} ({reason})")
        elif tensor is not None:
            weights[ours] = (tensor.t() if flip else tensor).float().contiguous()
    if config.tied:
        weights["head.weight"] = weights.get("tokens.weight", torch.zeros(0))
        if head is not None and not _same(head, weights["head.weight"]):
            notes.append("lm_head.weight was ignored: config.json ties it to wte.weight, and the two differ.")
    elif reason := _unfit(head, shapes["head.weight"]):
        wrong.append(f"{_HEAD} ({reason})")
    elif head is not None:
        weights["head.weight"] = head.float().contiguous()
    wrong += [f"{on_one_line(name)} (not part of a GPT-2)" for name in left]
    if wrong:
        raise CheckpointError(f"The weights do not match config.json: {_listed(wrong)}.", _AGAIN, folder)
    if bad := tensors.nonfinite(weights):
        raise CheckpointError(f"{bad} contains values that are not finite.", "Download the file again.", folder)
    return weights, notes


def _as_linear(plain: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether the matrices are (out, in) as in torch.nn.Linear, not (in, out) as in GPT-2; `c_attn` is never square."""
    found = [tuple(tensor.shape) for name, tensor in plain.items() if name.endswith("attn.c_attn.weight")]
    return bool(found) and all(shape == shapes["blocks.0.attention.qkv.weight"] for shape in found)


def _unfit(tensor: Tensor | None, wanted: tuple[int, ...]) -> str:
    """Why this tensor cannot be used; empty where it can."""
    if tensor is None:
        return "missing"
    if tuple(tensor.shape) != wanted:
        return f"{tuple(tensor.shape)}, not {wanted}"
    if not tensor.is_floating_point():
        return f"{str(tensor.dtype).removeprefix('torch.')}, perhaps quantised, not floating-point numbers"
    return ""


def _same(head: Tensor, tokens: Tensor) -> bool:
    return head.is_floating_point() and torch.equal(head.float(), tokens)


def _refuse_other_depth(plain: Iterable[str], layers: int, folder: Path) -> None:
    held = {found[1] for name in plain if (found := re.match(r"h\.(\d+)\.", name))}
    if held and len(held) != layers:
        raise CheckpointError(f"config.json says {layers} layers, and the weights contain {len(held)}.", _AGAIN, folder)


def _listed(sentences: list[str]) -> str:
    return ", ".join(sentences[:5]) + (f" and {len(sentences) - 5} more" if len(sentences) > 5 else "")




def _shapes(config: GPTConfig, vocabulary: int) -> dict[str, tuple[int, ...]]:
    from genstudio.families.gpt.model import GPT

    with torch.device("meta"):
        return {name: tuple(tensor.shape) for name, tensor in GPT(config, vocabulary).state_dict().items()}
