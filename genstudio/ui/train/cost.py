"""What a training would cost, in words: parameters, memory, work per step; and what would train faster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from genstudio.config import Config
from genstudio.errors import Failure, Problem
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.ui.engine import Engine
from genstudio.ui.numbers import size_text, work_text
from genstudio.ui.remember import State
from genstudio.ui.train.setup import SetupColumn

if TYPE_CHECKING:
    from genstudio.data.tokenizers import Tokenizer


class Costs(QObject):
    """The costs of what is set up. `changed()` when a vocabulary was counted, which a family that reads tokens needs."""

    changed = Signal()

    def __init__(self, engine: Engine, setup: SetupColumn, parent: QObject) -> None:
        super().__init__(parent)
        self._engine, self._setup = engine, setup
        self._characters: dict[str, int | None] = {}
        self._sizes: dict[str, int | None] = {}

    def words(self, config: Config) -> str:
        """What a run with these settings costs, in a line; empty where no dataset is chosen."""
        info, tokens = self._setup.info, self._tokens(config)
        if info is None:
            return ""
        if tokens is None:
            return "The cost is known once the vocabulary has been counted."
        cost = self._setup.family.cost(config, info, tokens)
        from genstudio.data.vocabulary import TokenSettings

        if not cost.parameters:
            return "A network of this kind cannot read these samples."
        least = "up to " if tokens and TokenSettings.of(config.model_dump()).kind in ("word", "bpe") else ""
        unit, shared = ("token", cost.items) if cost.item == "token" else ("step", 1)
        return (
            f"{least}{cost.parameters:,} parameters   ·   {size_text(cost.bytes)} in training\n"
            f"{work_text(cost.flops_per_step / shared)} per {unit}"
        )

    def drawing(self, config: Config) -> Drawing | None:
        """What the model is made of; None where that is not known yet."""
        family, info, tokens = self._setup.family, self._setup.info, self._tokens(config)
        if info is None or tokens is None:
            return None
        if family.drawing is not None:
            return family.drawing(config, info, tokens)
        cost = family.cost(config, info, tokens)
        return (Chain((Part(info.title), Part(family.title, "", cost.parameters), Part("Output"))),)

    def faster(self, config: Config) -> tuple[tuple[str, float], ...]:
        """What would train faster: in words, with the share of the cost of a step that it takes."""
        family, info, tokens = self._setup.family, self._setup.info, self._tokens(config)
        smaller = family.dashboard.smaller
        if smaller is None or info is None or tokens is None or (found := smaller(config, info)) is None:
            return ()
        words, small, less = found
        now = family.cost(config, info, tokens).flops_per_step
        return ((words, family.cost(small, less, tokens).flops_per_step / now),) if now else ()

    def _tokens(self, config: Config) -> int | None:
        """How many tokens a model with these settings would have, None until they are counted; 0 where it has none."""
        if "tokenizer" not in type(config).model_fields:
            return 0
        from genstudio.data.vocabulary import TokenSettings

        settings = TokenSettings.of(config.model_dump())
        if settings.kind == "file":
            return self._size_of(settings.file)
        characters = self._counted(str(self._setup.data.currentData() or ""))
        return None if characters is None else settings.size(characters)

    def _counted(self, data: str) -> int | None:
        """How many different characters a dataset has."""
        if data and data not in self._characters:
            from genstudio.tasks.tokenize import CountVocabulary

            self._characters[data] = None
            self._engine.start(CountVocabulary(data), on_result=lambda size: self._know(self._characters, data, size))
        return self._characters.get(data)

    def _size_of(self, path: str) -> int | None:
        """How many tokens a tokenizer.json has."""

        def read(tokenizer: Tokenizer) -> None:
            self._know(self._sizes, path, tokenizer.size)

        def ended(failure: Failure | None) -> None:
            if failure is not None:
                del self._sizes[path]
                if self._setup.values().get("tokenizer_file") == path:
                    self._setup.show_problems([Problem("tokenizer_file", failure.message)])

        if path not in self._sizes:
            from genstudio.tasks.tokenize import OpenTokenizer

            self._sizes[path] = None
            self._engine.start(OpenTokenizer(path), None, ended, on_result=read)
        return self._sizes[path]

    def _know(self, known: State, key: str, size: int) -> None:
        known[key] = size
        self.changed.emit()
