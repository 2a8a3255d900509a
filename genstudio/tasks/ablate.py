"""What parts of a model are for: the same text with them switched off; and a probe for induction heads.

A model that writes is read from left to right. Of one that fills gaps every token is hidden in turn, and predicted from both
sides: its pseudo-log-likelihood (Salazar et al. 2020).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genstudio.data.tokenizers import Tokenizer, continuation
from genstudio.data.work import Work
from genstudio.errors import DataError
from genstudio.events import Array, Frame, Progress
from genstudio.families.abilities import FillsIn, Traces
from genstudio.inspection.ablation import NOTHING_ABLATED, Ablation
from genstudio.sampling.choose import SamplingOptions
from genstudio.snapshots.attention import AblationResult, Induction
from genstudio.tasks.inside import window
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.task import Frames, Quiet, frames_of
from genstudio.tasks.translate import SourceReader, encode_target

if TYPE_CHECKING:
    from torch import Tensor

    from genstudio.nn.transformer import Stack, Transformer

PASSES = 32
"""Of a text with gaps to be made, the most forward passes: of a longer one several tokens are hidden at a time, far apart."""


@dataclass(frozen=True, slots=True)
class Ablate(Quiet):
    """The model as it is beside itself with `switches`: next token, loss on the text, and `length` tokens more, as many as
    the context at most.

    The text is the last tokens of `prompt` that the model can see; both write with the same `options` and `seed`. Where
    tokens are hidden, the window cannot slide over them: then both write after the last tokens that leave room.

    At the side of an encoder its parts are off, and the whole decoder reads what is left: hidden tokens are those of the
    source, and nobody sees them.

    A model that fills gaps writes the text with its gaps filled; what it predicts is the first gap, or the last token, hidden,
    where there is none.
    """

    model: ModelRef
    prompt: Prompt
    switches: Ablation = NOTHING_ABLATED
    length: int = 60
    options: SamplingOptions = field(default_factory=lambda: SamplingOptions(greedy=True))
    seed: int = 0

    def run(self, models: Models) -> Frames[AblationResult]:
        self.options.check()
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Traces)
        if isinstance(opened.model, SourceReader):
            return (yield from self._encoder(opened, opened.model))
        step = opened.step
        model, tokenizer = opened.frozen(), opened.tokenizer
        ids, _ = window(opened, self.prompt)
        if isinstance(opened.model, FillsIn):
            return (yield from self._fill(opened, opened.model, model, step, ids))
        read, written = [], list[str]()
        for switches in (NOTHING_ABLATED, self.switches):
            read.append((yield from frames_of(_read(model, ids, switches), "Reading the text")))
            more = yield from self._write(model, ids, switches)
            stop = more.index(tokenizer.end) if tokenizer.end in more else len(more)
            written.append("".join(continuation(tokenizer, more[:stop])))
        return AblationResult(
            "knocked", step, tokenizer.pieces(ids), (read[0][0], read[1][0]), (read[0][1], read[1][1]),
            opened.pieces, (written[0], written[1]), (model.architecture.layers, model.architecture.heads), self.switches,
        )  # fmt: skip

    def _encoder(self, opened: Opened[Traces], reader: SourceReader) -> Frames[AblationResult]:
        step, encoder, tokenizer = opened.step, opened.frozen_stack(), reader.model.tokenizer
        ids = encode_target(opened, self.prompt).ids[-reader.context :]
        read, written, whole = [], list[str](), replace(self, switches=NOTHING_ABLATED)
        for switches in (NOTHING_ABLATED, self.switches):
            states = yield from frames_of(_handed_on(encoder, reader.ids, switches), "Reading the source")
            decoder = reader.read(states)
            read.append((yield from frames_of(_read(decoder, ids, NOTHING_ABLATED), "Reading the text")))
            more = yield from whole._write(decoder, ids, NOTHING_ABLATED)
            stop = more.index(tokenizer.end) if tokenizer.end in more else len(more)
            written.append("".join(continuation(tokenizer, more[:stop])))
        return AblationResult(
            "knocked", step, tokenizer.pieces(ids), (read[0][0], read[1][0]), (read[0][1], read[1][1]),
            tuple(tokenizer.pieces(range(tokenizer.size))), (written[0], written[1]),
            (encoder.architecture.layers, encoder.architecture.heads), self.switches, reader.source_pieces,
        )  # fmt: skip

    def _fill(
        self, opened: Opened[Traces], fills: FillsIn, model: Transformer, step: int, ids: NDArray[np.int32]
    ) -> Frames[AblationResult]:
        tokenizer, mask = fills.tokenizer, fills.mask_id
        gaps, known = np.flatnonzero(ids == mask), np.flatnonzero(ids < tokenizer.base.size)
        if not len(gaps) and not len(known):
            raise DataError("There is nothing to predict in this text.", "Write some words, or [MASK], into the text.")
        asked = int(gaps[0]) if len(gaps) else int(known[-1])
        losses, chances, written = [], [], list[str]()
        for switches in (NOTHING_ABLATED, self.switches):
            nats = np.full(len(ids), np.nan)
            for number, places in enumerate(known[first::PASSES] for first in range(min(PASSES, len(known)))):
                hidden = ids.copy()
                hidden[places] = mask
                logprobs = yield from frames_of(_gaps_read(model, hidden, switches, tokenizer.base.size), "Hiding each token")
                nats[places] = -logprobs[places, ids[places]]
                yield Frame(progress=Progress("Hiding each token", number / PASSES))
            hidden = ids.copy()
            hidden[asked] = mask
            logprobs = yield from frames_of(_gaps_read(model, hidden, switches, tokenizer.base.size), "Filling the gaps")
            hidden[hidden == mask] = logprobs[hidden == mask].argmax(-1)
            losses.append(nats[1:])
            chances.append(np.exp(logprobs[asked]))
            written.append(tokenizer.decode(hidden).strip())
        return AblationResult(
            "knocked", step, tokenizer.pieces(ids), (losses[0], losses[1]), (chances[0], chances[1]), opened.pieces,
            (written[0], written[1]), (model.architecture.layers, model.architecture.heads), self.switches, gap=asked,
        )  # fmt: skip

    def _write(self, model: Transformer, ids: NDArray[np.int32], switches: Ablation) -> Frames[list[int]]:
        """Ids of what is written, at most `length` of them."""
        from genstudio.inspection.trace import Switched
        from genstudio.sampling.reader import Reader
        from genstudio.sampling.text import writing

        length, more = min(max(self.length, 0), model.context), list[int]()
        if self.switches.tokens:
            cut = len(ids) - min(len(ids), max(model.context - length, model.context // 2, 1))
            ids, length = ids[cut:], min(length, model.context - len(ids) + cut)
            switches = replace(switches, tokens=frozenset(at - cut for at in switches.tokens if at >= cut))
        due = time.monotonic() + 0.05
        reader = Reader(Switched(model, switches))
        for choice in writing(reader, ids, self.options, self.seed, length) if length > 0 else ():
            if choice is not None:
                more.append(choice.id)
            if choice is None or time.monotonic() >= due:
                yield Frame(progress=Progress("Writing", len(more) / length))
                due = time.monotonic() + 0.05
        return more


def _handed_on(encoder: Stack, ids: Array, switches: Ablation) -> Work[Array]:
    """What an encoder makes of source ids (S,), with parts of it off: the vectors (M, C) of the tokens that are not hidden."""
    from genstudio.inspection.trace import trace

    inside = yield from trace(encoder, ids, ("last_norm",), switches)
    kept = [place for place in range(len(ids)) if place not in switches.tokens] or [len(ids) - 1]
    return np.asarray(inside["last_norm"][kept])


def _read(model: Transformer, ids: NDArray[np.int32], switches: Ablation) -> Work[tuple[Array, Array]]:
    """Nats of every token after the first (T - 1,), and what comes next: probabilities (V,)."""
    import torch

    from genstudio.inspection.trace import trace

    inside = yield from trace(model, ids, ("last_norm",), switches)
    stream = torch.from_numpy(inside["last_norm"]).to(model.head.weight.device)
    rows = max(1, int(2e9 / model.head.weight.numel()))
    losses = []
    for first in range(0, len(ids), rows):
        logprobs = _logprobs(model, stream[first : first + rows])
        follows = torch.from_numpy(ids[first + 1 : first + 1 + rows].astype(np.int64)).to(logprobs.device)
        losses.append(-logprobs[torch.arange(len(follows), device=logprobs.device), follows].cpu().numpy())
        yield 1.0
    return np.concatenate(losses), logprobs[-1].exp().cpu().numpy()


def _gaps_read(model: Transformer, ids: NDArray[np.int32], switches: Ablation, fitting: int) -> Work[Array]:
    """Log-probabilities (T, V) at every place of ids (T,); only the first `fitting` tokens fit into a gap."""
    import torch

    from genstudio.inspection.trace import trace

    inside = yield from trace(model, ids, ("logits",), switches)
    logits = torch.from_numpy(inside["logits"])
    logits[:, fitting:] = -torch.inf
    found: Array = logits.log_softmax(-1).numpy()
    return found


def _logprobs(model: Transformer, stream: Tensor) -> Tensor:
    """Log-probabilities of rows of the last norm's output."""
    import torch

    with torch.no_grad():
        return model.head(stream).log_softmax(-1)


@dataclass(frozen=True, slots=True)
class ProbeInduction(Quiet):
    """Random tokens, once more the same: which heads look at what followed the last time, and does the loss fall?

    Each text is the beginning marker where there is one, `period` different tokens drawn by chance, and these again; 0:
    as many as the context holds twice, at most 64. Scores and losses are means over `texts` of them. A model that fills gaps
    has each token hidden in turn: the score is the attention of the gap to the same token in the other copy.
    """

    model: ModelRef
    period: int = 0
    texts: int = 8
    seed: int = 0

    def run(self, models: Models) -> Frames[Induction]:
        import torch

        from genstudio.inspection.heads import prefix_matching
        from genstudio.inspection.trace import trace

        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Traces)
        step = opened.step
        model, tokenizer = opened.frozen(), opened.tokenizer
        fills = opened.model if isinstance(opened.model, FillsIn) else None
        own = None if fills is None else fills.tokenizer.base.size
        drawn, begin = random_texts(tokenizer, model.context, self.period, self.texts, self.seed, own)
        period = (drawn.shape[1] - begin) // 2
        if fills is not None:
            return (yield from self._with_gaps(model, fills, drawn, begin, period, step))
        scores, losses = [], []
        for index, ids in enumerate(drawn):
            inside = yield from frames_of(trace(model, ids, ("weights", "last_norm")), f"Text {index + 1} of {len(drawn)}")
            scores.append([prefix_matching(torch.from_numpy(own["weights"]), period, begin).numpy() for own in inside.layers])
            logprobs = _logprobs(model, torch.from_numpy(inside["last_norm"]).to(model.head.weight.device))[:-1]
            follows = torch.from_numpy(ids[1:].astype(np.int64)).to(logprobs.device)
            losses.append(-logprobs.gather(-1, follows[:, None])[begin:, 0].cpu().numpy())
            yield Frame(progress=Progress("Looking for induction heads", (index + 1) / len(drawn)))
        queries = np.arange(begin + period, drawn.shape[1])
        seen = queries + 1 if model.architecture.causal else np.full(period, drawn.shape[1])
        return Induction(
            "induction", step, np.mean(scores, 0), np.mean(losses, 0), period, len(drawn), float(np.mean(1 / seen))
        )


    def _with_gaps(
        self, model: Transformer, fills: FillsIn, drawn: NDArray[np.int32], begin: int, period: int, step: int
    ) -> Frames[Induction]:
        """Every token of either copy is hidden, several at a time; the first copy is read without the second, which would
        give it away to a model that reads from both sides."""
        from genstudio.inspection.trace import trace

        fitting, passes = fills.tokenizer.base.size, min(PASSES // 4, period)
        scores, nats = np.zeros((model.architecture.layers, model.architecture.heads)), np.zeros(drawn.shape[1])
        jobs = [(ids, copy, first) for ids in drawn for copy in (0, 1) for first in range(passes)]
        for number, (ids, copy, first) in enumerate(jobs):
            places = begin + copy * period + np.arange(first, period, passes)
            hidden = ids[: begin + (copy + 1) * period].copy()
            hidden[places] = fills.mask_id
            inside = yield from frames_of(trace(model, hidden, ("weights", "logits")), "Hiding each token")
            logits = inside["logits"][:, :fitting].astype(np.float64)
            logits -= logits.max(-1, keepdims=True)
            logits -= np.log(np.exp(logits).sum(-1, keepdims=True))
            nats[places] -= logits[places, ids[places]] / len(drawn)
            if copy:
                looks = np.array([layer["weights"][:, places, places - period].sum(-1) for layer in inside.layers])
                scores += looks / (period * len(drawn))
            yield Frame(progress=Progress("Looking for induction heads", (number + 1) / len(jobs)))
        return Induction("induction", step, scores, nats[begin + 1 :], period, len(drawn), 1 / drawn.shape[1])


def random_texts(
    tokenizer: Tokenizer, context: int, period: int = 0, texts: int = 8, seed: int = 0, own: int | None = None
) -> tuple[NDArray[np.int32], int]:
    """Random tokens and their repetition: (texts, begin + 2 period) int32, and how many tokens stand before them (0 or 1).
    Only the first `own` ids are drawn, where that is given: others stand for no text.

    Raises DataError when the context or the vocabulary is too small for two tokens, twice.
    """
    begin = 0 if tokenizer.begin is None else 1
    usual = np.array([i for i in range(own or tokenizer.size) if i not in (tokenizer.begin, tokenizer.end)], np.int32)
    most = min((context - begin) // 2, len(usual))
    period = min(period or 64, most)
    if period < 2:
        raise DataError(
            "This model's context or vocabulary is too small for the probe.", "It needs a context of at least 5 tokens."
        )
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(texts):
        once = rng.choice(usual, period, replace=False)
        rows.append(np.concatenate([np.array([tokenizer.begin] * begin, np.int32), once, once]))
    return np.stack(rows), begin
