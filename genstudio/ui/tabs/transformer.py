"""The Transformer tab: set up on the left, live in the middle, samples and attention on the right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genstudio import families
from genstudio.config import Config
from genstudio.data.tokenizers import Tokenizer
from genstudio.data.vocabulary import TokenSettings
from genstudio.errors import Failure, Problem
from genstudio.events import Frame
from genstudio.runs import RunInfo
from genstudio.tasks.evaluate import ReadReferences
from genstudio.tasks.tokenize import CountVocabulary, OpenTokenizer
from genstudio.tasks.train import Train
from genstudio.training.changes import Watch
from genstudio.ui.engine import Engine
from genstudio.ui.numbers import size_text
from genstudio.ui.training_tab import TrainingTab

_WELCOME = (
    "Train your first model: Shakespeare, about two minutes. You will see the loss fall, the text become words, and the "
    "attention form. Your own text works the same way: drop the file on the window."
)


class TransformerTab(TrainingTab):
    """Trains a GPT on text, beside the losses that need no neural network."""

    def __init__(self, engine: Engine) -> None:
        self._vocabularies: dict[str, int | None] = {}
        self._lines: Mapping[str, float] = {}
        self._sizes: dict[str, int | None] = {}
        super().__init__(engine, families.get("gpt"), "transformer", _WELCOME)
        self.show_cost()

    def make_panel(self) -> Any:
        from genstudio.ui.panel import RunPanel

        panel = RunPanel()
        panel.failed.connect(self.failed)
        panel.prompted.connect(lambda prompt, probe: self.adjust(Watch({"prompt": prompt, "probe": probe})))
        return panel

    def watched(self) -> dict[str, str]:
        return {"prompt": self.panel.prompt.text(), "probe": self.panel.probe.text()}

    def costs(self, config: Config) -> str:
        settings, tokens, info = TokenSettings.of(config.model_dump()), self._tokens(config), self.setup.info()
        if tokens is None or info is None:
            return "The cost is known once the vocabulary has been counted."
        most = "up to " if settings.kind in ("word", "bpe") else ""
        cost = self.setup.family.cost(config, info, tokens)
        return (
            f"{most}{cost.parameters:,} parameters   ·   {size_text(cost.bytes)} in training   ·   "
            f"{cost.flops_per_step / cost.items / 1e6:.1f}\N{NO-BREAK SPACE}MFLOP\N{NO-BREAK SPACE}per\N{NO-BREAK SPACE}token"
        )

    def faster(self, config: Config) -> tuple[tuple[str, float], ...]:
        layers, tokens, info = config.model_dump()["layers"], self._tokens(config), self.setup.info()
        if layers < 2 or tokens is None or info is None:
            return ()
        half = config.model_copy(update={"layers": layers // 2})
        now, then = (self.setup.family.cost(which, info, tokens).flops_per_step for which in (config, half))
        return ((f"{layers // 2} layer{'s' * (layers // 2 > 1)}", then / now),)

    def _tokens(self, config: Config) -> int | None:
        """How many tokens a model with these settings would have, once they are counted."""
        settings = TokenSettings.of(config.model_dump())
        if settings.kind == "file":
            return self._size_of(settings.file)
        characters = self._vocabulary_of(str(self.setup.data.currentData() or ""))
        return None if characters is None else settings.size(characters)

    def _vocabulary_of(self, data: str) -> int | None:
        """How many different characters a dataset has, once they are counted."""
        if data and data not in self._vocabularies:
            self._vocabularies[data] = None

            def counted(size: int) -> None:
                self._vocabularies[data] = size
                self.show_cost()

            self._engine.start(CountVocabulary(data), on_result=counted)
        return self._vocabularies.get(data)

    def _size_of(self, path: str) -> int | None:
        """How many tokens a tokenizer.json has, once it is read."""
        if path not in self._sizes:
            self._sizes[path] = None

            def read(tokenizer: Tokenizer) -> None:
                self._sizes[path] = tokenizer.size
                self.show_cost()

            def ended(failure: Failure | None) -> None:
                if failure is not None:
                    del self._sizes[path]
                    if self.setup.values().get("tokenizer_file") == path:
                        self.setup.show_problems([Problem("tokenizer_file", failure.message)])

            self._engine.start(OpenTokenizer(path), None, ended, on_result=read)
        return self._sizes[path]

    def speed(self, frame: Frame) -> str:
        found = frame.series.get("tokens_per_second")
        return f"{found.values[-1]:,.0f} tokens/s" if found is not None else ""

    def result_words(self, info: RunInfo) -> str:
        said = self.setup.family.dashboard.said
        return said(info, self._lines) if said is not None else ""

    def run_began(self, task: Train) -> None:
        self._read_references(task.data, task.config)

    def run_opened(self, info: RunInfo) -> None:
        self._read_references(str(info.dataset.get("id", "")), info.config)

    def _read_references(self, data: str, values: Mapping[str, Any]) -> None:
        self._lines = {}
        self._asking.ask("references", ReadReferences(self.setup.family.name, data, values), on_result=self._show_references)

    def _show_references(self, lines: Mapping[str, float]) -> None:
        self._lines = lines
        self.panel.show_references(lines)
        self.show_summary()
