"""Beam search with the tree that it makes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genstudio.data.tokenizers import continuation
from genstudio.errors import Problem
from genstudio.events import Frame, Progress
from genstudio.families.abilities import Writes
from genstudio.sampling.stops import StopTexts, stop_problems
from genstudio.snapshots.text import BeamTree
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.prompt import Prompt, encode, text_of
from genstudio.tasks.task import Frames
from genstudio.tasks.write import SLICE, check, said

if TYPE_CHECKING:
    from genstudio.sampling.beam import BeamSearch

WIDEST, LONGEST = 64, 2_000


@dataclass(frozen=True)
class Beam:
    """The `beams` most probable texts of up to `length` tokens after `prompt`, with their tree, which is shown as it grows.

    A text ends at the model's end token, or before the first of the `stop_texts`. `alpha` is the length penalty of
    Wu et al. 2016 (0: none). Raises ConfigError.
    """

    model: ModelRef
    prompt: Prompt
    beams: int = 4
    length: int = 40
    alpha: float = 0.0
    stop_texts: tuple[str, ...] = ()

    def run(self, models: Models) -> Frames[BeamTree]:
        check(self._problems())
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Writes)
        from genstudio.sampling.beam import BeamSearch

        encoded = encode(opened.tokenizer, self.prompt)
        yield said(opened, encoded)
        search = BeamSearch(self.beams, self.alpha, opened.tokenizer.end, self._ends(opened))
        due, done = time.monotonic() + SLICE, 0.0
        with opened.readers.lend(encoded.ids) as reader:
            for done in search.run(reader, encoded.ids, self.length):
                if time.monotonic() >= due:
                    yield Frame(snapshots=(self._tree(opened, search, ""),), progress=Progress("Searching", done))
                    due = time.monotonic() + SLICE
        reason = "length limit reached" if done == 1.0 else "no longer text could be more probable"
        tree = self._tree(opened, search, reason)
        yield Frame(progress=Progress("Searched", 1.0))
        return tree

    def _problems(self) -> Iterator[Problem]:
        yield from stop_problems(self.stop_texts)
        if not 1 <= self.beams <= WIDEST:
            yield Problem("beams", f"{self.beams} is not from 1 to {WIDEST}")
        if not 1 <= self.length <= LONGEST:
            yield Problem("length", f"{self.length:,} is not from 1 to {LONGEST:,} tokens")
        if not 0 <= self.alpha <= 5:
            yield Problem("alpha", f"{self.alpha} is not from 0 to 5")

    def _ends(self, opened: Opened[Writes]) -> Callable[[list[int]], bool] | None:
        if not self.stop_texts:
            return None
        return lambda ids: any(stop in continuation(opened.tokenizer, ids) for stop in self.stop_texts)

    def _tree(self, opened: Opened[Writes], search: BeamSearch, reason: str) -> BeamTree:
        nodes = search.nodes
        ids = np.array([node.id for node in nodes], np.int32)
        best = search.best()
        return BeamTree(
            "beam",
            opened.step,
            text_of(self.prompt),
            np.array([node.parent for node in nodes], np.int32),
            ids,
            opened.tokenizer.pieces(ids),
            np.array([node.logprob for node in nodes]),
            np.array([node.score for node in nodes]),
            np.array([node.depth for node in nodes], np.int32),
            search.states(),
            tuple(best),
            tuple(self._text(opened, search.way(node)) for node in best),
            bool(reason),
            reason,
            opened.words,
        )

    def _text(self, opened: Opened[Writes], ids: list[int]) -> str:
        shown = ids[:-1] if ids[-1] == opened.tokenizer.end else ids
        text = continuation(opened.tokenizer, shown)
        return text[: StopTexts(self.stop_texts).add(text)]
