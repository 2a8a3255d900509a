"""Which pieces of text a step looks at, and what is hidden of them. No torch: the same code shows a person the batch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genstudio.data.batches import TokenBatch
from genstudio.data.tokenizers import Ids
from genstudio.data.tokenizers.special import SpecialTokenizer
from genstudio.errors import DataError
from genstudio.families.bert.config import BertConfig
from genstudio.families.bert.data import BertData

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
_EVALUATION = 0x6D61736B
"""A key of random numbers that no training has: what is hidden in an evaluation is the same every time."""


class Drawn(NamedTuple):
    """Pieces of text (..., T): what the model is given, what stood there, which positions it must predict; and whether the
    second sentence follows the first (...), where that is asked."""

    inputs: Integers
    targets: Integers
    chosen: Booleans
    follows: Integers | None = None


def draw(config: BertConfig, data: BertData, seed: int, step: int) -> Drawn:
    """Pieces (accumulation, batch, T) of the training tokens with their masks; depends on seed and step alone.

    Raises DataError when the data has no text to train on.
    """
    shape, body = (config.accumulation, config.batch), config.context - 1
    if len(data.train) < config.context:
        raise DataError(f"There is no text to train on: a context of {config.context} needs as many tokens.", "Open a dataset.")
    rng = _rng(seed, step)
    follows = None
    if config.nsp:
        pieces, follows = pairs(data.tokenizer, data.train, data.sentences, config.context, shape, rng)
    else:
        where = rng.integers(0, len(data.train) - body + 1, shape)
        if not config.dynamic:
            where -= where % body  # every piece is one of a grid, so that it comes again with the masks that it had
        pieces = framed(data.tokenizer, data.train[where[..., None] + np.arange(body)])
    if config.dynamic:
        noise = rng.random((3, *pieces.shape))
    else:
        keys = pieces.reshape(-1, pieces.shape[-1]) @ np.arange(1, pieces.shape[-1] + 1)
        noise = np.stack([_rng(seed, int(key) + (1 << 40)).random((3, pieces.shape[-1])) for key in keys], 1)
        noise = noise.reshape(3, *pieces.shape)
    chosen = choose(data.tokenizer, pieces, noise[0], config.mask_share)
    return Drawn(corrupted(config, data.tokenizer, pieces, chosen, noise[1], noise[2]), pieces, chosen, follows)


def draw_labelled(config: BertConfig, data: BertData, seed: int, step: int) -> tuple[Integers, Integers]:
    """Padded texts (accumulation, batch, T) and their classes (accumulation, batch); depends on seed and step alone.

    Raises DataError when there is nothing to train on.
    """
    found = data.labelled
    if found is None or not len(found.train):
        raise DataError("There are no labelled texts to train on.", "Open a dataset.")
    few = found.train[: config.examples or None]
    chosen = few[_rng(seed, step).integers(0, len(few), config.accumulation * config.batch)]
    shape = (config.accumulation, config.batch)
    texts = found.padded(data.tokenizer, chosen, config.context)
    return texts.reshape(*shape, -1), found.labels[chosen].reshape(shape)


def framed(tokenizer: SpecialTokenizer, bodies: Ids) -> Integers:
    """Bodies (..., T - 1) behind [CLS]: (..., T)."""
    begins = np.full((*bodies.shape[:-1], 1), tokenizer.begin, np.int64)
    return np.concatenate([begins, bodies.astype(np.int64)], -1)


def pairs(
    tokenizer: SpecialTokenizer, ids: Ids, starts: Integers, context: int, shape: tuple[int, ...], rng: np.random.Generator
) -> tuple[Integers, Integers]:
    """[CLS] first half [SEP] second half [SEP] (*shape, T), each half from the beginning of a sentence on; and whether
    (*shape) the second follows the first: in half of them it comes from anywhere.

    Sentences are as long as fits: the first of half the room, or to the last sentence end within it.
    """
    count, room = int(np.prod(shape)), context - 3
    usable = starts[starts <= max(len(ids) - room, 0)]
    usable = usable if len(usable) > 1 else np.arange(max(len(ids) - room, 1))
    first = usable[rng.integers(0, len(usable), count)]
    elsewhere = usable[rng.integers(0, len(usable), count)]
    follows = rng.integers(0, 2, count)
    place = np.searchsorted(starts, first + room // 2 + 1) - 1
    end = np.where(starts[place] > first, starts[place], first + room // 2)
    second = np.where(follows == 1, end, elsewhere)
    out = np.full((count, context), tokenizer.separator, np.int64)
    out[:, 0] = tokenizer.begin
    at = np.arange(context - 2)
    length = (end - first)[:, None]
    inside = np.where(at < length, first[:, None] + at, second[:, None] + at - length - 1)
    body = ids[np.clip(inside, 0, len(ids) - 1)].astype(np.int64)
    out[:, 1:-1] = np.where(at == length, tokenizer.separator, body)
    return out.reshape(*shape, context), follows.reshape(shape)


def choose(tokenizer: SpecialTokenizer, pieces: Integers, noise: NDArray[np.float64], share: float) -> Booleans:
    """Which positions of pieces (..., T) are to be predicted: a fixed number in each, neither special tokens nor `<unk>`."""
    open_ = predictable(tokenizer, pieces)
    count = max(1, round(share * (pieces.shape[-1] - 1)))
    order = np.argsort(np.where(open_, noise, 2.0), -1)[..., :count]
    chosen = np.zeros(pieces.shape, bool)
    np.put_along_axis(chosen, order, True, -1)
    return chosen & open_


def predictable(tokenizer: SpecialTokenizer, ids: Integers) -> Booleans:
    """Which ids are those of a text and known: neither special nor `<unk>`."""
    inside = ids < tokenizer.base.size
    return inside if tokenizer.unknown is None else inside & (ids != tokenizer.unknown)


def corrupted(
    config: BertConfig, tokenizer: SpecialTokenizer, pieces: Integers, chosen: Booleans, which: NDArray[np.float64],
    other: NDArray[np.float64],
) -> Integers:  # fmt: skip
    """The pieces with most chosen tokens masked, some replaced by others and the rest kept (Devlin et al. 2019, 3.1)."""
    masked = chosen & (which < config.masked)
    replaced = chosen & ~masked & (which < config.masked + config.random)
    found = np.where(masked, tokenizer.mask, pieces)
    return np.where(replaced, (other * tokenizer.base.size).astype(np.int64), found)


def held_out(data: BertData, config: BertConfig, windows: Integers, turn: int) -> Drawn:
    """Windows (n,) of the validation text by their numbers, with every chosen token masked: (n, T).

    The positions of a window are shared out among turns from 0 to `turns`: over all of them each token is hidden once.
    """
    body = min(config.context - 1, len(data.validation))
    pieces = framed(data.tokenizer, data.validation[windows[:, None] * body + np.arange(body)])
    ranks = np.stack([np.argsort(np.argsort(_rng(_EVALUATION, int(window)).random(body))) for window in windows])
    size = max(1, round(config.mask_share * body))
    chosen = np.zeros(pieces.shape, bool)
    chosen[:, 1:] = (ranks >= turn * size) & (ranks < (turn + 1) * size)
    chosen &= predictable(data.tokenizer, pieces)
    return Drawn(np.where(chosen, data.tokenizer.mask, pieces), pieces, chosen)


def turns(config: BertConfig, tokens: int) -> int:
    """How many turns `held_out` has for windows of so many tokens at most."""
    body = min(config.context - 1, tokens)
    return -(-body // max(1, round(config.mask_share * body)))


def held_out_pairs(data: BertData, config: BertConfig, count: int) -> Drawn:
    """Pairs (count, T) of the validation text that are the same every time, nothing hidden in them."""
    rng = _rng(_EVALUATION, 1 << 40)
    pieces, follows = pairs(data.tokenizer, data.validation, data.validation_sentences, config.context, (count,), rng)
    return Drawn(pieces, pieces, np.zeros(pieces.shape, bool), follows)


def shown(config: BertConfig, data: BertData, seed: int, step: int) -> TokenBatch:
    """The batch of a step with the text of its tokens."""
    if config.task == "classify":
        texts, _ = draw_labelled(config, data, seed, step)
        drawn = Drawn(texts, texts, np.zeros(texts.shape, bool))
    else:
        drawn = draw(config, data, seed, step)
    ids = np.unique(np.concatenate([drawn.inputs, drawn.targets], -1)).tolist()
    pieces = dict(zip(ids, data.tokenizer.pieces(ids), strict=True))
    return TokenBatch(drawn.inputs, drawn.targets, pieces, False, data.tokenizer.unknown, drawn.chosen)


def _rng(seed: int, key: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed % 2**64, key]))
