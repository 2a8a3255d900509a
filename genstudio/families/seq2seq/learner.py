"""Training of an encoder-decoder: batches of pairs, one update, and sentences to look at."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from genstudio.data.tokenizers import Ids
from genstudio.events import Snapshot
from genstudio.families.seq2seq.batches import IGNORED, PairBatch, draw, padded
from genstudio.families.seq2seq.config import Seq2SeqConfig
from genstudio.families.seq2seq.model import Seq2SeqModel
from genstudio.families.stack_training import optimizers
from genstudio.nn.ema import update_ema
from genstudio.nn.encoder_decoder import EncoderDecoder
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.translation import Translated, Translations
from genstudio.training.learner import EARLY, Tick, Values
from genstudio.training.optim import schedule
from genstudio.training.updates import Updates

_SHOWN = 8
_SEED = 2014

Batch = tuple[Tensor, Tensor, Tensor, Tensor]
"""source, padding, inputs, targets"""


class Seq2SeqLearner:
    """Trains an encoder-decoder. Each preview translates the same held-out sentences, and `sentence` before them where a
    person gave one."""

    def __init__(self, model: Seq2SeqModel, seed: int) -> None:
        config = model.config
        self.model, self.seed, self.step = model, seed, 0
        self.network = model.trained.train(config.dropout > 0)
        self.pair: EncoderDecoder = self.network  # type: ignore[assignment]
        self._newest, self._average = (list(network.parameters()) for network in (self.network, model.network))
        self.optimizers: Mapping[str, torch.optim.Optimizer] = optimizers(config, self.pair.matrices(), self._newest)
        self.updates = Updates([self.network], self.optimizers)
        self.evaluate_every, self.evaluate_early = config.evaluate_every, EARLY
        self.tokens_per_step, self.preview_every, self.criterion = 0, 1.0, "val_loss"
        self.threads: int | None = None
        held = len(model.data.held)
        self.shown = np.sort(np.random.default_rng(_SEED).permutation(held)[:_SHOWN])
        self.sentence = ""

    @property
    def config(self) -> Seq2SeqConfig:
        return self.model.config

    def batch(self, step: int) -> list[Batch]:
        """Source, its padding, inputs and targets of each batch of a step, see `PairBatch`; depends on seed and step alone.

        Raises DataError when the data has no pairs to train on.
        """
        return [self._tensors(batch) for batch in draw(self.config, self.model.data, self.seed, step)]

    def training_step(self, batch: list[Batch], step: int, progress: float) -> Values:
        """One update. A gradient that is not finite changes nothing but is reported. `train_loss` is in nats per token, without
        what label smoothing adds."""
        self.step, config = step, self.config
        whole = sum(len(source) for source, *_ in batch)
        losses = [self._backward(one, len(one[0]) / whole) for one in batch]
        factor = schedule(
            config.schedule, progress, step, warmup=config.warmup, hold=config.hold, final=config.final_rate
        )
        rates = {"adamw": config.learning_rate, "muon": config.muon_rate}
        self.updates.set_rates({name: rates[name] * factor for name in self.optimizers})
        norm = self.updates.step(clip=config.clip)
        if config.ema:
            update_ema(self._average, self._newest, config.ema, step)
        loss = losses[0] if len(losses) == 1 else torch.stack(losses).sum()
        return {"train_loss": loss, "gradient_norm": norm, "learning_rate": config.learning_rate * factor}

    def change(self, values: Mapping[str, object]) -> None:
        """Other values of the live settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.config).parse({**self.config.model_dump(), **values})

    def watch(self, values: Mapping[str, str]) -> None:
        """Translate another `sentence` from the next preview on."""
        self.sentence = values.get("sentence", self.sentence).strip()

    def preview(self) -> Iterator[Snapshot | Tick]:
        """Held-out sentences as they are translated now (channel `translations`), and what the decoder looks at in the first
        of all (`attention`), where it can look."""
        first = yield from self._sentence()
        sentences = [] if first is None else [first[0]]
        if len(self.shown):
            batch = padded(self.model.data.held, self.shown)
            made = yield from self._written(batch)
            sentences += [self._translated(row, ids) for row, ids in zip(self.shown.tolist(), made, strict=True)]
            if first is None:
                held = self.model.data.held
                first = (sentences[0], held.sources[int(self.shown[0])], self._ended(made[0]))
        if first is None:
            return
        yield Translations("translations", self.step, tuple(sentences))
        _, source, target = first
        weights = self.model.cross_attention(source, target)
        if len(weights):
            pieces = self.model.source_tokenizer.pieces(source), self.model.tokenizer.pieces(target)
            yield Attention("attention", self.step, pieces[0], weights, pieces[1])

    def _sentence(self) -> Generator[Tick, None, tuple[Translated, Ids, Ids] | None]:
        """The person's sentence with its translation, its source ids and target ids; None where there is none that fits."""
        if not self.sentence:
            return None
        source, _ = self.model.encode_source(self.sentence)
        if len(source) > self.model.context:
            return None
        none = np.zeros((1, 1), np.int64)
        batch = PairBatch(source[None].astype(np.int64), np.zeros((1, len(source)), bool), none, none)
        (made,) = yield from self._written(batch)
        pieces = self.model.source_tokenizer.pieces(source[:-1]), self.model.tokenizer.pieces(made)
        # there is no reference, so nothing is wrong
        said = Translated(pieces[0], (), pieces[1], np.ones(len(made), bool))
        return said, source, self._ended(made)

    def _written(self, batch: PairBatch) -> Generator[Tick, None, list[list[int]]]:
        greedy = self.model.translated(batch, self.model.context)
        yield Tick()
        while not greedy.done:
            greedy.step()
            yield Tick()
        return greedy.targets

    def _translated(self, row: int, made: list[int]) -> Translated:
        model, held = self.model, self.model.data.held
        wanted = held.targets[row][1:-1]
        same = min(len(made), len(wanted))
        right = np.zeros(len(made), bool)
        right[:same] = np.asarray(made[:same]) == wanted[:same]
        source = model.source_tokenizer.pieces(held.sources[row][:-1])
        return Translated(source, model.tokenizer.pieces(wanted), model.tokenizer.pieces(made), right)

    def _ended(self, made: list[int]) -> Ids:
        """What was written, with the end marker where there is room for it."""
        end = self.model.tokenizer.end
        return np.array([*made, end][: self.model.context], np.int32)

    def _backward(self, batch: Batch, share: float) -> Tensor:
        """Adds a batch's share to the gradients; returns its share of the loss."""
        source, padding, inputs, targets = batch
        memory = self.pair.encode(source, padding)
        if self.config.teacher_forcing < 1:
            inputs = self._guessed(inputs, memory)
        logits = self.pair.decode(inputs, memory)
        loss, nats = smoothed_loss(logits, targets, self.config.label_smoothing)
        (loss * share).backward()
        return nats.detach() * share

    @torch.no_grad()
    def _guessed(self, inputs: Tensor, memory: Any) -> Tensor:
        """Inputs of which a share of 1 - teacher_forcing is what the decoder itself would have written there, by a first pass
        with the right ones (Mihaylova & Martins 2019). The begin marker stays."""
        guesses = self.pair.decode(inputs, memory).argmax(-1)[:, :-1]
        own = torch.rand(guesses.shape, device=inputs.device) >= self.config.teacher_forcing
        return torch.cat([inputs[:, :1], torch.where(own, guesses, inputs[:, 1:])], 1)

    def _tensors(self, batch: PairBatch) -> Batch:
        device = self.model.device
        source, padding, inputs, targets = (torch.from_numpy(part).to(device, non_blocking=True) for part in batch)
        return source, padding, inputs, targets


def smoothed_loss(logits: Tensor, targets: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """The loss to descend and the nats per token, both means over the targets (B, T) that are not IGNORED; logits (B, T, V).

    With smoothing e, the wanted probability is 1 - e for the target and e / V more for every token (Szegedy et al. 2016, 7).
    """
    flat, wanted = logits.flatten(0, 1).float(), targets.flatten()
    if not smoothing:
        nats = F.cross_entropy(flat, wanted, ignore_index=IGNORED)
        return nats, nats
    logprobs, real = flat.log_softmax(-1), wanted != IGNORED
    nats = F.nll_loss(logprobs, wanted, ignore_index=IGNORED)
    even = -(logprobs.mean(-1) * real).sum() / real.sum()
    return (1 - smoothing) * nats + smoothing * even, nats
