"""An encoder-decoder as a checkpoint of it is opened: it translates, and is measured on held-out pairs."""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.data.learnable.pairs import PairData, encode_source
from genstudio.data.tokenizers import Ids, Tokenizer
from genstudio.evaluation.translations import Record, TranslationScore
from genstudio.families.seq2seq.batches import IGNORED, PairBatch, padded
from genstudio.families.seq2seq.config import Seq2SeqConfig
from genstudio.families.stack_training import architecture
from genstudio.nn.encoder_decoder import EncoderDecoder, TransformerPair, embedded
from genstudio.nn.modes import evaluating
from genstudio.nn.recurrent import RecurrentPair
from genstudio.nn.transformer import Stack
from genstudio.sampling.pairs import GreedyBatch
from genstudio.sampling.reader import LanguageModel

_SAMPLED, _ROWS = 128, 32
"""Held-out pairs that are measured while it trains, and how many go through the network together."""
_BEYOND = 10
"""While it trains, a translation is cut off so many tokens behind the longest wanted one of its batch: it is wrong anyway."""


class Seq2SeqModel:
    """A network with its two tokenizers. `trained` are the weights in training: a network of their own where the settings want an
    average of them, for that is what translates and is measured."""

    def __init__(self, config: Seq2SeqConfig, data: PairData, device: str, seed: int) -> None:
        self.config, self.data, self.device = config, data, torch.device(device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network: nn.Module = build(config, data.source_tokenizer.size, data.tokenizer.size)
        self.network.to(self.device).eval()
        self.trained: nn.Module = copy.deepcopy(self.network) if config.ema else self.network
        self.modules: Mapping[str, nn.Module] = {"model": self.network} | ({"trained": self.trained} if config.ema else {})

    @property
    def pair(self) -> EncoderDecoder:
        return self.network  # type: ignore[return-value]

    @property
    def tokenizer(self) -> Tokenizer:
        return self.data.tokenizer

    @property
    def source_tokenizer(self) -> Tokenizer:
        return self.data.source_tokenizer

    @property
    def context(self) -> int:
        return self.config.context

    def on(self, data: PairData) -> Seq2SeqModel:
        """The same with other pairs, in its own tokens."""
        other = copy.copy(self)
        other.data = dataclasses.replace(data, tokenizer=self.tokenizer, source_tokenizer=self.source_tokenizer)
        return other

    def encode_source(self, text: str) -> tuple[Ids, tuple[int, ...]]:
        """A source as it is read, (S,) ids with the end marker, and the positions of characters that are unknown."""
        return encode_source(self.source_tokenizer, text)

    @property
    def encoder(self) -> Stack | None:
        """The stack that reads the source; None where recurrent cells do."""
        return self.network.encoder if isinstance(self.network, TransformerPair) else None

    def bind(self, source: NDArray[Any]) -> LanguageModel:
        """A language model over target tokens that has read source (S,): a `Transformer` where its decoder is one."""
        return self.pair.bind(self._tensor(source))  # type: ignore[return-value]

    def gradient_times_input(
        self, source: NDArray[Any], target: NDArray[Any], wanted: int | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], int]:
        """Gradient of the log-probability of `wanted` after target ids (T,), which begin with the begin marker, times the
        embedding of each token, summed over its numbers: of source (S,), and of target (T,); the log-probabilities (V,); and
        the token wanted, the most probable unless given."""
        ids = self._tensor(source)[None], self._tensor(target)[None]
        plain = torch.backends.cudnn.flags(enabled=False)  # cuDNN's cells have gradients in training mode alone
        with evaluating(self.network), torch.enable_grad(), plain, embedded(self.pair.embeddings) as read:
            logprobs = self.network(ids[0], None, ids[1])[0, -1].float().log_softmax(-1)
            wanted = int(logprobs.argmax()) if wanted is None else wanted
            gradients = torch.autograd.grad(logprobs[wanted], read)
        scores = [(x.detach() * g).sum(-1)[0].double().cpu().numpy() for x, g in zip(read, gradients, strict=True)]
        return scores[0], scores[1], logprobs.detach().double().cpu().numpy(), wanted

    def cross_attention(self, source: NDArray[Any], target: NDArray[Any]) -> NDArray[np.float32]:
        """What is looked at in source (S,) while each of target (T,) is predicted: (layers, heads, T, S)."""
        with evaluating(self.network):
            weights = self.pair.cross_attention(self._tensor(source), self._inputs(target))
        return weights.float().cpu().numpy()

    @torch.no_grad()
    def hidden_states(self, source: NDArray[Any], target: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The encoder's last states of source (S,), (S, C), and the decoder's from which each of target (T,) is predicted,
        (T, C)."""
        with evaluating(self.network):
            memory = self.pair.encode(self._tensor(source)[None])
            decoded = self.pair.hidden(self._inputs(target)[None], memory)
        return memory.states[0].float().cpu().numpy(), decoded[0].float().cpu().numpy()

    def evaluate(self, exact: bool = False) -> Iterator[TranslationScore]:
        """Held-out pairs, translated greedily; all of them when `exact`, else evenly spaced ones. The last one is
        the result; yields nothing where there are none."""
        held = self.data.held
        rows = np.arange(len(held))
        if not exact:
            count = min(len(rows), _SAMPLED)
            rows = np.unique(np.linspace(0, len(rows) - 1, count).round().astype(np.int64)) if len(rows) else rows
        rows = rows[np.argsort(held.sources.lengths[rows], kind="stable")]
        records: list[Record] = []
        for first in range(0, len(rows), _ROWS):
            some = rows[first : first + _ROWS]
            records += yield from self._records(some, exact)
            yield TranslationScore((), min(0.99, (first + _ROWS) / len(rows)))
        if records:
            yield TranslationScore(tuple(records), 1.0, self.data.natural, self.data.left_out.long)

    def translated(self, batch: PairBatch, limit: int) -> GreedyBatch:
        """The sources of a batch, ready to be translated."""
        begin, end = self.tokenizer.begin, self.tokenizer.end
        assert begin is not None and end is not None
        return GreedyBatch(self.network, batch.source, batch.padding, begin, end, limit)

    def _records(self, rows: NDArray[np.int64], exact: bool) -> Generator[TranslationScore, None, list[Record]]:
        """Returns a Record for each of these held-out pairs; yields between slices of work."""
        held = self.data.held
        batch = padded(held, rows)
        nats, right, tokens = self._forced(batch)
        yield TranslationScore((), 0.0)
        began = time.perf_counter()
        limit = self.context if exact else min(self.context, batch.targets.shape[1] + _BEYOND)
        greedy, spent = self.translated(batch, limit), time.perf_counter() - began
        while not greedy.done:
            began = time.perf_counter()
            greedy.step()
            spent += time.perf_counter() - began
            yield TranslationScore((), 0.0)
        records = []
        for place, (row, ids) in enumerate(zip(rows.tolist(), greedy.targets, strict=True)):
            length, seconds = int(held.sources.lengths[row]) - 1, spent / len(rows)
            made, wanted = self.tokenizer.decode(ids), held.texts[row][1]
            records.append(
                Record(length, nats[place], int(right[place]), int(tokens[place]), made.strip(), wanted, seconds)
            )
        return records

    @torch.no_grad()
    def _forced(self, batch: PairBatch) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """Of each row, given its target up to each token: the nats, how many tokens were likeliest, and how many there are."""
        targets = self._tensor(batch.targets)
        with evaluating(self.network):
            logits = self.network(self._tensor(batch.source), self._tensor(batch.padding), self._tensor(batch.inputs))
        real = targets != IGNORED
        nats = F.cross_entropy(logits.transpose(1, 2).float(), targets, ignore_index=IGNORED, reduction="none")
        right = (logits.argmax(-1) == targets) & real
        return nats.cpu().double().sum(1).numpy(), right.sum(1).cpu().numpy(), real.sum(1).cpu().numpy()

    def _inputs(self, target: NDArray[Any]) -> Tensor:
        return self._tensor(np.concatenate([[self.tokenizer.begin], target[:-1]]))

    def _tensor(self, values: NDArray[Any]) -> Tensor:
        values = values if values.dtype == bool else values.astype(np.int64)
        return torch.from_numpy(values).to(self.device, non_blocking=True)


def build(config: Seq2SeqConfig, source: int, target: int) -> nn.Module:
    """The network of these settings for vocabularies of so many tokens."""
    shared = config.vocabularies == "shared"
    if config.architecture == "transformer":
        encoder, decoder = (architecture(config, size, causal=True) for size in (source, target))
        return TransformerPair(encoder, decoder, shared)
    return RecurrentPair(
        source,
        target,
        config.d_model,
        config.layers,
        config.context,
        cell=config.cell,
        score="none" if config.architecture == "rnn" else config.score,
        both_ways=config.bidirectional,
        dropout=config.dropout,
        shared=shared,
        tied=config.tied,
    )
