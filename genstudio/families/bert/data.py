"""A text as a masked language model learns from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.datasets import TextDataset
from genstudio.data.learnable.tokens import prepare_text
from genstudio.data.split import SplitSettings
from genstudio.data.tokenizers import Ids, tokenizer_from_json
from genstudio.data.tokenizers.special import SpecialTokenizer
from genstudio.data.vocabulary import TokenSettings
from genstudio.data.work import Work
from genstudio.families.bert.config import BertConfig
from genstudio.families.start import Start, find


@dataclass(frozen=True, eq=False)
class BertData:
    """What a masked language model learns from: `train` and `validation` are (n,) ids of a text. `start` is the run whose
    weights a new model begins with."""

    tokenizer: SpecialTokenizer
    train: Ids
    validation: Ids
    dataset_id: str = ""
    dataset_hash: str = ""
    start: Start | None = None

    @cached_property
    def counts(self) -> NDArray[np.int64]:
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
    def sentences(self) -> NDArray[np.int64]:
        """Where sentences begin in the training part (n,): behind line ends, or at every token where there are hardly any."""
        return sentence_starts(self.tokenizer, self.train)

    @cached_property
    def validation_sentences(self) -> NDArray[np.int64]:
        """The same of the validation part."""
        return sentence_starts(self.tokenizer, self.validation)


def sentence_starts(tokenizer: SpecialTokenizer, ids: Ids) -> NDArray[np.int64]:
    """Positions (n,) in ids (m,) behind a line end; all of them where there are fewer than one in 200 tokens."""
    ends = np.array([piece.endswith("⏎") for piece in tokenizer.pieces(range(tokenizer.size))])
    starts = np.flatnonzero(ends[ids.astype(np.int64)]) + 1
    starts = starts[starts < len(ids)]
    return starts if 200 * len(starts) > len(ids) else np.arange(len(ids))


def prepare(config: BertConfig, dataset: TextDataset, kept: Mapping[str, Any] | None = None) -> Work[BertData]:
    """Split and encode. What a run learnt or was given is taken from what it kept; a new run that starts from another one
    reads with the tokens of that. Raises DataError, ConfigError."""
    started = find(config.start, ("bert",)) if config.start and kept is None else None
    base = None
    if kept is not None and (config.start or config.tokenizer in ("word", "bpe", "file")):
        base = tokenizer_from_json(kept.get("tokenizer.json"))
    elif started is not None:
        base = started.tokenizer
    values = config.model_dump()
    found = yield from prepare_text(
        dataset, "none", config.context, TokenSettings.of(values), base, SplitSettings.of(values)
    )
    return BertData(
        SpecialTokenizer(found.tokenizer), found.train, found.validation, found.dataset_id, found.dataset_hash, started
    )


def metadata(data: BertData) -> dict[str, Any]:
    """What a run must hold to be opened without its dataset."""
    return {"tokenizer.json": data.tokenizer.to_json()}


def from_metadata(_config: BertConfig, kept: Mapping[str, Any]) -> BertData:
    """Data without content from what `metadata` gave: enough to fill gaps. Raises DataError."""
    nothing = np.empty(0, np.uint16)
    return BertData(SpecialTokenizer(tokenizer_from_json(kept.get("tokenizer.json"))), nothing, nothing)
