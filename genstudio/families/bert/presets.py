"""Settings of the BERT family that belong together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Preset, made_for

_FIRST: Mapping[str, Any] = {
    "positions": "learned", "norm": "layernorm", "norm_place": "post", "activation": "gelu", "original": True, "tied": True,
    "bias": True, "qk_norm": False, "optimizer": "adamw",
}  # fmt: skip
"""The architecture of Devlin et al. 2019."""

PRESETS = (
    Preset(
        "words",
        "Words of Shakespeare",
        "Hidden words and punctuation marks of Shakespeare, from the words on both sides. The loss first falls to the "
        "unigram line, where every gap becomes a comma, and leaves it once the words around a gap are used. After five minutes "
        "of one core, 39 to 41% came out right in three seeds; the comma alone is right 15% of the time.",
        seconds=300,
    ),
    Preset(
        "letters",
        "Letters in half a minute",
        "Hidden letters of Shakespeare: half a minute is enough to leave the plateau, where always predicting a space "
        "is right one time in seven, and to get two and a half times as many right.",
        {"tokenizer": "char"},
        seconds=30,
    ),
    Preset(
        "next-sentence",
        "With next-sentence prediction",
        "The two tasks of the original BERT: hidden tokens, and whether one passage follows another in the play. The second task "
        "is learned far more slowly, and later models omit it.",
        {"nsp": True, "context": 96, "tokenizer": "bpe", "vocabulary": 1024},
        seconds=600,
    ),
    Preset(
        "original",
        "The original BERT, small",
        "The architecture of Devlin et al. 2019 with its warm-up: the norm after each sub-layer, learned positions, GELU. "
        "It can be exported as a BERT folder for other programs, and learns more slowly than the first preset.",
        {**_FIRST, "tokenizer": "char", "learning_rate": 5e-4, "warmup": 300},
        seconds=300,
    ),
    Preset(
        "chain",
        "Known entropy",
        "Letters from a Markov chain, where the best possible loss can be computed: 0.719 nats per hidden letter, a line on the "
        "chart. About a minute reaches 0.88, where letter frequencies alone give 2.04. The rest takes far longer: 64 pairs of "
        "letters can stand on each side of a gap, and a step hides only 80 letters.",
        {"tokenizer": "char", "masked": 1.0, "random": 0.0, "layers": 2, "d_model": 64, "d_head": 32, "context": 32,
         "position_base": 10.0},
        seconds=60,
        data="known-entropy",
    ),
    Preset(
        "classes",
        "Classify short texts",
        "The category of an emoji from the letters of its name. Pre-training needs no labels, so it helps where labels are few: "
        "with 200 under 'Texts used', 44% come out right after 100 steps instead of 38%, if a BERT trained on the same names is "
        "chosen under 'Start from run'. Press 'Race…' for it and the same model from scratch on one chart.",
        {"task": "classify", "tokenizer": "char", "layers": 3, "d_model": 64, "context": 48, "batch": 32, "start_rate": 0.5},
        seconds=60,
        data="emoji-categories",
    ),
    Preset(
        "plateau",
        "Lesson: the plateau",
        "The original BERT without warm-up and with large steps. The loss falls to the unigram line and stays there: every gap "
        "becomes the most frequent token, whatever stands around it. The Doctor says so after 300 steps.",
        {**_FIRST, "tokenizer": "char", "learning_rate": 3e-3, "warmup": 0},
        seconds=90,
        cure={"norm_place": "pre"},
        cure_text="With the norm before each sub-layer the residual stream passes unchanged from the embedding to the output, "
        "so gradients are well scaled from the first step, and large steps without a warm-up do no harm (Xiong et al. 2020).",
    ),
)


def preset_for(info: DatasetInfo, now: str) -> str:
    """The one made for the dataset; else the one that is chosen, unless it is made for another dataset: then words of a text,
    classes of labelled texts."""
    general = any(preset.name == now and not preset.data for preset in PRESETS) and info.kind == "text"
    return made_for(PRESETS, info, now, now if general else "classes" if info.kind == "labelled" else "words")
