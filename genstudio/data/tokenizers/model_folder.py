"""The tokenizer of a GPT-2 style folder, whichever files hold it, as one tokenizer.json. Nothing is believed here:
`tokenizer_from_json` checks what comes out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genstudio.data.pointer import refuse_pointer
from genstudio.data.tokenizers.bpe import LARGEST
from genstudio.data.tokenizers.library import added, byte_level
from genstudio.data.tokenizers.tokenizer import on_one_line
from genstudio.errors import DataError

LARGEST_FILE = 32 << 20
"""Bytes of a file at most; the largest vocabularies in use take about 20 million."""

_END = "<|endoftext|>"
_NO_TOKEN = "<|no token {}|>"


def tokenizer_of(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """What a tokenizer.json of this folder holds, or would hold; and what was done with it, in sentences.

    Reads tokenizer.json, or else vocab.json and merges.txt, and added_tokens.json beside either. Raises DataError.
    """
    place, beside = folder / "tokenizer.json", folder / "added_tokens.json"
    kept = read_json(place) if place.is_file() else _of_old_files(folder)
    notes = [
        f"The tokenizer's {name} was ignored: it does not change how a text is split."
        for name in ("truncation", "padding")
        if kept.get(name) is not None
    ]
    entries = kept.get("added_tokens") or []
    if not beside.is_file() or not isinstance(entries, list):
        return kept, notes
    known = {entry.get("content") for entry in entries if isinstance(entry, Mapping)} | set(_vocabulary(kept))
    more = {name: index for name, index in read_json(beside).items() if name not in known}
    if not all(type(index) is int for index in more.values()):
        raise DataError("added_tokens.json does not give every token an id.", "Download the folder again.", beside)
    if more:
        notes.append(f"Tokens of added_tokens.json are never produced from text here: {_listed(list(more))}.")
    return {**kept, "added_tokens": [*entries, *(added(name, index) for name, index in more.items())]}, notes


def fitted(kept: dict[str, Any], rows: int) -> tuple[dict[str, Any], list[str]]:
    """The same tokenizer with one token for each of a model's `rows`, and what was done for it, in sentences.

    A row without a token gets one that no text makes, so that every probability stays what it is; an added token without
    a row is left out. Raises DataError where text could give a token that has no row.
    """
    vocabulary, entries = _vocabulary(kept), kept.get("added_tokens") or []
    special = _numbers(entries)
    taken = {index for index in vocabulary.values() if type(index) is int} | set(special.values())
    if not vocabulary or not isinstance(entries, list) or (len(taken) == rows and taken == set(range(rows))):
        return kept, []
    level = kept.get("pre_tokenizer")
    byte_pairs = isinstance(level, Mapping) and level.get("type") == "ByteLevel"
    beyond = sorted(name for name, index in special.items() if index >= rows)
    lacking = any(type(i) is int and i >= rows for name, i in vocabulary.items() if name not in beyond)
    if not byte_pairs or rows > LARGEST or lacking:
        raise DataError(
            f"The model has {rows:,} tokens and its tokenizer {len(taken):,}.",
            "They do not belong to the same model: download both from the same source.",
        )
    notes, free = [], sorted(set(range(rows)) - taken)
    if beyond:
        notes.append(f"Tokens without a row in the model were ignored: {_listed(beyond)}.")
    if free:
        first = _NO_TOKEN.format(free[0])
        notes.append(
            f"{len(free):,} of the model's {rows:,} rows have no token (a padded vocabulary). They are kept, so that "
            f"every probability stays the model's own, and are shown as {first} and so on."
        )
    fillers = [added(_NO_TOKEN.format(index), index) for index in free]
    stay = [entry for entry in entries if not (isinstance(entry, Mapping) and entry.get("content") in beyond)]
    model = kept["model"] | {"vocab": {name: index for name, index in vocabulary.items() if name not in beyond}}
    return {**kept, "model": model, "added_tokens": [*stay, *fillers]}, notes


def read_json(path: Path) -> dict[str, Any]:
    """The named values of a JSON file of bounded size. Raises DataError."""
    try:
        said = json.loads(_read(path))
    except (ValueError, RecursionError):
        raise DataError(f"{path.name} is not JSON.", "It is damaged: download it again.", path) from None
    if not isinstance(said, dict):
        raise DataError(f"{path.name} is not a set of named values.", "Download the folder again.", path)
    return said


def _read(path: Path) -> bytes:
    try:
        refuse_pointer(path)
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise DataError(
            f"There is no {path.name} in this folder.", "Choose the folder of a GPT-2 model.", path
        ) from None
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}.", "Check the folder.", path) from None
    if len(data) > LARGEST_FILE:
        raise DataError(f"{path.name} is too large for a file of this name.", "Download the folder again.", path)
    return data


def _of_old_files(folder: Path) -> dict[str, Any]:
    vocabulary, place = read_json(folder / "vocab.json"), folder / "merges.txt"
    try:
        lines = _read(place).decode("utf-8").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        raise DataError("merges.txt is not UTF-8.", "It is damaged: download it again.", place) from None
    merges = [line.split(" ") for line in lines if line and not line.startswith("#version")]
    special = {_END: vocabulary.pop(_END)} if _END in vocabulary else {}
    return byte_level(vocabulary, merges, special)


def _vocabulary(kept: Mapping[str, Any]) -> dict[str, Any]:
    model = kept.get("model")
    vocabulary = model.get("vocab") if isinstance(model, Mapping) else None
    return vocabulary if isinstance(vocabulary, dict) else {}


def _numbers(entries: Any) -> dict[str, int]:
    """Added tokens with their numbers, as far as they have any."""
    if not isinstance(entries, list):
        return {}
    found = [(entry.get("content"), entry.get("id")) for entry in entries if isinstance(entry, Mapping)]
    return {name: index for name, index in found if isinstance(name, str) and type(index) is int}


def _listed(names: list[str]) -> str:
    shown = ", ".join(on_one_line(name, 40) for name in names[:5])
    return shown + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
