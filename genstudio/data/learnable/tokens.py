"""A text as a language model learns from it: split and encoded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from genstudio.data.datasets import TextDataset
from genstudio.data.encoding import encode_part
from genstudio.data.info import DatasetInfo
from genstudio.data.split import SplitSettings, arrange
from genstudio.data.tokenizers import Ids, Tokenizer, WordTokenizer, printable, tokenizer_from_json
from genstudio.data.vocabulary import TokenSettings, make_tokenizer, with_markers
from genstudio.data.work import Work, scaled
from genstudio.errors import DataError

_LONGEST_WORD = 10
"""Characters of a word and what follows it, on average, where a text is cut into words at all."""


@dataclass(frozen=True, eq=False)
class TextData:
    """What a language model learns from: `train` and `validation` are (n,) ids, uint16 where they fit, else int32.

    `validation_characters` is the number of characters of the text that validation tokens 1 .. n-1 stand for (token 0
    is never predicted); an end marker stands for its line end, a beginning marker for nothing. `validation_unknown` of
    the validation tokens are `<unk>`, which is easier to predict than the words it stands for.
    """

    tokenizer: Tokenizer
    train: Ids
    validation: Ids
    validation_characters: int
    dataset_id: str
    dataset_hash: str
    validation_unknown: int = 0


def prepare_text(
    dataset: TextDataset,
    markers: Literal["none", "lines"],
    context: int,
    settings: TokenSettings | None = None,
    tokenizer: Tokenizer | None = None,
    split: SplitSettings | None = None,
    cut: int | None = None,
) -> Work[TextData]:
    """Split, 90/10 without shuffling unless `split` says otherwise, and encode; yields the fraction done. Where `cut` is given,
    the training part ends at this character.

    The tokens are characters unless `settings` say otherwise; `tokenizer` is used instead where it is given, as a run
    keeps it. With markers "lines" the split is at the nearest line end, and every non-empty line becomes beginning
    marker, tokens, end marker. Raises DataError for a text with nothing to learn, or shorter than one context
    (`context` tokens and the one after them) in either part.
    """
    text, lines, info = dataset.text, markers == "lines", dataset.info
    settings = replace(settings or TokenSettings(), lines=lines)
    if not text:
        raise DataError("The text is empty.", "Choose a file with text in it.", info.place)
    if text.count(text[0]) == len(text):
        raise DataError(
            f"The text only repeats one character, '{printable(text[0])}': there is nothing to learn.",
            "Choose a text with at least two distinct characters.",
            info.place,
        )
    split, files = split or SplitSettings(), info.details.get("files") or ()
    if cut is None:
        arranged = yield from scaled(arrange(text, split, lines=lines, context=context, files=files), 0.0, 0.1)
        text, cut = arranged.text, arranged.cut
    if tokenizer is None:
        tokenizer = yield from scaled(make_tokenizer(text, cut, settings, split.key(info.sha256)), 0.1, 0.4)
    elif (tokenizer.begin is not None) != lines:
        raise DataError("The run's tokenizer does not match its settings.", "Files of this run were modified.",
            info.place)
    middle = 0.4 + 0.6 * cut / len(text)
    train = yield from scaled(encode_part(tokenizer, text, 0, cut), 0.4, middle)
    validation = yield from scaled(encode_part(tokenizer, text, cut, len(text)), middle, 1.0)
    _refuse_short(len(train.ids), len(validation.ids), context, len(text), info, isinstance(tokenizer, WordTokenizer))
    return TextData(
        tokenizer, train.ids, validation.ids, validation.characters, info.id, info.sha256, validation.unknown
    )


def _refuse_short(train: int, validation: int, context: int, characters: int, info: DatasetInfo, words: bool) -> None:
    shortest = min(train, validation)
    if shortest >= context + 1:
        return
    which = "validation" if validation <= train else "training"
    share = characters / shortest if shortest else 10
    needed = max(10 * (context + 1), math.ceil(share * (context + 1)))
    if words and share > _LONGEST_WORD * 10 and characters > 10 * (context + 1):
        raise DataError(
            f"The text has almost no spaces: split into words, its {which} part has {shortest:,} tokens.",
            "Choose characters or byte pairs as tokens.",
            info.place,
        )
    raise DataError(
        f"The text is too short: its {which} part has {shortest} token{'s' * (shortest != 1)}, and a context of {context} needs "
        f"{context + 1}.",
        f"Use a text of at least {needed} characters"
        + (f", or a context of at most {shortest - 1}." if shortest > 2 else "."),
        info.place,
    )


def all_validation(dataset: TextDataset, tokenizer: Tokenizer) -> Work[TextData]:
    """Every token of a text as validation, in the vocabulary of a trained model, nothing to train on.

    Raises DataError naming the characters missing from the vocabulary, and for a text of fewer than two tokens.
    """
    info = dataset.info
    found = yield from encode_part(tokenizer, dataset.text, 0, len(dataset.text))
    if len(found.ids) < 2:
        raise DataError("The text is too short to score: it needs two tokens.", "Choose a longer text.", info.place)
    return TextData(tokenizer, found.ids[:0], found.ids, found.characters, info.id, info.sha256, found.unknown)


def metadata(data: TextData) -> dict[str, Any]:
    """What a run must hold to be opened without its dataset."""
    return {"tokenizer.json": data.tokenizer.to_json()}


def from_metadata(kept: Mapping[str, Any], lines: bool | None = None) -> TextData:
    """Data without content from what `metadata` gave: enough to generate. Raises DataError.

    `lines` says whether sequences are marked, where the tokenizer came from a file that may say otherwise.
    """
    nothing = np.empty(0, np.uint16)
    tokenizer = tokenizer_from_json(kept.get("tokenizer.json"))
    return TextData(tokenizer if lines is None else with_markers(tokenizer, lines), nothing, nothing, 0, "", "")
