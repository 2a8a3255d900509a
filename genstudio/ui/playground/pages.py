"""The inspector pages of the Playground, in the order in which they are listed. A page is imported when first shown."""

from __future__ import annotations

import importlib
from collections.abc import Collection
from dataclasses import dataclass

from genstudio import families
from genstudio.families.abilities import words
from genstudio.ui.engine import Engine
from genstudio.ui.playground.page import Page


@dataclass(frozen=True, slots=True)
class Entry:
    """A page: the `group` it is listed under, its `title` in the list, the class that makes it, in a module of `ui`, and
    the abilities that a model `needs` for it; `instead`: others that will do as well. `sides`: of a model that translates, it
    looks into the decoder or into the encoder; `one_side`: why only into the decoder, in a sentence."""

    group: str
    title: str
    module: str
    name: str
    needs: tuple[str, ...]
    instead: tuple[str, ...] = ()
    sides: bool = False
    one_side: str = ""

    def build(self, engine: Engine) -> Page:
        page: Page = getattr(importlib.import_module(f"genstudio.ui.{self.module}"), self.name)(engine)
        return page

    def lack(self, abilities: Collection[str]) -> str:
        """Why a model with these abilities has no such page, in a sentence; empty where it has."""
        missing = [words(name) for name in self.needs if name not in abilities]
        if self.instead and set(self.instead) <= set(abilities):
            return ""
        can = ", and can ".join(words(name) for name in abilities) or "do nothing that these pages show"
        return f"{self.title} needs a model that can {' and '.join(missing)}. This one can {can}." if missing else ""


W, T, LOOK, S = ("Writes",), ("Writes", "Traces"), ("Traces",), ("Samples",)
TRANSLATES = ("Translates",)
_PREDICTS = (
    "An induction head predicts what follows a repeated token, and the encoder predicts no token, so the decoder gets the "
    "repeated sequence."
)
_WRITES = (
    "The encoder writes and predicts nothing, so the decoder is replayed. To see the encoder at another step, choose that "
    "checkpoint and open Attention."
)
PAGES = (
    Entry("Choose", "Next token", "playground.next_token", "NextTokenPage", W),
    Entry("Choose", "Continuations", "playground.continuations_page", "ContinuationsPage", W),
    Entry("Choose", "Beam search", "playground.beam_page", "BeamPage", W),
    Entry("Choose", "Grid", "playground.grid_page", "GridPage", W),
    Entry("Choose", "Fill the gap", "playground.fill_page", "FillPage", ("FillsIn",)),
    Entry("Text", "Score", "playground.score_page", "ScorePage", W),
    Entry("Text", "Translate", "playground.translate_page", "TranslatePage", TRANSLATES),
    Entry("Text", "Classify", "playground.sentences_page", "ClassifyPage", ("Reads", "Classifies")),
    Entry("Text", "Next sentence", "playground.sentences_page", "NextSentencePage", ("Follows",)),
    Entry("Inside", "Attention", "playground.attention_page", "AttentionPage", LOOK, sides=True),
    Entry("Inside", "Knock out", "playground.ablation_page", "AblationPage", LOOK, sides=True),
    Entry("Inside", "Logit lens", "playground.lens_page", "LensPage", LOOK, sides=True),
    Entry("Inside", "Saliency", "playground.saliency_page", "SaliencyPage", LOOK, W, sides=True),
    Entry("Inside", "Induction", "playground.induction_page", "InductionPage", LOOK, one_side=_PREDICTS),
    Entry("Inside", "Anatomy", "playground.anatomy_page", "AnatomyPage", LOOK, sides=True),
    Entry("Inside", "Positions", "playground.positions_page", "PositionsPage", LOOK, sides=True),
    Entry("Inside", "Embedding map", "playground.map_page", "MapPage", LOOK, sides=True),
    Entry("Inside", "One word", "playground.word_page", "WordPage", ("FillsIn", "Traces")),
    Entry("Inside", "Patches", "playground.patches_page", "PatchesPage", ("LooksAtPatches",)),
    Entry("Inside", "Layers", "playground.layers_page", "LayersPage", LOOK, sides=True),
    Entry("Compare", "Compare two", "playground.compare_page", "ComparePage", W),
    Entry("Compare", "Replay", "playground.replay_page", "ReplayPage", T, one_side=_WRITES),
    Entry("Compare", "By length", "playground.length_page", "LengthPage", TRANSLATES),
    Entry("Words", "Word map", "playground.words_page", "WordMapPage", ("Embeds",)),
    Entry("Words", "Word similarity", "playground.words_page", "SimilarityPage", ("Embeds",)),
    Entry("Sound", "Speak", "playground.speak_page", "SpeakPage", ("Speaks",)),
    Entry("Sound", "Transcribe", "playground.own_sound_pages", "TranscribePage", ("Transcribes",)),
    Entry("Sound", "Resynthesise", "playground.own_sound_pages", "ResynthesisePage", ("Vocodes",)),
    Entry("Pictures", "Search", "playground.search_pages", "SearchPage", ("Matches",)),
    Entry("Pictures", "Zero-shot classes", "playground.search_pages", "ZeroShotPage", ("Matches",)),
    Entry("Pictures", "Words and patches", "playground.together_page", "TogetherPage", ("Grounds",)),
    Entry("Samples", "Explore", "latent.explore", "ExplorePage", S),
    Entry("Samples", "Noise to samples", "latent.denoise", "DenoisePage", ("Denoises",)),
    Entry("Samples", "Complete", "latent.complete", "CompletePage", ("Completes",)),
    Entry("Samples", "Translate pictures", "gan.translate", "TranslatePage", ("TranslatesPictures",)),
)


def shown(family: str) -> bool:
    """Whether there is a page for models of this family."""
    return any(not lack(family, entry.title) for entry in PAGES)


def lack(family: str, title: str) -> str:
    """Why models of a family have no page of this title, in a sentence; empty where some have."""
    found, entry = families.find(family), next(entry for entry in PAGES if entry.title == title)
    return entry.lack(tuple(dict.fromkeys((*found.abilities, *found.can({})))) if found is not None else ())
