"""A model that translates: what it reads of a source, how it writes the translation, and where it looks meanwhile."""

from __future__ import annotations

import copy
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from genstudio.data.tokenizers import Tokenizer
from genstudio.data.work import Work
from genstudio.errors import DataError
from genstudio.events import Array, Frame, Progress, Snapshot
from genstudio.families.abilities import Translates
from genstudio.runs import Run
from genstudio.tasks.models import ModelRef, Models, Opened, Side
from genstudio.tasks.prompt import Encoded, Prompt, encode
from genstudio.tasks.task import Frames, Quiet

if TYPE_CHECKING:
    from genstudio.nn.transformer import Stack, Transformer
    from genstudio.sampling.reader import LanguageModel
    from genstudio.snapshots.layers import LayerStatistics
    from genstudio.training.learner import Tick


class Translator:
    """A model that translates, once it has read a `source`, whose `ids` are given: it writes the translation, and so it
    `Writes`. See `reading`."""

    def __init__(self, model: Translates, ids: Array, language_model: LanguageModel) -> None:
        self.model, self.ids, self.language_model = model, ids, language_model

    @property
    def source_pieces(self) -> tuple[str, ...]:
        """The source in printable tokens, with its end marker."""
        return tuple(self.model.source_tokenizer.pieces(self.ids))

    @property
    def config(self) -> Any:
        return self.model.config

    @property
    def data(self) -> Any:
        return self.model.data

    @property
    def device(self) -> Any:
        return self.model.device

    @property
    def modules(self) -> Mapping[str, Any]:
        return self.model.modules

    @property
    def tokenizer(self) -> Tokenizer:
        return self.model.tokenizer

    @property
    def context(self) -> int:
        return self.model.context


class TracedTranslator(Translator):
    """One whose decoder is a transformer with the source in its memory: it `Traces`."""

    def __init__(self, model: Translates, ids: Array, transformer: Transformer) -> None:
        super().__init__(model, ids, transformer)
        self.transformer = transformer

    def with_transformer(self, stack: Transformer) -> TracedTranslator:
        return TracedTranslator(self.model, self.ids, stack)

    def layers(self, ids: Array) -> Generator[Tick, None, LayerStatistics]:
        """Of the decoder for target ids (T,); gradients need two tokens, and do not go on into the encoder."""
        import torch

        from genstudio.inspection.statistics import layer_statistics

        row = torch.from_numpy(np.asarray(ids, np.int64))[None].to(self.transformer.tokens.weight.device)
        if row.shape[1] < 2:
            return layer_statistics(self.transformer, row, None)
        return layer_statistics(self.transformer, row[:, :-1], row[:, 1:])


class SourceReader(Translator):
    """The encoder of one, as what is looked into: the text that its stack reads is the source. `decoder` has read it."""

    def __init__(self, model: Translates, ids: Array, decoder: Transformer, encoder: Stack) -> None:
        super().__init__(model, ids, decoder)
        self.decoder, self.transformer = decoder, encoder

    def read(self, states: Array) -> Transformer:
        """The decoder once it has read other vectors (M, C) than the encoder made of the source."""
        import torch

        from genstudio.nn.encoder_decoder import reading

        return reading(self.decoder, torch.from_numpy(states).to(self.decoder.tokens.weight.device))

    @property
    def tokenizer(self) -> Tokenizer:
        return self.model.source_tokenizer

    def with_transformer(self, stack: Stack) -> SourceReader:
        return SourceReader(self.model, self.ids, self.decoder, stack)

    def layers(self, ids: Array) -> Generator[Tick, None, LayerStatistics]:
        """Of the encoder for its source; gradients are those of the loss of target ids (T,), and need two of them."""
        import torch

        from genstudio.inspection.statistics import encoder_statistics

        device = self.transformer.tokens.weight.device
        source, row = (torch.from_numpy(np.asarray(part, np.int64))[None].to(device) for part in (self.ids, ids))
        targets = row[:, 1:] if row.shape[1] > 1 else None
        return encoder_statistics(self.transformer, source, self.decoder, row[:, :-1], targets)


def reading(model: Translates, source: str, side: Side = "decoder", *, frozen: bool = False) -> Translator:
    """A model that has read a source; one that `Traces` where the half of it at this side is a stack of attention blocks.

    `frozen`: its weights are copied, for a training changes those of the model. Raises DataError for a source of which
    nothing is in the vocabulary, and for one that is longer than the model reads.
    """
    from genstudio.nn.transformer import Transformer

    ids, _ = read_source(model, source)
    bound = model.bind(ids)
    bound = copy.deepcopy(bound) if frozen else bound
    encoder = model.encoder
    if side == "encoder" and encoder is not None and isinstance(bound, Transformer):
        return SourceReader(model, ids, bound, copy.deepcopy(encoder) if frozen else encoder)
    return TracedTranslator(model, ids, bound) if isinstance(bound, Transformer) else Translator(model, ids, bound)


def encode_for(opened: Opened[Any], prompt: Prompt) -> Encoded:
    """Ids (n,) of what the stack that is looked into reads: the source at the encoder's side, else the prompt."""
    if isinstance(opened.model, SourceReader):
        return Encoded(opened.model.ids, (), 0)
    return encode(opened.tokenizer, prompt)


def encode_target(opened: Opened[Any], prompt: Prompt) -> Encoded:
    """Ids (n,) of the prompt in the tokens that the model writes, at whichever side it is looked into."""
    model = opened.model
    return encode(model.model.tokenizer if isinstance(model, Translator) else model.tokenizer, prompt)


def read_source(model: Translates, source: str) -> tuple[Array, tuple[int, ...]]:
    """Ids (S,) of a source with its end marker, and the positions of characters that are unknown. Raises DataError."""
    ids, unknown = model.encode_source(source)
    missing = set(unknown)
    if len(ids) < 2 or (missing and all(letter.isspace() or at in missing for at, letter in enumerate(source))):
        raise DataError("None of these characters is in the model's vocabulary.", "Type text like its training pairs.")
    if len(ids) > model.context:
        most = model.context - 1
        raise DataError(
            f"The source has {len(ids) - 1:,} tokens; this model reads {most:,} at most.",
            "Shorten it, or train a model with a longer context.",
        )
    return ids, unknown


def without_source_tokens(
    translator: Translator, ids: Array, target: int | None = None
) -> Work[tuple[Array, Array, int]]:
    """How much the log-probability of `target` after target ids (T,) falls when one token of the source is left out: scores
    (S,) of all but the end marker, above 0 where the token raises it; the log-probabilities (V,); and the target, the most
    probable unless told. The source is read again each time, with the weights that the model has then."""
    import torch

    row = torch.from_numpy(ids.astype(np.int64))[None].to(translator.device)

    @torch.no_grad()
    def logprobs(source: Array) -> Array:
        found = translator.model.bind(source)(row, last=True)[0, -1].float().log_softmax(-1)
        return np.asarray(found.double().cpu().numpy())

    whole = logprobs(translator.ids)
    target = int(whole.argmax()) if target is None else target
    scores = np.zeros(len(translator.ids) - 1)
    for place in range(len(scores)):
        yield place / len(scores)
        scores[place] = whole[target] - logprobs(np.delete(translator.ids, place))[target]
    return scores, whole, target


@dataclass(frozen=True, slots=True)
class SourceText:
    """A source as a model reads it: printable `pieces` of its tokens without the end marker, the positions of characters that
    are `unknown`, and in a sentence the `problem` with it, if it cannot be translated."""

    text: str
    pieces: tuple[str, ...] = ()
    unknown: tuple[int, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class ReadSource(Quiet):
    """How the model cuts a text into source tokens, and whether it can translate it."""

    model: ModelRef
    text: str

    def run(self, models: Models) -> Frames[SourceText]:
        yield from ()
        opened = models.open(replace(self.model, source=""), Translates)
        if not self.text.strip():
            return SourceText(self.text)
        try:
            ids, unknown = read_source(opened.model, self.text)
        except DataError as error:
            return SourceText(self.text, problem=f"{error.message} {error.hint}".strip())
        return SourceText(self.text, opened.model.source_tokenizer.pieces(ids[:-1]), tuple(unknown))


@dataclass(frozen=True, slots=True)
class Example:
    """A held-out pair, the `number`th (from 0) of `count`."""

    source: str
    reference: str
    number: int
    count: int


@dataclass(frozen=True)
class HeldOutPair:
    """A pair that the model was not trained on, by its number; numbers beyond the last begin again. Raises DataError."""

    model: ModelRef
    number: int

    def run(self, models: Models) -> Frames[Example]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(replace(self.model, source=""), Translates)
        model = yield from opened.with_data(Run.open(self.model.run))
        pairs = model.data.held.texts
        if not pairs:
            raise DataError("No pair was held out when this model was trained.", "Type a source of your own.")
        number = self.number % len(pairs)
        source, reference = pairs[number]
        return Example(source, reference, number, len(pairs))


@dataclass(frozen=True, slots=True, eq=False)
class TranslationInside(Snapshot):
    """Where a model looks while it predicts each of the `target` tokens (T), the last of them the end marker, in the `source`
    (S, with its end marker): `weights` (layers, heads, T, S), without layers for a model that has no attention. `encoder`
    (S, C) are the states that the source became, `decoder` (T, C) those from which each target token is predicted.
    `words` says which model answers.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: Array
    encoder: Array
    decoder: Array
    words: str

    @property
    def row_error(self) -> float:
        """The largest distance of a row's sum from 1."""
        return float(np.abs(self.weights.sum(-1) - 1).max()) if self.weights.size else 0.0


@dataclass(frozen=True)
class LookAtTranslation(Quiet):
    """What goes on in a model that translates the source of `model` into the target text `prompt`."""

    model: ModelRef
    prompt: Prompt

    def run(self, models: Models) -> Frames[TranslationInside]:
        base: Opened[Translates] = models.open(replace(self.model, source=""), Translates)
        model = base.model
        source, _ = read_source(model, self.model.source)
        target = self._target(base)
        yield Frame(progress=Progress("Inspecting the translation"))
        weights = model.cross_attention(source, target)
        yield Frame(progress=Progress("Inspecting the translation", 0.5))
        encoder, decoder = model.hidden_states(source, target)
        return TranslationInside(
            "translation",
            base.step,
            model.source_tokenizer.pieces(source),
            model.tokenizer.pieces(target),
            np.asarray(weights, np.float32),
            np.asarray(encoder, np.float32),
            np.asarray(decoder, np.float32),
            base.words,
        )

    def _target(self, opened: Opened[Translates]) -> Array:
        """Ids (T,) of the target and its end marker, as many as the model sees."""
        encoded = encode(opened.tokenizer, self.prompt)
        ids = encoded.ids[encoded.added :] if opened.tokenizer.begin is not None else encoded.ids
        end = [] if opened.tokenizer.end is None else [opened.tokenizer.end]
        return np.concatenate([ids[: opened.model.context - 1], end]).astype(np.int64)


