"""The safetensors files of a GPT-2 style folder: one, or several with an index. An index is believed in nothing."""

from __future__ import annotations

import re
from pathlib import Path

from torch import Tensor

from genstudio.data.pointer import refuse_pointer
from genstudio.data.tokenizers.model_folder import read_json
from genstudio.data.tokenizers.tokenizer import on_one_line
from genstudio.data.work import Work
from genstudio.errors import CheckpointError
from genstudio.training import tensors

LARGEST = 16 << 30
"""Bytes of all weights files together at most."""

_PARTS = 1_000
_PART_NAME = re.compile(r"[\w-][\w.-]{0,200}\.safetensors", re.ASCII)
_AGAIN = "They do not belong to the same model, or are damaged: download the folder again."


def read_weights(folder: Path) -> Work[dict[str, Tensor]]:
    """All tensors of the folder, by the names in its files. Raises CheckpointError and DataError."""
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if single.is_file():
        found = _read(single, LARGEST)
        yield 1.0
        return found
    if not index.is_file():
        raise _no_weights(folder)
    return (yield from _read_parts(index))


def _read_parts(index: Path) -> Work[dict[str, Tensor]]:
    place_of = _weight_map(index)
    parts = sorted(set(place_of.values()))
    if missing := [name for name in parts if not (index.parent / name).is_file()]:
        raise CheckpointError(
            f"{', '.join(missing[:3])} is missing: the weights are in {len(parts)} parts, of which "
            f"{len(missing)} are not in this folder.",
            "Download the missing parts too.",
            index.parent / missing[0],
        )
    found: dict[str, Tensor] = {}
    left = LARGEST
    for count, name in enumerate(parts, 1):
        path = index.parent / name
        part = _read(path, left)
        left -= path.stat().st_size
        if twice := sorted(found.keys() & part.keys()):
            raise CheckpointError(f"{on_one_line(twice[0])} is in {name} and in another part.", _AGAIN, path)
        if wrong := sorted(tensor for tensor in part if place_of.get(tensor) != name):
            raise CheckpointError(f"{name} holds {on_one_line(wrong[0])}, which the index does not list there.",
                _AGAIN, path)
        found |= part
        yield count / len(parts)
    if lacking := sorted(place_of.keys() - found.keys()):
        raise CheckpointError(
            f"{place_of[lacking[0]]} does not hold {on_one_line(lacking[0])}, although the index says so.", _AGAIN,
            index
        )
    return found


def _weight_map(index: Path) -> dict[str, str]:
    """Tensor name -> name of a file in the same folder."""
    listed = read_json(index).get("weight_map")
    if not isinstance(listed, dict) or not listed:
        raise CheckpointError(f"{index.name} lists no weights.", "Download the file again.", index)
    for name in listed.values():
        if not isinstance(name, str) or _PART_NAME.fullmatch(name) is None:
            raise CheckpointError(
                f"{index.name} names a part that is not a safetensors file in this folder: {on_one_line(str(name))}.",
                "It is damaged or malicious: download the folder again from a source you trust.",
                index,
            )
    if len(set(listed.values())) > _PARTS:
        raise CheckpointError(f"{index.name} lists more than {_PARTS:,} parts.", "Choose another model.", index)
    return listed


def _read(path: Path, most: int) -> dict[str, Tensor]:
    try:
        if path.stat().st_size > most:
            raise CheckpointError("The weights are larger than 16 GB.", "Choose a smaller model.", path)
        refuse_pointer(path)
        return tensors.load(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read: {error.strerror}.", "Check the folder.", path) from None
    except tensors.DamagedError as error:
        raise CheckpointError(f"{path.name} is damaged: {error}.", "Download the file again.", path) from None


def _no_weights(folder: Path) -> CheckpointError:
    """The error for a folder without model.safetensors, by what is there instead."""
    path = folder / "model.safetensors"
    others = sorted(item.name for item in folder.glob("*.safetensors"))
    if any(re.search(r"-of-\d+\.safetensors$", name) for name in others):
        return CheckpointError(
            f"The weights are in {len(others)} parts, and model.safetensors.index.json, which lists them, is missing.",
            "Download that file too.",
            path,
        )
    if "adapter_model.safetensors" in others:
        return CheckpointError(
            "adapter_model.safetensors modifies a base model that is not in this folder.",
            "Merge the adapter into its base model where you made it, and save the result.",
            path,
        )
    if others:
        return CheckpointError(
            f"There is no model.safetensors in this folder, but {on_one_line(others[0])}.",
            "If it contains all weights, rename it to model.safetensors.",
            path,
        )
    hint = "Choose a folder with model.safetensors."
    if any(folder.glob("pytorch_model*.bin")):
        hint = "A .bin file can run code when opened, so it is refused. Convert it to safetensors where you trust it."
    return CheckpointError("There are no weights in a safe format in this folder.", hint, path)
