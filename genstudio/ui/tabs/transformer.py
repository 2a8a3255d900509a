"""The Transformer tab: set up on the left, live in the middle, samples and attention on the right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genstudio import families
from genstudio.config import Config
from genstudio.data.vocabulary import TokenSettings
from genstudio.errors import Failure, Problem
from genstudio.events import Answer, Frame
from genstudio.tasks.evaluate import ReadReferences
from genstudio.tasks.task import ShowPrompt
from genstudio.tasks.tokenize import OpenTokenizer
from genstudio.tasks.train import Train
from genstudio.ui.engine import Engine
from genstudio.ui.numbers import size_text
from genstudio.ui.run_summary import text_result
from genstudio.ui.training_tab import TrainingTab

_WELCOME = (
    "Train your first model: Shakespeare, about two minutes. You will see the loss fall, the text become words, and the "
    "attention form. Your own text works the same way: drop the file on the window."
)


class TransformerTab(TrainingTab):
    """Trains a GPT on text, beside the losses that need no neural network."""

    def __init__(self, engine: Engine) -> None:
        self.vocabulary = 65
        self._lines: Mapping[str, Any] = {}
        self._sizes: dict[str, int | None] = {}
        super().__init__(engine, families.get("gpt"), "transformer", _WELCOME)
        self.show_cost()

    def make_panel(self) -> Any:
        from genstudio.ui.panel import RunPanel

        panel = RunPanel()
        panel.prompted.connect(lambda prompt, probe: self.adjust(ShowPrompt(prompt, probe)))
        return panel

    def watched(self) -> dict[str, Any]:
        return {"prompt": self.panel.prompt.text(), "probe": self.panel.probe.text()}

    def costs(self, config: Config) -> str:
        settings = TokenSettings.of(config.model_dump())
        tokens = settings.size(self.vocabulary) if settings.kind != "file" else self._size_of(settings.file)
        if tokens is None:
            return "The tokenizer.json says how many tokens there are; until it is read, the cost is not known."
        cost = self.setup.family.estimate(config, tokens)
        return (
            f"{int(cost['parameters']):,} parameters   ·   {size_text(cost['bytes'])} in training   ·   "
            f"{cost['flops_per_token'] / 1e6:.1f} MFLOP a token"
        )

    def faster(self, config: Config) -> tuple[tuple[str, float], ...]:
        layers = config.model_dump()["layers"]
        if layers < 2:
            return ()
        half = config.model_copy(update={"layers": layers // 2})
        now, then = (self.setup.family.estimate(which, self.vocabulary)["flops_per_token"] for which in (config, half))
        return ((f"{layers // 2} layers", then / now),)

    def _size_of(self, path: str) -> int | None:
        """How many tokens a tokenizer.json has, once it is read."""
        if path not in self._sizes:
            self._sizes[path] = None

            def read(frame: Frame) -> None:
                for snapshot in frame.snapshots:
                    if isinstance(snapshot, Answer) and snapshot.channel == "tokenizer":
                        self._sizes[path] = snapshot.value[1].size
                        self.show_cost()

            def ended(failure: Failure | None) -> None:
                if failure is not None:
                    del self._sizes[path]
                    if self.setup.values().get("tokenizer_file") == path:
                        self.setup.show_problems([Problem("tokenizer_file", failure.message)])

            self._engine.start(OpenTokenizer(path), read, ended)
        return self._sizes[path]

    def speed(self, frame: Frame) -> str:
        found = frame.series.get("tokens_per_second")
        return f"{found.values[-1]:,.0f} tokens/s" if found is not None else ""

    def result_words(self, info: Any) -> str:
        return text_result(info, TokenSettings.of(info.config).kind, self._lines)

    def run_began(self, task: Train) -> None:
        self._read_references(task.data, task.config)

    def run_opened(self, info: Any) -> None:
        self._read_references(str(info.dataset.get("id", "")), info.config)

    def set_vocabulary(self, size: int) -> None:
        """How many different characters the chosen dataset has: the parameter count follows."""
        self.vocabulary = size
        self.show_cost()

    def _read_references(self, data: str, values: Mapping[str, Any]) -> None:
        self._lines = {}
        self._asking.ask("references", ReadReferences(data, TokenSettings.of(values)), self._on_references)

    def _on_references(self, frame: Frame) -> None:
        for snapshot in frame.snapshots:
            if isinstance(snapshot, Answer) and snapshot.channel == "references":
                self._lines = snapshot.value
                self.panel.show_references(snapshot.value)
                self.show_summary()
