"""Training of a GPT: batches, one update, and things to look at."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Generator, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from genstudio.data.learnable.questions import EQUALS, QuestionData
from genstudio.data.tokenizers import continuation
from genstudio.data.tokenizers.tokenizer import without
from genstudio.events import Snapshot
from genstudio.families.gpt.batches import draw
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.model import GPTModel, Ids
from genstudio.families.stack_training import Stepper
from genstudio.inspection.trace import attention
from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.text import stream
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.layers import LayerStatistics
from genstudio.snapshots.text import Text
from genstudio.snapshots.translation import Translated, Translations
from genstudio.training.learner import EARLY, Tick, Values

_TICK = 0.02  # seconds of work between two chances for others
_WRITE, _WRITE_SEED = 120, 0
_QUESTIONS, _QUESTIONS_SEED, _BEYOND = 8, 2017, 4
_PROBE = 64
_PROBE_TOKENS = 512
_FIT_EVERY, FIT_TOKENS = 200, 8192
_FIT_EARLY, _FEW = (1, 5, 10, 20, 40, 70, 100), 2048
"""When the share of the counts is fitted, and on how many tokens; on few while the network changes fast. Some 3 % of the time."""


class GPTLearner:
    """Trains a GPT. Each preview continues `prompt`, and looks at `probe`."""

    def __init__(self, model: GPTModel, seed: int) -> None:
        config = model.config
        self.model, self.seed = model, seed
        self.transformer = model.transformer.train(config.dropout > 0)
        self.stepper = Stepper(config, self.transformer)
        self.optimizers: Mapping[str, torch.optim.Optimizer] = self.stepper.optimizers
        self.evaluate_every, self.evaluate_early = config.evaluate_every, EARLY
        self.tokens_per_step = config.accumulation * config.batch * config.context
        self.preview_every, self.criterion = 1.0, "val_loss"
        self.threads: int | None = None
        self.step = 0
        self.prompt, self.probe, self.question = "\n", "To be, or not to be, that is the question", ""

    @property
    def config(self) -> GPTConfig:
        return self.model.config

    @property
    def patience(self) -> float:
        return self.config.stop_early

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of a step, (accumulation, batch, T) int64 each; depends on seed and step alone.

        Raises DataError when the data has no text to train on.
        """
        drawn = draw(self.config, self.model.data, self.seed, step)
        return self.model.tensor(drawn.inputs), self.model.tensor(drawn.targets)

    def training_step(self, batch: tuple[Tensor, Tensor], step: int, progress: float) -> Values:
        """One update with inputs and targets (accumulation, batch, T). A gradient that is not finite changes nothing but is
        reported."""
        self.step = step
        inputs, targets = batch
        losses = [self._backward(x, y, len(inputs)) for x, y in zip(inputs, targets, strict=True)]
        loss = losses[0] if len(losses) == 1 else torch.stack(losses).sum()
        moved = self.stepper.step(self.config, step, progress)
        self.model.update_sizes = self.stepper.sizes
        if step % _FIT_EVERY == 0 or step in _FIT_EARLY:
            self.model.fit_gate(_FEW if step in _FIT_EARLY else FIT_TOKENS)
        return {"train_loss": loss, **moved}

    def change(self, values: Mapping[str, object]) -> None:
        """Other values of the live settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.config).parse({**self.config.model_dump(), **values})

    def watch(self, values: Mapping[str, str]) -> None:
        """Continue another `prompt`, answer another `question`, look at another `probe`, from the next preview on."""
        self.prompt, self.probe = values.get("prompt", self.prompt), values.get("probe", self.probe)
        self.question = values.get("question", self.question).strip()

    def preview(self) -> Iterator[Snapshot | Tick]:
        """A text that the model writes after `prompt` (channel `sample`) or, of questions, what it answers (`answers`); its
        attention to `probe`; and its layers."""
        data = self.model.data
        yield from self._answers(data) if isinstance(data, QuestionData) else self._sample()
        probe = self._probe()[: min(_PROBE, self.model.context)]
        yield Attention("attention", self.step, self.model.tokenizer.pieces(probe), attention(self.transformer, probe))
        if len(data.train) > self.model.context:
            yield (yield from self.layers())

    def layers(self) -> Generator[Tick, None, LayerStatistics]:
        """Activations, weights and gradients of every layer for a part of a batch that is never trained on. The update that
        follows is measured, as is every 16th, for the next time."""
        rows = max(1, min(self.config.batch, _PROBE_TOKENS // self.model.context))
        drawn = draw(self.config, self.model.data, self.seed, 0)
        inputs, targets = (self.model.tensor(part[0, :rows]) for part in (drawn.inputs, drawn.targets))
        self.stepper.measure_next = True
        found = yield from self.model.statistics(inputs, targets)
        return dataclasses.replace(found, step=self.step)

    def _sample(self) -> Iterator[Snapshot | Tick]:
        due = time.monotonic() + _TICK
        written: list[int] = []
        ids, places = self._read(self.prompt)
        for choice in stream(self.model.language_model, ids, SamplingOptions(temperature=0.8), _WRITE_SEED, _WRITE):
            written.append(choice.id)
            if time.monotonic() >= due:
                yield Tick()
                due = time.monotonic() + _TICK
        tokenizer = self.model.tokenizer
        places = () if hasattr(tokenizer, "unknown") else places  # <unk> stands for them
        unknown = "".join(dict.fromkeys(self.prompt[at] for at in places))
        yield Text("sample", self.step, without(self.prompt, places), continuation(tokenizer, written), unknown)

    def _answers(self, data: QuestionData) -> Iterator[Snapshot | Tick]:
        """The answer to the person's question, which nobody judges, and those to the same held-out questions every time."""
        held, tokenizer = data.held, data.tokenizer
        shown = np.sort(np.random.default_rng(_QUESTIONS_SEED).permutation(len(held))[:_QUESTIONS]).tolist()
        asked = [held.lines[row][: held.answers[row]] for row in shown]
        wanted = [held.lines[row][held.answers[row] : -1].tolist() for row in shown]
        if own := [self._encode(self.question.removesuffix(EQUALS) + EQUALS)] if self.question else []:
            wanted.insert(0, [])
        longest = max(map(len, wanted), default=0)
        made = yield from self.model.answer([*own, *asked], longest + _BEYOND)
        answers = []
        for number, (question, right, written) in enumerate(zip([*own, *asked], wanted, made, strict=True)):
            judged = np.array([number < len(own) or right[at : at + 1] == [token] for at, token in enumerate(written)], bool)
            asking, expected, answer = (tokenizer.pieces(part) for part in (question[1:], right, written))
            answers.append(Translated(asking, expected, answer, judged))
        yield Translations("answers", self.step, tuple(answers))

    def _probe(self) -> Ids:
        """What attention is shown for: of questions, a line with its answer."""
        data = self.model.data
        if isinstance(data, QuestionData) and EQUALS not in self.probe and len(data.held):
            return data.held.lines[0]
        return self._encode(self.probe)

    def _encode(self, text: str) -> Ids:
        """Ids of what the vocabulary has of a text; of something to start from when that is nothing."""
        return self._read(text)[0]

    def _read(self, text: str) -> tuple[Ids, Sequence[int]]:
        """These ids, and the places of the characters that the vocabulary lacks."""
        tokenizer = self.model.tokenizer
        ids, places = tokenizer.encode_lossy(text)
        begin = [] if tokenizer.begin is None else [tokenizer.begin]
        return np.concatenate([np.array(begin or ([] if len(ids) else [0]), np.int32), ids]), places

    def _backward(self, inputs: Tensor, targets: Tensor, share: int) -> Tensor:
        with self.model.autocast():
            loss = self.transformer.loss(inputs, targets) / share
        loss.backward()
        return loss.detach()
