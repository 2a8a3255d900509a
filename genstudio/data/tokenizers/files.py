"""Tokenizers from what they were kept as; everything in there is checked before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genstudio.data.tokenizers.bpe import LARGEST, BPETokenizer
from genstudio.data.tokenizers.byte import ByteTokenizer
from genstudio.data.tokenizers.characters import CharTokenizer, characters_from_json
from genstudio.data.tokenizers.library import LETTERS, bpe_model, whole_file
from genstudio.data.tokenizers.tokenizer import BEGIN, END, Tokenizer, damaged
from genstudio.data.tokenizers.words import words_from_json
from genstudio.errors import DataError

_LONGEST_TOKEN = 10_000
_EVERY_CHARACTER = 0x110000
_BEGINS = (BEGIN, "<s>", "<|begin_of_text|>")
_ENDS = (END, "</s>", "<|endoftext|>", "<|end_of_text|>")


def tokenizer_from_json(kept: Any) -> Tokenizer:
    """The tokenizer that `to_json` or `to_library` described, or one of the library `tokenizers` that is byte-level BPE.

    Truncation and padding are ignored: they do not change what a text is cut into.
    Raises DataError for anything else, whoever made it. Takes time and memory in proportion to the size of `kept`.
    """
    if not isinstance(kept, Mapping):
        raise damaged("it is not a set of named values")
    if "model" not in kept:
        return characters_from_json(kept)
    if kept.get("version", "1.0") != "1.0":
        raise damaged("its version is not '1.0'")
    if kept.get("normalizer") is not None:
        raise _unfit("it has a normalizer")
    model = kept["model"]
    kind = _kind(model)
    if kind not in ("BPE", "WordLevel"):
        raise _unfit(f"its model is {str(kind)[:40]!r}, not 'BPE'")
    special = _special(kept.get("added_tokens"))
    tokens = _tokens(model.get("vocab"), special)
    pre_tokenizer = kept.get("pre_tokenizer")
    if kind == "WordLevel":
        begin, end = _own_markers(special, tokens)
        return words_from_json(model, pre_tokenizer, tokens[: len(tokens) - len(special)], begin and end)
    merges = _merges(model, pre_tokenizer is not None)
    if pre_tokenizer is None:
        return _characters(tokens, merges, special)
    return _byte_level(kept, tokens, merges, special)


def to_library(tokenizer: Tokenizer) -> dict[str, Any]:
    """A tokenizer.json that the library `tokenizers` can read; for other tools, and read back by this program too.

    Characters become a BPE without merges, which leaves out what it lacks.
    """
    if not isinstance(tokenizer, CharTokenizer):
        return tokenizer.to_json()
    vocabulary = {character: index for index, character in enumerate(tokenizer.alphabet)}
    special = {BEGIN: len(vocabulary), END: len(vocabulary) + 1} if tokenizer.markers else {}
    return whole_file(bpe_model(vocabulary, []), special, None, {"type": "Fuse"})


def _unfit(why: str) -> DataError:
    return DataError(
        f"This tokenizer cannot be used here: {why}.",
        "genstudio reads byte-level BPE tokenizers, such as GPT-2's, and those it has saved itself.",
    )


def _kind(model: Any) -> Any:
    """What the model is; before it was written down (GPT-2's own file), merges said that it is BPE."""
    if not isinstance(model, Mapping):
        return None
    return model.get("type", "BPE" if "merges" in model else None)


def _special(entries: Any) -> dict[str, int]:
    if entries is None:
        return {}
    if not isinstance(entries, list) or len(entries) > LARGEST:
        raise damaged("its added tokens are not a list")
    found: dict[str, int] = {}
    for entry in entries:
        name, index = (entry.get("content"), entry.get("id")) if isinstance(entry, Mapping) else (None, None)
        if not isinstance(name, str) or type(index) is not int or not 0 < len(name) <= _LONGEST_TOKEN or name in found:
            raise damaged("an added token has no name or no id of its own")
        if entry.get("special") is not True:
            raise _unfit(f"'{name[:40]}' is an added token that is not special")
        found[name] = index
    return found


def _tokens(vocabulary: Any, special: Mapping[str, int]) -> tuple[str, ...]:
    """Tokens by id, special ones among them."""
    if not isinstance(vocabulary, Mapping) or not 0 < len(vocabulary) <= max(LARGEST, _EVERY_CHARACTER):
        raise damaged("it has no vocabulary, or one that is too large")
    everything = dict(vocabulary) | dict(special)
    if any(vocabulary.get(name, index) != index for name, index in special.items()):
        raise damaged("a special token has two ids")
    tokens: list[str | None] = [None] * len(everything)
    for token, index in everything.items():
        if not isinstance(token, str) or not token or len(token) > _LONGEST_TOKEN or _halved(token):
            raise damaged("one of its tokens is not a text")
        if type(index) is not int or not 0 <= index < len(tokens) or tokens[index] is not None:
            raise damaged(f"its ids are not the numbers from 0 to {len(tokens) - 1}, each once")
        tokens[index] = token
    return tuple(token for token in tokens if token is not None)


def _halved(token: str) -> bool:
    return not token.isascii() and any("\ud800" <= letter <= "\udfff" for letter in token)


def _merges(model: Mapping[str, Any], of_bytes: bool) -> tuple[tuple[str, str], ...]:
    """Where every byte has a token, what stands for unknown ones is never used."""
    plain = bpe_model({}, [])
    for name, value in model.items():
        if name not in plain:
            raise damaged(f"its model has an unknown entry '{str(name)[:40]}'")
        silent = value == "" and name in ("continuing_subword_prefix", "end_of_word_suffix")
        silent |= of_bytes and name in ("unk_token", "fuse_unk")
        if name not in ("type", "vocab", "merges") and value is not plain[name] and not silent:
            raise _unfit(f"its model uses '{name}'")
    merges = model.get("merges")
    if not isinstance(merges, list) or len(merges) > LARGEST:
        raise damaged("its merges are not a list, or there are too many")
    pairs = [merge.split(" ") if isinstance(merge, str) else merge for merge in merges]
    if not all(isinstance(p, list) and len(p) == 2 and isinstance(p[0], str) and isinstance(p[1], str) for p in pairs):
        raise damaged("one of its merges is not two tokens")
    return tuple((first, second) for first, second in pairs)


def _own_markers(special: Mapping[str, int], tokens: tuple[str, ...]) -> tuple[bool, bool]:
    size = len(tokens)
    if special and dict(special) != {BEGIN: size - 2, END: size - 1}:
        raise damaged("its special tokens are not the two markers")
    return bool(special), bool(special)


def _characters(
    tokens: tuple[str, ...], merges: tuple[tuple[str, str], ...], special: Mapping[str, int]
) -> CharTokenizer:
    markers, _ = _own_markers(special, tokens)
    alphabet = tokens[: len(tokens) - len(special)]
    if merges or any(len(token) != 1 for token in alphabet):
        raise _unfit("it is a BPE of characters, not of bytes")
    return CharTokenizer("".join(alphabet), markers)


def _byte_level(
    kept: Mapping[str, Any], tokens: tuple[str, ...], merges: tuple[tuple[str, str], ...], special: Mapping[str, int]
) -> Tokenizer:
    level = kept["pre_tokenizer"]
    if not isinstance(level, Mapping) or level.get("type") != "ByteLevel":
        raise _unfit("it does not split text like byte-level BPE")
    if level.get("add_prefix_space") is not False or level.get("use_regex", True) is not True:
        raise _unfit("it adds a space before the text, or does not split it into words")
    for name in ("post_processor", "decoder"):
        entry = kept.get(name)
        if entry is not None and not (isinstance(entry, Mapping) and entry.get("type") == "ByteLevel"):
            raise _unfit(f"its {name} is not that of byte-level BPE")
    if not merges and tokens[:256] == LETTERS:
        if not special and len(tokens) == 256:
            return ByteTokenizer()
        if dict(special) == {BEGIN: 256, END: 257}:
            return ByteTokenizer(markers=True)
    begin = next((name for name in _BEGINS if name in special), "")
    end = next((name for name in _ENDS if name in special), "")
    ordered = tuple(sorted(special.items(), key=lambda item: item[1]))
    return BPETokenizer(tokens, merges, ordered, begin, end)
