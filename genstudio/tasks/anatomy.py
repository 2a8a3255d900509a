"""A task of the playground: the way of a text through a model, stage by stage."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from genstudio.data.work import Work
from genstudio.errors import ConfigError, Problem
from genstudio.families.abilities import Traces
from genstudio.inspection.ablation import NOTHING_ABLATED, Ablation
from genstudio.snapshots.layers import Anatomy, Stage
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.task import Frames, Quiet, frames_of
from genstudio.tasks.translate import Translator, encode_for


@dataclass(frozen=True)
class Dissect(Quiet):
    """All stages of one layer and head (from 0) for the last `limit` tokens of a prompt.

    A layer or head that does not exist is the last. Raises ConfigError, RunError, DataError.
    """

    model: ModelRef
    prompt: Prompt
    layer: int = 0
    head: int = 0
    limit: int = 16
    temperature: float = 1.0
    scaled: bool = True
    causal: bool = True

    def run(self, models: Models) -> Frames[Anatomy]:
        from genstudio.inspection.anatomy import WANTED, Anatomist
        from genstudio.inspection.trace import trace

        if not math.isfinite(self.temperature) or self.temperature <= 0:
            raise ConfigError([Problem("temperature", f"{self.temperature:g} is not a valid temperature; choose a "
                "value above 0")])
        opened = models.open(self.model, Traces)
        step = opened.step
        model, tokenizer = opened.frozen_stack(), opened.tokenizer
        ids = encode_for(opened, self.prompt).ids
        kept = ids[-max(1, min(self.limit, model.context)) :]
        layer = min(max(self.layer, 0), model.architecture.layers - 1)
        head = min(max(self.head, 0), model.architecture.heads - 1)
        switches = Ablation(scaled=self.scaled, causal=self.causal)
        plain = seen = yield from frames_of(trace(model, kept, WANTED), "Reading the text")
        if switches != NOTHING_ABLATED:
            seen = yield from frames_of(trace(model, kept, WANTED, switches), "Reading it again with parts off")
        made = Anatomist(
            model, seen, plain, tokenizer.pieces, layer=layer, head=head, temperature=self.temperature,
            scaled=self.scaled, causal=self.causal,
            source=opened.model.source_pieces if isinstance(opened.model, Translator) else (),
        )  # fmt: skip
        stages = yield from frames_of(_made(made.stages()), "Making the stages")
        whole = model.architecture
        return Anatomy(
            "anatomy", step, made.tokens, layer, head, whole.layers, whole.heads, whole.causal,
            len(ids) - len(kept), stages,
        )  # fmt: skip


def _made(stages: Iterator[Stage]) -> Work[tuple[Stage, ...]]:
    made = []
    for stage in stages:
        made.append(stage)
        yield 1.0
    return tuple(made)
