"""A text as a masked language model learns from it, and labelled texts as a classifier does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.datasets import LabelledDataset, TextDataset
from genstudio.data.learnable.tokens import prepare_text
from genstudio.data.split import SplitSettings, split_items
from genstudio.data.tokenizers import Ids, Tokenizer, tokenizer_from_json
from genstudio.data.tokenizers.special import SpecialTokenizer
from genstudio.data.vocabulary import TokenSettings, make_tokenizer
from genstudio.data.work import Work, scaled
from genstudio.errors import DataError
from genstudio.families.bert.config import BertConfig
from genstudio.families.start import Start, StartVectors, find, find_vectors, word_vectors

Integers = NDArray[np.int64]
_ENCODED = 200
"""Texts that are encoded between two chances for others."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Texts with their classes: text i is `ids[starts[i]:starts[i + 1]]`, its class `labels[i]`; `train` and `validation` are
    the numbers of texts, in an order that was drawn."""

    ids: Ids
    starts: Integers
    labels: Integers
    train: Integers
    validation: Integers

    def padded(self, tokenizer: SpecialTokenizer, chosen: Integers, context: int) -> Integers:
        """Texts (n,) by their numbers behind [CLS], cut at `context`, padded to the longest: (n, T)."""
        lengths = np.minimum(self.starts[chosen + 1] - self.starts[chosen], context - 1)
        at = np.arange(max(int(lengths.max(initial=0)), 1))
        inside = at < lengths[:, None]
        places = np.where(inside, self.starts[chosen][:, None] + at, 0)
        bodies = np.where(inside, self.ids[places].astype(np.int64) if len(self.ids) else 0, tokenizer.pad)
        return np.concatenate([np.full((len(chosen), 1), tokenizer.begin, np.int64), bodies], 1)


@dataclass(frozen=True, eq=False)
class BertData:
    """What a BERT learns from: `train` and `validation` are (n,) ids of a text; or `labelled` texts of some `classes`. `start`
    is the run whose weights a new model begins with, `vectors` those that its tokens do."""

    tokenizer: SpecialTokenizer
    train: Ids
    validation: Ids
    dataset_id: str = ""
    dataset_hash: str = ""
    start: Start | None = None
    classes: tuple[str, ...] = ()
    labelled: Labelled | None = None
    vectors: StartVectors | None = None

    @cached_property
    def counts(self) -> Integers:
        """How often each token is to be predicted (V,): every one of the training part but `<unk>`, and no special one."""
        counts = np.bincount(self.train.astype(np.int64), minlength=self.tokenizer.size)
        if self.tokenizer.unknown is not None:
            counts[self.tokenizer.unknown] = 0
        return counts

    @cached_property
    def frequencies(self) -> NDArray[np.float64]:
        """Of each token (V,), with one added to each count of what can be predicted, so that none is impossible."""
        counts = self.counts.astype(np.float64)
        counts[: self.tokenizer.base.size] += 1
        return counts / counts.sum()

    @cached_property
    def sentences(self) -> Integers:
        """Where sentences begin in the training part (n,): behind line ends, or at every token where there are hardly any."""
        return sentence_starts(self.tokenizer, self.train)

    @cached_property
    def validation_sentences(self) -> Integers:
        """The same of the validation part."""
        return sentence_starts(self.tokenizer, self.validation)


def sentence_starts(tokenizer: SpecialTokenizer, ids: Ids) -> Integers:
    """Positions (n,) in ids (m,) behind a line end; all of them where there are fewer than one in 200 tokens."""
    ends = np.array([piece.endswith("⏎") for piece in tokenizer.pieces(range(tokenizer.size))])
    starts = np.flatnonzero(ends[ids.astype(np.int64)]) + 1
    starts = starts[starts < len(ids)]
    return starts if 200 * len(starts) > len(ids) else np.arange(len(ids))


def prepare(
    config: BertConfig, dataset: TextDataset | LabelledDataset, kept: Mapping[str, Any] | None = None
) -> Work[BertData]:
    """Split and encode. What a run learnt or was given is taken from what it kept; a new run that starts from another one
    reads with the tokens of that. Raises DataError, ConfigError."""
    start = find_vectors(config.start_embeddings, config.d_model) if kept is None else None
    found = yield from _prepared(config, dataset, kept)
    return found if start is None else replace(found, vectors=word_vectors(start, found.tokenizer.base))


def _prepared(
    config: BertConfig, dataset: TextDataset | LabelledDataset, kept: Mapping[str, Any] | None
) -> Work[BertData]:
    started = find(config.start, ("bert",)) if config.start and kept is None else None
    base = None
    if kept is not None and (config.start or config.task == "classify" or config.tokenizer in ("word", "bpe", "file")):
        base = tokenizer_from_json(kept.get("tokenizer.json"))
    elif started is not None:
        base = started.tokenizer
    if config.task == "classify":
        if not isinstance(dataset, LabelledDataset):
            raise DataError(
                f"'{dataset.info.title}' is not a set of labelled texts, and a classifier learns from one.",
                "Choose one, such as a table with a column of texts and one of labels, at least two of them; or the task "
                "'pretrain'.", dataset.info.place,
            )  # fmt: skip
        return (yield from _labelled(config, dataset, base, started))
    values, cut = config.model_dump(), None
    if isinstance(dataset, LabelledDataset):
        dataset, cut = _unlabelled(config, dataset)
    try:
        found = yield from prepare_text(
            dataset, "none", config.context, TokenSettings.of(values), base, SplitSettings.of(values), cut
        )
    except DataError as error:
        if started is None:
            raise
        hint = "A run that starts from another one keeps its vocabulary: choose a run of this dataset, or start from scratch."
        raise DataError(error.message, hint, dataset.info.place) from error
    return BertData(
        SpecialTokenizer(found.tokenizer), found.train, found.validation, found.dataset_id, found.dataset_hash, started
    )


def _by_text(config: BertConfig) -> SplitSettings:
    """How labelled texts are split: whole texts are drawn."""
    return SplitSettings("random", config.validation_share, config.split_seed)


def _split(config: BertConfig, known: Integers) -> tuple[Integers, Integers]:
    """Which of the texts with these numbers train and which validate."""
    train, validation = split_items(len(known), _by_text(config))
    return known[train], known[validation]


def _unlabelled(config: BertConfig, dataset: LabelledDataset) -> tuple[TextDataset, int]:
    """Labelled texts as one text, a line for each, and where its training part ends. What a classifier with the same split is
    tested on validates here too, so that a run that is fine-tuned afterwards has not seen it."""
    texts, known = dataset.texts, np.flatnonzero(dataset.labels >= 0)
    _, validation = _split(config, known if len(known) > 1 else np.arange(len(texts)))
    held_out = frozenset(validation.tolist())
    parts = [[text for i, text in enumerate(texts) if (i in held_out) == of] for of in (False, True)]
    train, rest = ("".join(f"{text}\n" for text in part) for part in parts)
    return TextDataset(dataset.info, train + rest), len(train)


def _labelled(
    config: BertConfig, dataset: LabelledDataset, base: Tokenizer | None, started: Start | None
) -> Work[BertData]:
    """Texts without a label are left out; characters that the tokens lack are left out or unknown. The split is drawn."""
    info, known = dataset.info, np.flatnonzero(dataset.labels >= 0)
    if len(np.unique(dataset.labels[known])) < 2:
        raise DataError(
            f"All texts of '{info.title}' have the same class: there is nothing to tell apart.",
            "Choose labelled texts of at least two classes.", info.place,
        )  # fmt: skip
    rng, places = np.random.default_rng(config.split_seed), np.arange(len(known))
    train, validation = (rng.permutation(part) for part in _split(config, places))
    if base is None:
        text = "\n".join(dataset.texts[known[i]] for i in np.sort(train).tolist()) + "\n"
        settings, key = TokenSettings.of(config.model_dump()), f"{_by_text(config).key(info.sha256)} labelled"
        base = yield from scaled(make_tokenizer(text, len(text), settings, key), 0.0, 0.4)
    tokenizer, parts = SpecialTokenizer(base), []
    for number, index in enumerate(known.tolist()):
        parts.append(base.encode_lossy(dataset.texts[index])[0])
        if number % _ENCODED == 0:
            yield 0.4 + 0.6 * number / len(known)
    starts = np.cumsum([0, *map(len, parts)], dtype=np.int64)
    labelled = Labelled(np.concatenate(parts), starts, dataset.labels[known].copy(), train, validation)
    nothing = np.empty(0, np.uint16)
    return BertData(tokenizer, nothing, nothing, info.id, info.sha256, started, dataset.classes, labelled)


def metadata(data: BertData) -> dict[str, Any]:
    """What a run must hold to be opened without its dataset."""
    return {"tokenizer.json": data.tokenizer.to_json(), "classes.json": {"classes": list(data.classes)}}


def from_metadata(_config: BertConfig, kept: Mapping[str, Any]) -> BertData:
    """Data without content from what `metadata` gave: enough to fill gaps or to name classes. Raises DataError."""
    nothing, said = np.empty(0, np.uint16), kept.get("classes.json", {"classes": []})
    classes = said.get("classes") if isinstance(said, Mapping) else None
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise DataError("The classes of this run cannot be read.", "Copy classes.json from a backup.")
    tokenizer = SpecialTokenizer(tokenizer_from_json(kept.get("tokenizer.json")))
    return BertData(tokenizer, nothing, nothing, classes=tuple(classes))
