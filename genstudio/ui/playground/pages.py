"""The inspector pages of the Playground, in the order in which they are listed. A page is imported when first shown."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from genstudio.ui.engine import Engine
from genstudio.ui.playground.page import Page


@dataclass(frozen=True, slots=True)
class Entry:
    """A page: the `group` it is listed under, its `title` in the list, and the class that makes it."""

    group: str
    title: str
    module: str
    name: str

    def build(self, engine: Engine) -> Page:
        page: Page = getattr(importlib.import_module(f"genstudio.ui.playground.{self.module}"), self.name)(engine)
        return page


PAGES = (
    Entry("Choose", "Next token", "next_token", "NextTokenPage"),
    Entry("Choose", "Continuations", "continuations_page", "ContinuationsPage"),
    Entry("Choose", "Beam search", "beam_page", "BeamPage"),
    Entry("Choose", "Grid", "grid_page", "GridPage"),
    Entry("Text", "Score", "score_page", "ScorePage"),
    Entry("Inside", "Attention", "attention_page", "AttentionPage"),
    Entry("Inside", "Knock out", "knockout_page", "KnockOutPage"),
    Entry("Inside", "Logit lens", "lens_page", "LensPage"),
    Entry("Inside", "Saliency", "saliency_page", "SaliencyPage"),
    Entry("Inside", "Induction", "induction_page", "InductionPage"),
    Entry("Inside", "Anatomy", "anatomy_page", "AnatomyPage"),
    Entry("Inside", "Positions", "positions_page", "PositionsPage"),
    Entry("Inside", "Embedding map", "map_page", "MapPage"),
    Entry("Inside", "Layers", "layers_page", "LayersPage"),
    Entry("Compare", "Compare two", "compare_page", "ComparePage"),
    Entry("Compare", "Replay", "replay_page", "ReplayPage"),
)
