"""How large a language model and its text are, as they are set up: what the compute-optimal sizes are compared with."""

from __future__ import annotations

from dataclasses import dataclass, field

from genstudio import families
from genstudio.config import Values
from genstudio.data import shelf
from genstudio.data.learnable.questions import QuestionData
from genstudio.data.learnable.tokens import TextData
from genstudio.errors import DataError
from genstudio.events import Frame, Frozen
from genstudio.tasks.models import Models
from genstudio.tasks.task import Frames, frames_of


@dataclass(frozen=True, slots=True)
class ModelAndText(Frozen):
    """A model of so many `parameters`, which reads `per_step` tokens per step of a text of `tokens` tokens, called `title`."""

    parameters: int
    tokens: int
    per_step: int
    title: str

    @property
    def ratio(self) -> float:
        """Tokens per parameter in one pass over the text."""
        return self.tokens / max(self.parameters, 1)


@dataclass(frozen=True)
class SizeUp:
    """Prepare a text as a training would, and count. Raises ConfigError, and DataError for what is no text."""

    family: str
    data: str
    values: Values = field(default_factory=dict, hash=False)
    quiet = True

    def run(self, models: Models) -> Frames[ModelAndText]:
        family = families.get(self.family)
        config = family.config.parse(self.values)
        info = shelf.find_dataset(self.data, family.data_kinds)
        yield Frame()
        if info.kind != "text":
            raise DataError(f"'{info.title}' is not a text.", "Set up a language model with a text.")
        prepared = yield from frames_of(family.prepare(config, shelf.open_dataset(info)), "Counting tokens")
        if not isinstance(prepared, TextData) or isinstance(prepared, QuestionData):
            raise DataError(f"'{info.title}' is not a text.", "Set up a language model with a text.")
        cost = family.cost(config, info, prepared.tokenizer.size)
        return ModelAndText(cost.parameters, len(prepared.train), cost.items, info.title)
