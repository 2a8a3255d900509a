"""Training of a BERT: batches with gaps, one update, and things to look at."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from genstudio.events import Snapshot
from genstudio.families.bert.batches import Drawn, draw, draw_labelled
from genstudio.families.bert.config import BertConfig
from genstudio.families.bert.model import BertModel
from genstudio.families.stack_training import Stepper
from genstudio.inspection.filling import filled
from genstudio.inspection.trace import attention
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.confusion import Confusion
from genstudio.snapshots.layers import LayerStatistics
from genstudio.training.learner import EARLY, Tick, Values

_PROBE, _PROBE_TOKENS, _GAPS, _SHOWN = 64, 512, 16, 256


class BertLearner:
    """Trains a BERT. Each preview fills the gaps of `text`, and looks at `probe`."""

    def __init__(self, model: BertModel, seed: int) -> None:
        config = model.config
        self.model, self.seed = model, seed
        self.classifies = config.task == "classify"
        frozen = self.classifies and config.trained == "head"
        for module in model.modules.values():
            module.train(config.dropout > 0 and not frozen)
        model.transformer.requires_grad_(not frozen)
        heads = [module for name, module in model.modules.items() if name != "model"]
        self.stepper = Stepper(config, model.transformer, heads, config.apart)
        self.optimizers: Mapping[str, torch.optim.Optimizer] = self.stepper.optimizers
        self.evaluate_every, self.evaluate_early = config.evaluate_every, EARLY
        self.tokens_per_step = 0 if self.classifies else config.accumulation * config.batch * config.context
        self.preview_every, self.criterion = 1.0, "val_loss"
        self.threads: int | None = None
        self.step = 0
        self.text, self.probe = "To be, or not to be, that is the [MASK]:", "What is your [MASK], my lord?"

    @property
    def config(self) -> BertConfig:
        return self.model.config

    def batch(self, step: int) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """Inputs, targets and chosen positions of a step, (accumulation, batch, T) each, and whether the second sentence
        follows (accumulation, batch); of labelled texts only these and their classes (accumulation, batch).

        Depends on seed and step alone. Raises DataError when there is nothing to train on.
        """
        if self.classifies:
            texts, labels = draw_labelled(self.config, self.model.data, self.seed, step)
            return self.model.tensor(texts), self.model.tensor(labels), None, None
        drawn = draw(self.config, self.model.data, self.seed, step)
        chosen = torch.from_numpy(drawn.chosen).to(self.model.device)
        follows = None if drawn.follows is None else self.model.tensor(drawn.follows)
        return self.model.tensor(drawn.inputs), self.model.tensor(drawn.targets), chosen, follows

    def training_step(
        self, batch: tuple[Tensor, Tensor, Tensor | None, Tensor | None], step: int, progress: float
    ) -> Values:
        """One update. A gradient that is not finite changes nothing but is reported."""
        self.step = step
        inputs, targets, chosen, follows = batch
        nothing = [None] * len(inputs)
        parts = [
            self._classify(*one[:2], len(inputs)) if one[2] is None else self._backward(*one, len(inputs))
            for one in zip(inputs, targets, nothing if chosen is None else chosen, nothing if follows is None else follows,
                           strict=True)
        ]  # fmt: skip
        values = {name: torch.stack([part[name] for part in parts]).sum() for name in parts[0]}
        moved = self.stepper.step(self.config, step, progress)
        self.model.update_sizes = self.stepper.sizes
        return {**values, **moved}

    def change(self, values: Mapping[str, object]) -> None:
        """Other values of the live settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.config).parse({**self.config.model_dump(), **values})

    def watch(self, values: Mapping[str, str]) -> None:
        """Fill the gaps of another `text`, look at another `probe`, from the next preview on."""
        self.text, self.probe = values.get("text", self.text), values.get("probe", self.probe)

    def preview(self) -> Iterator[Snapshot | Tick]:
        """What fits into the gaps of `text` (channel `filled`), the attention over `probe`, and the layers."""
        tokenizer = self.model.tokenizer
        if self.classifies:
            yield from self._show_classes()
        else:
            ids = self._encode(self.text)[: self.model.context]
            yield filled(self.model, ids, "filled", self.step, most=_GAPS)
        yield Tick()
        probe = self._encode(self.probe)[: min(_PROBE, self.model.context)]
        yield Attention("attention", self.step, tokenizer.pieces(probe), attention(self.model.transformer, probe))
        if len(self.model.data.train) >= self.model.context:
            yield (yield from self.layers())

    def layers(self) -> Generator[Tick, None, LayerStatistics]:
        """Activations, weights and gradients of every layer for a part of a batch that is never trained on. The update that
        follows is measured, as is every 16th, for the next time."""
        rows = max(1, min(self.config.batch, _PROBE_TOKENS // self.model.context))
        drawn = draw(self.config, self.model.data, self.seed, 0)
        self.stepper.measure_next = True
        some = Drawn(drawn.inputs[0, :rows], drawn.targets[0, :rows], drawn.chosen[0, :rows])
        found = yield from self.model.statistics(some)
        return dataclasses.replace(found, step=self.step)

    def _show_classes(self) -> Iterator[Snapshot | Tick]:
        """How often each class is taken for which, of some validation texts (channel `confusion`)."""
        if self.model.data.labelled is None:
            return
        size = len(self.model.classes)
        counts = np.zeros((size, size), np.int64)
        for wanted, told, _ in self.model.predicted(_SHOWN):
            np.add.at(counts, (wanted, told.argmax(1)), 1)
            yield Tick()
        yield Confusion("confusion", self.step, counts, self.model.classes)

    def _classify(self, texts: Tensor, labels: Tensor, parts: int) -> dict[str, Tensor]:
        model = self.model
        assert model.classifier is not None
        with torch.set_grad_enabled(self.config.trained == "all"):
            hidden = model.transformer.read(texts)
        loss = F.cross_entropy(model.classifier(hidden, texts == model.tokenizer.pad).float(), labels) / parts
        loss.backward()
        return {"train_loss": loss.detach()}

    def _encode(self, text: str) -> np.ndarray:
        """[CLS] and the ids of what the vocabulary has of a text."""
        tokenizer = self.model.tokenizer
        return np.concatenate([np.array([tokenizer.begin], np.int32), tokenizer.encode_lossy(text)[0]])

    def _backward(
        self, inputs: Tensor, targets: Tensor, chosen: Tensor, follows: Tensor | None, parts: int
    ) -> dict[str, Tensor]:
        """The losses of one batch by name, of which so many parts make a step. Only chosen positions reach the output layer:
        it is the largest product of a small model, and the others are not predicted."""
        paired = self.model.follows is not None and follows is not None
        hidden = self.model.transformer.read(inputs, None if paired else chosen)
        read = hidden[chosen] if paired else hidden
        loss = F.cross_entropy(self.model.transformer.head(read).float(), targets[chosen]) / parts
        found = {"train_loss": loss.detach()}
        if self.model.follows is not None and follows is not None:
            told = F.cross_entropy(self.model.follows(hidden).float(), follows) / parts
            found["next_sentence_loss"] = told.detach()
            loss = loss + told
        loss.backward()
        return found
