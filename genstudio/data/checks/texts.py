"""Checks of a text."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genstudio.data.checks import similar
from genstudio.data.checks.finding import Finding, repeated, share, shown
from genstudio.data.datasets import TextDataset
from genstudio.data.split import Arranged, SplitSettings, arrange
from genstudio.data.tokenizers import chunks, code_points, printable
from genstudio.data.work import Work, scaled
from genstudio.errors import DataError

WINDOW = 50
LARGEST = 8_000_000
"""Characters looked at for repetitions, at most; of a longer text the end of its training part and validation."""

_MOJIBAKE = re.compile(
    "[ÃÂÐÑ][\x80-\xbf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u2122]|â€[\x80-\xbf™œ\u02dc\u009d]"
)
_CONTROL = re.compile("[\0-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_LONG_LINE = 60
_PARAGRAPH = 100


@dataclass(frozen=True)
class _Parts:
    """The two parts of an arranged text, and where their characters stood before."""

    arranged: Arranged
    train: str
    validation: str

    @classmethod
    def of(cls, arranged: Arranged) -> _Parts:
        return cls(arranged, arranged.text[: arranged.cut], arranged.text[arranged.cut :])

    def trained(self, place: int) -> int:
        """Where a character of the training part stands in the dataset."""
        return self.arranged.origin(place)

    def validated(self, place: int) -> int:
        """Where a character of the validation part stands in the dataset."""
        return self.arranged.origin(self.arranged.cut + place)


def check_text(
    dataset: TextDataset, context: int | None, parameters: int | None, split: SplitSettings, lines: bool
) -> Work[tuple[Finding, ...]]:
    """Everything that can be said of a text before training; yields the fraction done."""
    text, found = dataset.text, []
    if not text or text.count(text[0]) == len(text):
        what = f"only repeats '{printable(text[0])}'" if text else "is empty"
        repair = "Choose another text."
        return (Finding("something to learn", "error", f"The text {what}.", len(text), (), repair),)
    found += _amounts(len(text), context, parameters, split)
    found += _encoding(text)
    yield 0.05
    try:
        files = dataset.info.details.get("files") or ()
        arranged = yield from arrange(text, split, lines=lines, context=context or 0, files=files)
    except DataError as error:
        found.append(Finding("split", "error", error.message, 1, (), error.hint))
        arranged = yield from arrange(text, SplitSettings())
    parts = _Parts.of(arranged)
    if context is not None and len(parts.validation) < context + 1:
        found.append(Finding(
            "validation at least one context", "error",
            f"The validation part has {len(parts.validation):,} characters, less than one context of {context:,}.",
            len(parts.validation), (), "Raise the validation share, or choose a shorter context.",
        ))  # fmt: skip
    found += yield from _unseen(parts)
    found += yield from _leak(parts)
    found += yield from _repeated(parts)
    yield 1.0
    return tuple(found)


def _amounts(count: int, context: int | None, parameters: int | None, split: SplitSettings) -> list[Finding]:
    found = []
    if context is not None and split.share * count < context + 1:
        need = int(np.ceil((context + 1) / split.share))
        found.append(Finding(
            f"at least {need:,} characters for a context of {context:,}", "error",
            f"The text has {count:,} characters, too few for a context of {context:,}.", count, (),
            f"Use a text of at least {need:,} characters, or a context of at most {max(1, int(split.share * count) - 1):,}.",
        ))  # fmt: skip
    elif context is not None and count < 100 * context:
        found.append(Finding(
            "100 contexts of text", "warning",
            f"The text has {count:,} characters, only {count / context:.0f} times the context.", count, (),
            "Use a longer text or a shorter context.",
        ))  # fmt: skip
    if parameters is not None and parameters > 2 * count:
        found.append(Finding(
            "at most two parameters per character", "warning",
            f"The model has {parameters:,} parameters for {count:,} characters: it can memorise the text, and its "
            "validation loss will rise.", count, (),
            "Use a smaller model, more text or dropout, or stop where the validation loss is lowest.",
        ))  # fmt: skip
    return found


def _encoding(text: str) -> list[Finding]:
    found = []
    lost = text.count("\ufffd")
    if lost:
        places = [match.start() for _, match in zip(range(5), re.finditer("\ufffd", text), strict=False)]
        found.append(Finding(
            "no replacement characters", "warning",
            f"{lost:,} characters were lost before the import (they now read '\ufffd').", lost,
            shown([text[max(0, place - 20) : place + 20] for place in places], places, [1] * len(places)),
            "Export the text again as UTF-8, or import it with its actual encoding.",
        ))  # fmt: skip
    controls = [match.start() for match in _CONTROL.finditer(text)]
    if controls:
        which = Counter(text[place] for place in controls).most_common(5)
        named = ", ".join(f"{printable(letter)} ({count:,})" for letter, count in which)
        found.append(Finding(
            "no control characters", "info",
            f"The text contains {len(controls):,} invisible control characters: {named}.", len(controls),
            shown(
                [text[max(0, place - 20) : place] or text[place + 1 : place + 20] for place in controls[:5]],
                controls[:5], [1] * len(controls[:5]),
            ),
            "Remove them if they are left over from a word processor or a terminal.",
        ))  # fmt: skip
    wrong = [match.start() for match in _MOJIBAKE.finditer(text)] if re.search("[ÃÂÐÑ]|â€", text) else []
    if wrong:
        examples = [text[max(0, place - 15) : place + 15] for place in wrong[:5]]
        repaired = _repaired(examples[0])
        hint = f" ('{examples[0].strip()}' should be '{repaired.strip()}')" if repaired else ""
        found.append(Finding(
            "no wrongly decoded characters", "warning",
            f"{len(wrong):,} places look like UTF-8 that was decoded as Windows-1252{hint}.".replace("\n", " "),
            len(wrong), shown(examples, wrong, [2] * len(examples)), "Import the original file again with the "
            "encoding UTF-8.",
        ))  # fmt: skip
    return found


def _repaired(text: str) -> str:
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return ""


def _unseen(parts: _Parts) -> Work[list[Finding]]:
    """Characters, and words, that validation has and training does not."""
    seen = np.zeros(0x110000, bool)
    for _, codes in chunks(parts.train):
        seen[codes] = True
        yield 0.15
    strange: Counter[int] = Counter()
    for _, codes in chunks(parts.validation):
        strange.update(codes[~seen[codes]].tolist())
        yield 0.18
    found = []
    if strange:
        total = sum(strange.values())
        letters = [f"'{printable(chr(code))}' ({count:,} times)" for code, count in strange.most_common(5)]
        places = [parts.validated(parts.validation.index(chr(code))) for code, _ in strange.most_common(5)]
        found.append(Finding(
            "every validation character also occurs in training", "warning",
            f"{len(strange):,} characters occur only in the validation part, {total:,} times: the model cannot predict "
            "them.", len(strange), shown(letters, places, [1] * len(places)),
            "Choose a random split or byte tokens, or remove these characters.",
        ))  # fmt: skip
    known = set(parts.train[-LARGEST:].casefold().split())
    yield 0.22
    words = parts.validation[:LARGEST].casefold().split()
    missing = Counter(word for word in words if word not in known)
    count = sum(missing.values())
    listed = parts.validation.count("\n") > 0.5 * len(words)
    if count > 0.2 * len(words) and len(words) > 50 and not listed:
        rare = [word for word, _ in missing.most_common(5)]
        found.append(Finding(
            "at most 20% of the validation words are new", "info",
            f"{share(count, len(words))} of the words in the validation part do not occur in training.", count,
            shown(rare, [_first(parts, word) for word in rare], [len(word) for word in rare]),
            "Choose a random split if the end of the text differs from the rest.",
        ))  # fmt: skip
    yield 0.25
    return found


def _leak(parts: _Parts) -> Work[list[Finding]]:
    """Stretches of 50 characters that occur in both parts."""
    train, validation = parts.train[-LARGEST:], parts.validation[: LARGEST // 4]
    if len(validation) < WINDOW or len(train) < WINDOW:
        return []
    known = similar.rolling(code_points(train), WINDOW)
    yield 0.35
    known.sort()
    yield 0.45
    asked = similar.rolling(code_points(validation), WINDOW)
    place = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    both = known[place] == asked
    yield 0.5
    count = int(np.count_nonzero(both))
    if not count:
        return []
    level = "warning" if count > 0.01 * len(both) else "info"
    starts = np.flatnonzero(both & ~np.append(False, both[:-1]))
    stops = np.flatnonzero(both & ~np.append(both[1:], False)) + WINDOW
    cut = parts.arranged.cut
    first = [
        (start, parts.arranged.unbroken(cut + start, cut + stop) - cut)
        for start, stop in zip(starts[:5].tolist(), stops[:5].tolist(), strict=True)
    ]
    places = f"{len(starts):,} place{'s' * (len(starts) != 1)}"
    return [Finding(
        f"no {WINDOW} consecutive validation characters occur in training", level,  # type: ignore[arg-type]
        f"{share(count, len(both))} of the validation part also occurs in the training part, in {places}: the "
        "validation loss will look better than it is.", count,
        shown(
            [validation[start:stop] for start, stop in first], [parts.validated(start) for start, _ in first],
            [stop - start for start, stop in first],
        ),
        "Remove the repetitions, or choose the contiguous split.",
    )]  # fmt: skip


def _first(parts: _Parts, word: str) -> int | None:
    """Where a word, whatever its case, stands first in the validation part."""
    match = re.search(rf"(?<!\S){re.escape(word)}(?!\S)", parts.validation[:LARGEST], re.IGNORECASE)
    return None if match is None else parts.validated(match.start())


def _repeated(parts: _Parts) -> Work[list[Finding]]:
    """Long lines that occur again, and paragraphs that nearly do."""
    text = parts.train[-LARGEST:]
    before = len(parts.train) - len(text)
    lines = text.split("\n")
    yield 0.55
    begins = np.cumsum([before, *(len(line) + 1 for line in lines)], dtype=np.int64)
    chosen = [place for place, line in enumerate(lines) if len(line) >= _LONG_LINE]
    long = [lines[place] for place in chosen]
    again = similar.repeats(long)
    found = []
    if again:
        found.append(Finding(
            f"no repeated lines of {_LONG_LINE} characters or more",
            "warning" if len(again) > 0.01 * len(long) else "info",
            f"{len(again):,} of {len(long):,} long lines are repeated.", len(again),
            shown(
                [long[two] for _, two in again[:5]],
                [parts.trained(int(begins[chosen[two]])) for _, two in again[:5]],
                [len(long[two]) for _, two in again[:5]],
            ), "Remove the repeated lines, unless they belong to the text.",
        ))  # fmt: skip
    yield 0.6
    starts, stops = _paragraphs(text)
    near = yield from scaled(similar.near_texts(code_points(text), starts, stops), 0.6, 0.98)
    if near:
        spans = [(int(starts[two]), int(stops[two])) for _, two in near[:5]]
        examples = shown(
            [text[start:stop][:110] for start, stop in spans], [parts.trained(before + start) for start, _ in spans],
            [stop - start for start, stop in spans],
        )  # fmt: skip
        found.append(Finding(
            "paragraphs differ by more than a quarter", "warning" if len(near) > 0.01 * len(starts) else "info",
            repeated(len(near), len(starts), "paragraphs", "near-"), len(near), examples,
            "Keep one of each, or accept that the model will memorise them.",
        ))  # fmt: skip
    return found


def _paragraphs(text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the paragraphs of at least 100 characters begin and end; lines, where there are no blank ones."""
    mark = "\n\n" if text.count("\n\n") > len(text) // 20_000 else "\n"
    starts, stops, place = [], [], 0
    for piece in text.split(mark):
        if len(piece) >= _PARAGRAPH:
            starts.append(place)
            stops.append(place + len(piece))
        place += len(piece) + len(mark)
    return np.array(starts, np.int64), np.array(stops, np.int64)
