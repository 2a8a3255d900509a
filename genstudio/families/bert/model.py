"""The encoder that fills in masked tokens (Devlin et al. 2019), and the model that a checkpoint of one is opened as."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.data.tokenizers.special import SpecialTokenizer
from genstudio.events import Array
from genstudio.families import start
from genstudio.families.bert.batches import Drawn, Integers, held_out, held_out_pairs, turns
from genstudio.families.bert.config import BertConfig
from genstudio.families.bert.data import BertData, Labelled
from genstudio.families.stack_training import architecture
from genstudio.inspection.statistics import layer_statistics
from genstudio.nn.modes import evaluating
from genstudio.nn.norm import norm
from genstudio.nn.transformer import Transformer
from genstudio.snapshots.layers import LayerStatistics
from genstudio.training.learner import Measured, Tick

_SAMPLED_BATCHES, _SAMPLED_PAIRS, _SAMPLED_TEXTS = 10, 256, 512
_SLICE = {"cpu": 5e8}
_SLICE_ELSEWHERE = 1e11
"""Floating-point operations of evaluation between two chances for others: fixed, so that two evaluations add up the same."""
NOT_PREDICTED = -100
"""A target that cross-entropy leaves out."""


class MaskedHead(nn.Module):
    """A layer, GELU and a norm before the output, whose weights may be those of the embedding (Devlin et al. 2019)."""

    def __init__(self, d_model: int, vocabulary: int, normalised: nn.Module) -> None:
        super().__init__()
        self.dense, self.norm = nn.Linear(d_model, d_model), normalised
        self.output = nn.Linear(d_model, vocabulary)

    @property
    def weight(self) -> Tensor:
        """(V, C) of the output layer."""
        return self.output.weight

    @torch.no_grad()
    def begin(self, tied: nn.Parameter | None) -> None:
        """Small normal weights and no biases; the output layer has the `tied` weights, or is zero."""
        nn.init.normal_(self.dense.weight, 0.0, 0.02)
        nn.init.zeros_(self.dense.bias)
        nn.init.zeros_(self.output.bias)
        if tied is None:
            nn.init.zeros_(self.output.weight)
        else:
            self.output.weight = tied

    def forward(self, x: Tensor) -> Tensor:
        """x (..., C) -> logits (..., V)"""
        logits: Tensor = self.output(self.norm(F.gelu(self.dense(x))))
        return logits


class Bert(Transformer):
    """A transformer that reads from both sides. Where two sentences can be told apart, what follows the first [SEP] has
    another segment vector; padding is never attended to."""

    def __init__(self, config: BertConfig, tokenizer: SpecialTokenizer) -> None:
        super().__init__(architecture(config, tokenizer.size, causal=False))
        self._separator, self._pad = tokenizer.separator, tokenizer.pad
        arch = self.architecture
        self.segments = nn.Embedding(2, arch.d_model) if config.nsp or config.original else None
        self.embedding_norm: nn.Module | None = None
        if config.original:
            self.embedding_norm = norm(arch.norm, arch.d_model, arch.bias)
            head = MaskedHead(arch.d_model, arch.vocabulary, norm(arch.norm, arch.d_model, arch.bias))
            head.begin(cast("nn.Parameter", self.tokens.weight) if arch.tied else None)
            self.head = head  # type: ignore[assignment]  # what reads a stack asks its head for `weight` alone
        if self.segments is not None:
            nn.init.normal_(self.segments.weight, 0.0, 0.02)

    def read(self, ids: Tensor, rows: Tensor | None = None) -> Tensor:
        """ids (B, T), padding among them -> what the output layer reads (B, T, C), or (n, C) of the positions that are True in
        `rows` (B, T), for which the last feed-forward layer is not computed at all others"""
        padding = ids == self._pad
        return self.hidden(ids, padding=padding if bool(padding.any()) else None, rows=rows)

    def embed(self, ids: Tensor, past: int = 0) -> tuple[Tensor, Tensor | None]:
        """As in `Transformer`, with segments and a norm where there are some."""
        x, turn = super().embed(ids, past)
        if self.segments is not None:
            ends = (ids == self._separator).long()
            x = x + self.segments((ends.cumsum(-1) - ends).clamp(max=1))
        return x if self.embedding_norm is None else self.embedding_norm(x), turn


class Pooled(nn.Module):
    """A layer and tanh over the vector at [CLS], or over the mean of all tokens, and a linear layer to `outputs` scores
    (Devlin et al. 2019)."""

    def __init__(self, d_model: int, outputs: int, mean: bool = False) -> None:
        super().__init__()
        self.mean = mean
        self.pooler, self.output = nn.Linear(d_model, d_model), nn.Linear(d_model, outputs)
        for layer in (self.pooler, self.output):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, hidden: Tensor, padding: Tensor | None = None) -> Tensor:
        """hidden (B, T, C), padding (B, T) boolean, True where there is no token -> (B, outputs)"""
        vector = hidden[:, 0]
        if self.mean:
            there = torch.ones_like(hidden[..., :1]) if padding is None else (~padding)[..., None].to(hidden.dtype)
            vector = (hidden * there).sum(1) / there.sum(1)
        scores: Tensor = self.output(torch.tanh(self.pooler(vector)))
        return scores


class BertModel:
    """An encoder with its tokenizer: fills gaps, is looked into, and is measured.

    `update_sizes` are what the last measured update of each of `named_weights` was, relative to the weight.
    """

    def __init__(self, config: BertConfig, data: BertData, device: str, seed: int) -> None:
        """Raises CheckpointError where the run that is started from cannot be read."""
        self.config, self.data, self.device = config, data, torch.device(device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.transformer = Bert(config, data.tokenizer)
            classifies = config.task == "classify"
            self.follows = Pooled(config.d_model, 2) if config.nsp and not classifies else None
            self.classifier = Pooled(config.d_model, len(data.classes), config.pooling == "mean") if classifies else None
        heads = {"next_sentence": self.follows, "classifier": self.classifier}
        self.modules: Mapping[str, nn.Module] = {
            "model": self.transformer, **{name: head for name, head in heads.items() if head is not None}
        }  # fmt: skip
        if data.start is not None:
            start.take(data.start.weights(), self.modules)
        if data.vectors is not None:
            data.vectors.copy_to(self.transformer.tokens.weight)
        for module in self.modules.values():
            module.to(self.device).eval()
        self.update_sizes: Tensor | None = None
        self._weights = sum(p.numel() for p in self.transformer.parameters())

    @property
    def tokenizer(self) -> SpecialTokenizer:
        return self.data.tokenizer

    @property
    def mask_id(self) -> int:
        return self.tokenizer.mask

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that it tells apart; none where it was not trained to."""
        return self.data.classes if self.classifier is not None else ()

    @property
    def context(self) -> int:
        return self.transformer.context

    def with_transformer(self, stack: Transformer) -> BertModel:
        """The same with another stack."""
        other = copy.copy(self)
        assert isinstance(stack, Bert)
        other.transformer, other.modules = stack, {**self.modules, "model": stack}
        other.device = next(iter(stack.parameters())).device
        return other

    def on(self, data: BertData) -> BertModel:
        """The same with another text, in its own tokens."""
        other = copy.copy(self)
        other.data = dataclasses.replace(data, tokenizer=self.tokenizer)
        return other

    @torch.no_grad()
    def fill(self, ids: Array) -> Array:
        """Ids (T,) with gaps -> log-probabilities (T, V) float32; special tokens never fit. Raises ValueError for more tokens
        than the context has."""
        if not 0 < len(ids) <= self.context:
            raise ValueError(f"{len(ids)} tokens do not fit a context of {self.context}")
        with evaluating(self.transformer):
            logits = self.transformer(self.tensor(ids[None]))[0].float()
        logits[:, self.tokenizer.base.size :] = -torch.inf
        return logits.log_softmax(-1).cpu().numpy()

    def probabilities(self, texts: Sequence[str]) -> Array:
        """Texts (n,) -> probability of each class (n, classes) float32; of a long text its beginning is read."""
        bodies = [self.tokenizer.base.encode_lossy(text)[0] for text in texts]
        starts = np.cumsum([0, *map(len, bodies)], dtype=np.int64)
        nothing = np.empty(0, np.int64)
        held = Labelled(np.concatenate([np.empty(0, np.int32), *bodies]), starts, nothing, nothing, nothing)
        return np.exp(self._class_scores(held.padded(self.tokenizer, np.arange(len(texts)), self.context)))

    @property
    def knows_order(self) -> bool:
        return self.follows is not None

    @torch.no_grad()
    def following(self, first: str, seconds: Sequence[str]) -> Array:
        """Of what does not fit, the beginning of the first sentence and the ends of the others are left out: what is read is
        beside the point where they meet."""
        assert self.follows is not None
        room, read = self.context - 3, lambda text: self.tokenizer.base.encode_lossy(text)[0].astype(np.int64)
        left, rights = read(first), [read(second) for second in seconds]
        found = []
        for right in rights:
            before = left[len(left) - min(len(left), max(room - len(right), room // 2)) :]
            between = [self.tokenizer.separator]
            pair = np.concatenate([[self.tokenizer.begin], before, between, right[: room - len(before)], between])
            with evaluating(self.transformer), evaluating(self.follows):
                scores = self.follows(self.transformer.read(self.tensor(pair)[None]))
            found.append(float(scores[0].float().softmax(-1)[1]))
        return np.array(found, np.float32)

    @torch.no_grad()
    def _class_scores(self, texts: Integers) -> NDArray[np.float32]:
        """Padded texts (n, T) -> log-probabilities (n, classes)."""
        assert self.classifier is not None
        ids = self.tensor(texts)
        with evaluating(self.transformer), evaluating(self.classifier):
            scores = self.classifier(self.transformer.read(ids), ids == self.tokenizer.pad)
        return scores.float().log_softmax(-1).cpu().numpy()

    def predicted(self, most: int) -> Iterator[tuple[Integers, NDArray[np.float32], float]]:
        """Classes (n,) of the first `most` validation texts, their log-probabilities (n, classes), and the share done."""
        found = self.data.labelled
        assert found is not None
        chosen = found.validation[:most]
        rows = max(1, int(_SLICE.get(self.device.type, _SLICE_ELSEWHERE) / (2 * 32 * self._weights)))
        for first in range(0, len(chosen), rows):
            part = chosen[first : first + rows]
            scores = self._class_scores(found.padded(self.tokenizer, part, self.context))
            yield found.labels[part], scores, min(1.0, (first + rows) / len(chosen))

    def _evaluate_classes(self, exact: bool) -> Iterator[Measured]:
        found = self.data.labelled
        if found is None or not len(found.validation):
            return
        labels, scores = list[Integers](), list[NDArray[np.float32]]()
        for wanted, told, done in self.predicted(len(found.validation) if exact else _SAMPLED_TEXTS):
            labels, scores = [*labels, wanted], [*scores, told]
            yield Measured(done=0.95 * done)
        wanted, told = np.concatenate(labels), np.concatenate(scores)
        loss = float(-told[np.arange(len(wanted)), wanted].astype(np.float64).mean())
        accuracy = float((told.argmax(1) == wanted).mean())
        common = int(np.bincount(found.labels[found.train]).argmax())
        answer = {
            "accuracy": accuracy, "baseline_accuracy": float((wanted == common).mean()), "loss_nats": loss,
            "texts": len(wanted), "classes": len(self.classes),
        }  # fmt: skip
        yield Measured({"val_loss": loss, "accuracy": accuracy}, answer=answer)

    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """How well hidden tokens of the validation text are predicted, each at most once; the last one is the result.

        Windows lie side by side. In every one a share of the tokens is masked: when `exact` so often that each token has been
        hidden once, else in some evenly spaced windows. Yields nothing when there is no text to validate on.
        """
        data, config = self.data, self.config
        if config.task == "classify":
            yield from self._evaluate_classes(exact)
            return
        body = min(config.context - 1, len(data.validation))
        if body < 2:
            return
        windows, rounds = np.arange(len(data.validation) // body), turns(config, len(data.validation)) if exact else 1
        if not exact:
            count = _SAMPLED_BATCHES * config.batch
            windows = np.unique(np.linspace(0, len(windows) - 1, min(count, len(windows))).round().astype(np.int64))
        rows = max(1, int(_SLICE.get(self.device.type, _SLICE_ELSEWHERE) / (2 * body * self._weights)))
        nats, targets, right = [np.zeros(0)], [np.zeros(0, np.int64)], 0
        parts = [(turn, first) for turn in range(rounds) for first in range(0, len(windows), rows)]
        for number, (turn, first) in enumerate(parts, 1):
            drawn = held_out(data, config, windows[first : first + rows], turn)
            found, correct = self._score(drawn)
            nats, targets, right = [*nats, found], [*targets, drawn.targets[drawn.chosen]], right + correct
            yield Measured(done=0.95 * number / len(parts))
        each, wanted = np.concatenate(nats), np.concatenate(targets)
        if not len(each):
            return
        accuracy = right / len(each)
        values = {"val_loss": float(each.mean()), "masked_accuracy": accuracy}
        common = int(data.counts.argmax()) if len(data.train) else int(np.bincount(wanted).argmax())
        answer = {
            "masked_loss_nats": float(each.mean()),
            "standard_error": float(each.std() / math.sqrt(len(each))),
            "masked_accuracy": accuracy,
            "unigram_accuracy": float((wanted == common).mean()),
            "tokens": len(each),
        }
        if len(data.train):
            answer["unigram_loss_nats"] = float(-np.log(data.frequencies[wanted]).mean())
        if self.follows is not None and len(data.validation) >= config.context:
            paired = self._score_pairs(_SAMPLED_PAIRS * (8 if exact else 1), rows)
            values |= {"next_sentence_accuracy": paired}
            answer |= {"next_sentence_accuracy": paired}
        yield Measured(values, answer=answer)

    def layers(self, ids: NDArray[np.integer[Any]]) -> Generator[Tick, None, LayerStatistics]:
        """Activations, weights and gradients of every layer for the last of ids (T,) that the model reads at once, every seventh
        of which is hidden and predicted."""
        pieces = np.asarray(ids, np.int64)[None, -self.transformer.context :]
        chosen = (np.arange(pieces.shape[1]) % 7 == 3)[None] & (pieces < self.tokenizer.base.size)
        return self.statistics(Drawn(np.where(chosen, self.mask_id, pieces), pieces, chosen))

    def statistics(self, drawn: Drawn) -> Generator[Tick, None, LayerStatistics]:
        """The same for pieces (B, T)."""
        sizes = None if self.update_sizes is None else self.update_sizes.double().cpu().numpy()
        wanted = self.tensor(np.where(drawn.chosen, drawn.targets, NOT_PREDICTED)) if drawn.chosen.any() else None
        return layer_statistics(self.transformer, self.tensor(drawn.inputs), wanted, sizes)

    def tensor(self, ids: NDArray[np.integer[Any]]) -> Tensor:
        """Ids of any shape on the model's device."""
        return torch.from_numpy(ids.astype(np.int64)).to(self.device, non_blocking=True)

    @torch.no_grad()
    def _score(self, drawn: Drawn) -> tuple[NDArray[np.float64], int]:
        """Nats of each chosen token, and how many of them were the most probable one."""
        wanted = self.tensor(drawn.targets[drawn.chosen])
        with evaluating(self.transformer):
            chosen = torch.from_numpy(drawn.chosen).to(self.device)
            logits = self.transformer.head(self.transformer.read(self.tensor(drawn.inputs), chosen)).float()
        nats = F.cross_entropy(logits, wanted, reduction="none")
        return nats.cpu().double().numpy(), int((logits.argmax(-1) == wanted).sum())

    @torch.no_grad()
    def _score_pairs(self, count: int, rows: int) -> float:
        """The share of pairs of sentences that are told right."""
        assert self.follows is not None
        drawn, right = held_out_pairs(self.data, self.config, count), 0
        for first in range(0, count, rows):
            with evaluating(self.transformer):
                scores = self.follows(self.transformer.read(self.tensor(drawn.inputs[first : first + rows])))
            assert drawn.follows is not None
            right += int((scores.argmax(-1).cpu().numpy() == drawn.follows[first : first + rows]).sum())
        return right / count


__all__ = ["Bert", "BertModel", "Integers", "MaskedHead", "Pooled"]
