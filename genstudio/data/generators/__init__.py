"""Datasets made from a seed when they are opened: nothing to ship, and everything known about them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from genstudio.config import Config
from genstudio.data.datasets import Dataset
from genstudio.data.generators import grammar, markov, planar, puzzles, shapes
from genstudio.data.info import DatasetInfo, Kind
from genstudio.errors import ConfigError, DataError


@dataclass(frozen=True)
class Generator:
    """What makes a dataset, and what the shelf says of it. `known` are facts that hold for the default settings."""

    name: str
    title: str
    kind: Kind
    description: str
    settings: type[Config]
    make: Callable[[Any, DatasetInfo], Dataset]
    known: Mapping[str, float] | None = None

    def details(self, settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What has to be kept of the dataset: enough to make it again. Raises ConfigError."""
        chosen = self.settings.parse(settings or {})
        usual = chosen.changes(self.settings()).keys() <= {"count", "seed"}
        return {"generator": self.name, "settings": chosen.model_dump(), **((self.known if usual else None) or {})}

    def entry(self, settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The manifest's entry. Raises ConfigError."""
        details = self.details(settings)
        return {
            "id": self.name,
            "title": self.title,
            "kind": self.kind,
            "count": details["settings"]["count"],
            "source": "made by genstudio when it is opened",
            "licence": "MIT",
            "description": self.description,
            "details": details,
        }


ALL: tuple[Generator, ...] = (
    Generator("toy-en-es", "English-Spanish toy grammar", "pairs",
        "Short sentences from a template grammar: gender, number, order of adjectives, numbers in words, dates. "
        "Always right, and small enough to be learned in a minute.",
        grammar.GrammarSettings, grammar.english_spanish),
    Generator("known-entropy", "Text of known entropy", "text",
        "Eight letters from an order-2 Markov chain. The best possible loss is known, 1.281157 nats per character: "
        "no model can be better, and a good one comes close.",
        markov.MarkovSettings, markov.known_entropy,
        {"entropy_rate": markov.ENTROPY_RATE, "unigram_entropy": markov.UNIGRAM_ENTROPY}),
    Generator("shapes", "Shapes", "images",
        "White squares, ellipses and hearts of known size, turn and place, 32x32: after dSprites.",
        shapes.ShapeSettings, shapes.shapes),
    Generator("gaussian-ring", "Ring of Gaussians", "points",
        "Eight narrow Gaussians on a circle, the usual test for forgotten modes.",
        planar.RingSettings, planar.ring),
    Generator("gaussian-grid", "Grid of Gaussians", "points",
        "Twenty-five narrow Gaussians on a square grid.", planar.GridSettings, planar.grid),
    Generator("moons", "Two moons", "points",
        "Two half circles that reach into each other.", planar.CurveSettings, planar.moons),
    Generator("spirals", "Spirals", "points", "Two arms of a spiral.", planar.SpiralSettings, planar.spirals),
    Generator("swiss-roll", "Swiss roll", "points",
        "A rolled-up line, seen from the side.", planar.CurveSettings, planar.swiss_roll),
    Generator("rings", "Rings", "points", "Three circles, one in the other.", planar.RingsSettings, planar.rings),
    Generator("copy", "Copy", "tasks",
        "Letters to be repeated: the first thing attention learns.", puzzles.SequenceSettings, puzzles.copy),
    Generator("reverse", "Reverse", "tasks",
        "Letters to be written from the end.", puzzles.SequenceSettings, puzzles.reverse),
    Generator("sort", "Sort", "tasks", "Digits to be put in order.", puzzles.SortSettings, puzzles.sort),
    Generator("addition", "Addition", "tasks",
        "Sums of two numbers of up to three digits.", puzzles.AdditionSettings, puzzles.addition),
    Generator("dyck", "Brackets", "tasks",
        "The beginning of a bracket expression, to be closed: three kinds of brackets.",
        puzzles.DyckSettings, puzzles.dyck),
)  # fmt: skip
GENERATORS: Mapping[str, Generator] = {generator.name: generator for generator in ALL}


def of(info: DatasetInfo) -> Generator | None:
    """What makes this dataset, if it is one that is made from a seed."""
    found = GENERATORS.get(str(info.details.get("generator")))
    return found if found is not None and found.kind == info.kind and info.origin == "generated" else None


def make(info: DatasetInfo) -> Dataset:
    """The dataset that `info.details` describes: `generator`, and `settings` where they are not the usual ones.

    Raises DataError where they cannot be used.
    """
    generator = GENERATORS.get(str(info.details.get("generator")))
    if generator is None or generator.kind != info.kind:
        raise DataError(
            f"Nothing here can make the dataset '{info.title}'.", "Open it with a newer genstudio.", info.path
        )
    wanted = info.details.get("settings", {})
    try:
        settings = generator.settings.parse(wanted if isinstance(wanted, dict) else {"settings": json.dumps(wanted)})
    except ConfigError as error:
        raise DataError(
            f"The settings of '{info.title}' cannot be used: {error}", "Make it again.", info.path
        ) from None
    return generator.make(settings, info)
