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
_DIMENSION = 1 << 40
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64,
}  # fmt: skip


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
    """The tensors `dump` was given, on the CPU. Raises DamagedError before memory is taken for what a header claims."""
    header = check(data)
    try:
        tensors = safetensors.torch.load(data)
        aliases = json.loads(header.get("__metadata__", {}).get("aliases", "{}"))
        return tensors | {name: tensors[original] for name, original in aliases.items()}
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedError("its tensors or its list of shared tensors cannot be read") from error


def check(data: bytes) -> dict[str, Any]:
    """The header, after looking at everything it claims. Raises DamagedError."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > _HEADER or length > len(data) - 8:
        raise DamagedError("its header is longer than the file or than 4 MB")
    try:
        header = json.loads(data[8 : 8 + length], object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise DamagedError("its header cannot be read") from error
    if not isinstance(header, dict) or len(header) > _TENSORS:
        raise DamagedError("its header does not list tensors, or more than 50,000")
    spans = sorted(_span(name, claim) for name, claim in header.items() if name != "__metadata__")
    end = 0
    for start, stop in spans:
        if start != end:
            raise DamagedError("its tensors overlap or leave gaps")
        end = stop
    if end != len(data) - 8 - length:
        raise DamagedError("its tensors do not fill the file")
    return header


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name appears twice")
    return found


def _span(name: str, claim: Any) -> tuple[int, int]:
    """Start and end of a tensor's bytes, when type, every dimension and size agree."""
    try:
        bits, shape, (start, stop) = _BITS[claim["dtype"]], claim["shape"], claim["data_offsets"]
        numbers = [*shape, start, stop]
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(f"the entry of '{name[:80]}' is wrong") from error
    if any(type(number) is not int or not 0 <= number <= _DIMENSION for number in numbers):
        raise DamagedError(f"'{name[:80]}' claims an impossible size")
    if len(shape) > 16 or math.prod(shape) * bits != (stop - start) * 8:
        raise DamagedError(f"'{name[:80]}' claims another size than it has")
    return start, stop


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
    raise TypeError(f"{name} is a {type(value).__name__}, which has no place in a checkpoint")


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
