"""Pictures with captions as a model of both learns them: split, encoded, and padded together. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.datasets import ImageDataset
from genstudio.data.generators.captioned import UNSEEN
from genstudio.data.learnable import samples
from genstudio.data.learnable.pairs import Sentences
from genstudio.data.learnable.samples import SampleData, Shape
from genstudio.data.split import SplitSettings, split_items
from genstudio.data.tokenizers import Ids, Tokenizer, tokenizer_from_json
from genstudio.data.tokenizers.special import MASK, SpecialTokenizer
from genstudio.data.vocabulary import TokenSettings, make_tokenizer
from genstudio.data.work import Work, scaled
from genstudio.errors import DataError

Integers = NDArray[np.int64]
_ENCODED, _FEWEST = 500, 4
_SHUFFLED = 20_210_226


@dataclass(frozen=True, eq=False, kw_only=True)
class CaptionData(SampleData):
    """Pictures with their `captions` (n), encoded as `texts`. `unseen` are those of combinations that training never sees, where
    the dataset marks some; `held` are others that are kept from training. `bare` pictures had no caption and were left out, of
    `long` captions only the beginning is read."""

    captions: tuple[str, ...]
    texts: Sentences
    tokenizer: SpecialTokenizer
    unseen: Integers
    dataset_id: str = ""
    bare: int = 0
    long: int = 0

    @cached_property
    def alike(self) -> Integers:
        """A number for each picture (n,) that it shares with those of the same caption."""
        _, found = np.unique(np.array(self.captions, np.str_), return_inverse=True)
        return found.astype(np.int64).reshape(-1)

    def padded(self, chosen: Integers) -> Integers:
        """The captions of some pictures (m,) behind [CLS], padded to the longest: (m, T)."""
        ids, padding = self.texts.padded(chosen)
        return _begun(self.tokenizer, np.where(padding, self.tokenizer.pad, ids))


def encode(tokenizer: SpecialTokenizer, text: str, context: int, gaps: bool = False) -> tuple[Ids, tuple[str, ...]]:
    """A text as it is read, without [CLS] and cut at the `context` that holds it, and what the vocabulary lacks of it, each once:
    words, or characters. With `gaps`, [MASK] in it is that token."""
    plain = tidy(text)
    reader: Tokenizer = tokenizer.base
    if gaps:
        plain, reader = plain.replace(MASK.lower(), MASK), tokenizer
    ids, missing = reader.encode_lossy(f" {plain}" if plain else "")
    if tokenizer.unknown is None:
        unknown = [plain[place - 1] for place in missing if 0 < place <= len(plain)]
    else:
        unknown = [word for word in plain.split() if (reader.encode_lossy(f" {word}")[0] == tokenizer.unknown).any()]
    return ids[: context - 1], tuple(dict.fromkeys(unknown))


def knows(tokenizer: SpecialTokenizer, ids: Ids) -> bool:
    """Whether any of these ids is more than white space and `<unk>`."""
    known = ids if tokenizer.unknown is None else ids[ids != tokenizer.unknown]
    return bool(tokenizer.base.decode(known).strip())


def padded(tokenizer: SpecialTokenizer, texts: list[Ids]) -> Integers:
    """Encoded texts (n) behind [CLS], padded to the longest: (n, T)."""
    longest = max((len(text) for text in texts), default=0)
    ids = np.full((len(texts), longest), tokenizer.pad, np.int64)
    for row, text in zip(ids, texts, strict=True):
        row[: len(text)] = text
    return _begun(tokenizer, ids)


def tidy(text: str) -> str:
    """In lower case and on one line, as Radford et al. 2021 read captions."""
    return " ".join(text.lower().split())


def prepare_captions(
    dataset: ImageDataset, context: int, settings: TokenSettings, split: SplitSettings, *, hold_out: bool = True,
    tokenizer: Tokenizer | None = None,
) -> Work[CaptionData]:  # fmt: skip
    """Split and encode; yields the fraction done. Pictures without a caption are left out and counted. With `hold_out`, the
    combinations that the dataset marks are kept from training. `tokenizer` is used where it is given, as a run keeps it.

    Raises DataError where there are no captions, or they are too few or all the same.
    """
    info, said = dataset.info, dataset.captions
    if said is None or not any(text.strip() for text in said):
        raise DataError(
            f"The pictures of '{info.title}' have no captions.", "Choose pictures with captions: a folder with a table of their "
            "names and captions, or with a text file beside each.", info.place,
        )  # fmt: skip
    known = np.array([place for place, text in enumerate(said) if text.strip()], np.int64)
    captions = tuple(said[place].strip() for place in known.tolist())
    if len(known) < _FEWEST or len(set(captions)) < 2:
        raise DataError(
            f"'{info.title}' has {len(known):,} pictures with a caption and {len(set(captions)):,} different captions: too few "
            "to learn which belong together.", "Add pictures with captions that tell them apart.", info.place,
        )  # fmt: skip
    pixels = dataset.pixels if len(known) == len(dataset.pixels) else dataset.pixels[known]
    labels = None if dataset.labels is None or (dataset.labels[known] < 0).any() else dataset.labels[known]
    train, held = split_items(len(known), split)
    marked = dataset.attributes.get(UNSEEN)
    apart = np.zeros(len(known), bool) if marked is None or not hold_out else marked[known] > 0
    train, held = train[~apart[train]], held[~apart[held]]
    yield 0.1
    if tokenizer is None:
        text = "".join(f" {tidy(captions[place])}\n" for place in train.tolist())
        key = f"{split.key(info.sha256)} captions {hold_out}"
        tokenizer = yield from scaled(make_tokenizer(text, len(text), settings, key), 0.1, 0.3)
    special, parts, long = SpecialTokenizer(tokenizer), list[Ids](), 0
    for number, caption in enumerate(captions):
        ids = special.base.encode_lossy(f" {tidy(caption)}")[0]
        long += len(ids) > context - 1
        parts.append(ids[: context - 1])
        if number % _ENCODED == 0:
            yield 0.3 + 0.7 * number / len(captions)
    _, height, width, channels = pixels.shape
    return CaptionData(
        shape=Shape("images", height, width, channels, dataset.classes if labels is not None else ()), real=pixels, labels=labels,
        train=train, held=held, mean=np.zeros(2, np.float32), scale=1.0, extent=(0.0, 1.0, 0.0, 1.0), source=info.sha256,
        captions=captions, texts=Sentences.of(parts, np.int32), tokenizer=special, unseen=np.flatnonzero(apart),
        dataset_id=info.id, bare=len(dataset.pixels) - len(known), long=long,
    )  # fmt: skip


def shuffled(data: CaptionData) -> Integers:
    """For each picture (n,) the one whose caption it gets where training pictures have those of others: always the same one."""
    other = np.arange(len(data.real))
    other[data.train] = np.random.default_rng(_SHUFFLED).permutation(data.train)
    return other


def metadata(data: CaptionData) -> dict[str, Any]:
    """What a run holds to be opened without its dataset."""
    return {**samples.metadata(data), "tokenizer.json": data.tokenizer.to_json()}


def from_metadata(kept: Mapping[str, Any]) -> CaptionData:
    """Data without content, enough to read texts and pictures. Raises DataError for anything but what `metadata` gave."""
    plain = samples.from_metadata(kept)
    if plain.shape.kind != "images":
        raise DataError("data.json of this run is damaged.", "Copy it from a backup.")
    none = Sentences.of([], np.int32)
    return CaptionData(
        **{each.name: getattr(plain, each.name) for each in fields(SampleData)}, captions=(), texts=none,
        tokenizer=SpecialTokenizer(tokenizer_from_json(kept.get("tokenizer.json"))), unseen=np.zeros(0, np.int64),
    )  # fmt: skip


def _begun(tokenizer: SpecialTokenizer, ids: Integers) -> Integers:
    return np.concatenate([np.full((len(ids), 1), tokenizer.begin, np.int64), ids], 1)
