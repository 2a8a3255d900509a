"""The file format tokenizer.json of the library `tokenizers`, as far as this program writes it. The library is not needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_PRINTED = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]


def _letters() -> tuple[str, ...]:
    hidden = [value for value in range(256) if value not in _PRINTED]
    codes = {value: value for value in _PRINTED} | {value: 256 + n for n, value in enumerate(hidden)}
    return tuple(chr(codes[value]) for value in range(256))


LETTERS = _letters()
"""The letter that stands for each byte in a byte-level vocabulary (Radford et al. 2019)."""

VALUES = {letter: value for value, letter in enumerate(LETTERS)}


def to_bytes(token: str) -> bytes:
    """The bytes that a token of a byte-level vocabulary stands for. Raises KeyError for other letters."""
    return bytes(VALUES[letter] for letter in token)


def byte_level(
    vocabulary: Mapping[str, int], merges: Sequence[Sequence[str]], special: Mapping[str, int]
) -> dict[str, Any]:
    """A byte-level BPE; a merge is two tokens, the first of them the most frequent pair in training."""
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return whole_file(bpe_model(vocabulary, merges), special, level, level)


def bpe_model(vocabulary: Mapping[str, int], merges: Sequence[Sequence[str]]) -> dict[str, Any]:
    """The model entry of a BPE without any of its options."""
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
        "vocab": dict(vocabulary),
        "merges": [list(merge) for merge in merges],
    }


def whole_file(
    model: Mapping[str, Any], special: Mapping[str, int], pre_tokenizer: Any, decoder: Any
) -> dict[str, Any]:
    """All entries of a tokenizer.json, in the library's order; `special` tokens never come from text."""
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added(name, index) for name, index in special.items()],
        "normalizer": None,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": None,
        "decoder": decoder,
        "model": dict(model),
    }


def added(name: str, index: int) -> dict[str, Any]:
    """The entry of a special token."""
    return {
        "id": index,
        "content": name,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }
