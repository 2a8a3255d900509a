"""Named tensors to bytes and back, in the safetensors format, with checks of what other people's files may claim."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

_HEADER = 4 << 20
_TENSORS = 50_000


class DamagedError(Exception):
    """The bytes are not what was once written; the message says how."""


def nonfinite(tensors: Mapping[str, Tensor]) -> str:
    """The name of the first tensor with a NaN or an infinity; empty when all are finite."""
    for name, tensor in tensors.items():
        if (tensor.is_floating_point() or tensor.is_complex()) and not torch.isfinite(tensor).all():
            return name
    return ""


def dump(tensors: Mapping[str, Tensor], said: Mapping[str, str] | None = None) -> bytes:
    """The tensors as a safetensors file; a tensor under two names is stored once, its other names in the metadata.

    `said` goes into the metadata too.
    """
    stored: dict[str, Tensor] = {}
    first: dict[tuple[Any, ...], str] = {}
    aliases: dict[str, str] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        memory = tensor.untyped_storage().data_ptr()
        view = (memory, tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype)
        if tensor.numel() and view in first:
            aliases[name] = first[view]
            continue
        first[view] = name
        here = tensor.detach().to("cpu").contiguous()
        stored[name] = here.clone() if memory in seen and tensor.numel() else here
        seen.add(memory)
    return safetensors.torch.save(stored, {**(said or {}), "aliases": json.dumps(aliases)})


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors `dump` was given, on the CPU. Raises DamagedError."""
    header = read_header(data)
    try:
        tensors = safetensors.torch.load(data)
        aliases = json.loads(header.get("__metadata__", {}).get("aliases", "{}"))
        return tensors | {name: tensors[original] for name, original in aliases.items()}
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedError("its tensors or its list of shared tensors cannot be read") from error


def read_header(data: bytes) -> dict[str, Any]:
    """The header, whose size and number of entries are bounded. Raises DamagedError.

    What it claims of shapes and places is checked by safetensors, which refuses overlaps, gaps and sizes that disagree.
    """
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > _HEADER or length > len(data) - 8:
        raise DamagedError("its header is longer than the file or than 4 MB")
    try:
        header = json.loads(data[8 : 8 + length], object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise DamagedError("its header cannot be read") from error
    if not isinstance(header, dict) or len(header) > _TENSORS:
        raise DamagedError("its header does not list tensors, or more than 50,000")
    return header


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name appears twice")
    return found


def flatten(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """A JSON-able copy of nested plain data; its tensors go into `tensors`, named by their place."""
    if isinstance(value, Tensor):
        tensors[name] = value
        return {"$": "tensor", "name": name}
    if isinstance(value, dict):
        return {"$": "dict", "items": [[key, flatten(item, f"{name}.{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        items = [flatten(item, f"{name}.{index}", tensors) for index, item in enumerate(value)]
        return {"$": type(value).__name__, "items": items}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$": "float", "value": repr(value)}
    raise TypeError(f"{name} is a {type(value).__name__}, which cannot be stored in a checkpoint")


def unflatten(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """What `flatten` was given. Raises DamagedError."""
    if not isinstance(value, dict):
        return value
    try:
        match value["$"]:
            case "tensor":
                return tensors[value["name"]]
            case "dict":
                return {key: unflatten(item, tensors) for key, item in value["items"]}
            case "list":
                return [unflatten(item, tensors) for item in value["items"]]
            case "tuple":
                return tuple(unflatten(item, tensors) for item in value["items"])
            case "float":
                return float(value["value"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise DamagedError("the optimizer's settings cannot be read") from error
    raise DamagedError("the optimizer's settings cannot be read")
