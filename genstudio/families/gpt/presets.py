"""Settings of the GPT family that belong together."""

from __future__ import annotations

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Preset, Size, made_for, preset_called

USUAL = "shakespeare"
"""The dataset that presets are meant for which name none."""

_TASK = {"layers": 2, "context": 24, "batch": 32}

_LARGER = {"d_model": 192, "context": 128, "batch": 16}
_WIDE = {"d_model": 256, "context": 128, "batch": 16, "dropout": 0.1}
_SIZES = (
    Size(0, {"d_model": 128, "context": 64, "batch": 12, "dropout": 0.0}),
    Size(1800, {**_LARGER, "dropout": 0.0}),
    Size(5000, _WIDE),
    Size(5000, {"layers": 6, "heads": 6, "d_model": 384, "context": 256, "batch": 64, "dropout": 0.2}),
)
"""Sizes of a model of text, and the steps from which each beats the one before it at equal time; tests/bench/RESULTS.md says
what was measured of that."""
_OFFERS = {"tokenizer": ("char", "bpe"), "counts": ("gate", "none")}
_COUNTED = {"counts": "gate", "vocabulary": 512, "stop_early": 0.2}

PRESETS = (
    Preset(
        "shakespeare",
        "Shakespeare in two minutes",
        "Real words, the layout of a play, little meaning. 0.8 million parameters, two minutes on two ordinary cores: on the "
        "included Shakespeare the loss falls from 4.16 to about 1.6 nats per character.",
        seconds=120,
        data=USUAL,
    ),
    Preset(
        "text",
        "Any text",
        "For a text of your own. 0.8 million parameters, two minutes on two ordinary cores. How far the loss falls depends on "
        "the text and its length: the dashed lines show what counting its letters reaches.",
        seconds=120,
    ),
    Preset(
        "minute",
        "1 minute",
        "Network and counts, sized for this computer. Counting takes a second and covers every sequence in the text; the network "
        "generalises to others; the two are mixed token by token. Counts: none is the transformer alone. On Shakespeare, a "
        "minute on two slow, idle cores reached 1.445 nats per character, give or take 0.001 in three seeds; the network alone "
        "had 1.73, the counts alone have 1.52.",
        _COUNTED,
        seconds=60,
        formerly=("counts",),
        sizes=_SIZES,
        offers=_OFFERS,
    ),
    Preset(
        "three-minutes",
        "3 minutes",
        "Network and counts, sized for this computer. On Shakespeare, three minutes on two slow, idle cores reached 1.418 "
        "nats per character, give or take 0.001 in three seeds; the network alone had 1.55, the counts alone have 1.52.",
        _COUNTED,
        seconds=180,
        sizes=_SIZES,
        offers=_OFFERS,
    ),
    Preset(
        "ten-minutes",
        "10 minutes",
        "Network and counts, sized for this computer: on two cores 1.8 million parameters and twice the context. That model "
        "learns more slowly than the small one at first; with much less time the small one wins. On Shakespeare, 2,100 steps (19 "
        "minutes of one idle core) reached 1.382, 1.382 and 1.394 nats per character in three seeds; the network alone had 1.47, "
        "the counts alone have 1.52.",
        {**_LARGER, **_COUNTED},
        seconds=600,
        formerly=("larger",),
        sizes=_SIZES,
        offers=_OFFERS,
    ),
    Preset(
        "hour",
        "An hour",
        "Network and counts, sized for this computer: on two cores 3.2 million parameters, with dropout, because a short text is "
        "read many times over. How far it comes has not been measured.",
        {**_WIDE, **_COUNTED},
        seconds=3600,
        sizes=_SIZES,
        offers=_OFFERS,
    ),
    Preset(
        "nanogpt",
        "nanoGPT's CPU recipe",
        "The settings of a well-known small training script, for comparison: 2,000 steps, about two minutes on two "
        "cores, to about 1.88 nats per character on Shakespeare.",
        {
            "activation": "gelu",
            "positions": "learned",
            "norm": "layernorm",
            "qk_norm": False,
            "tied": True,
            "optimizer": "adamw",
            "learning_rate": 1e-3,
            "beta2": 0.99,
            "weight_decay": 0.1,
            "schedule": "cosine",
            "final_rate": 0.1,
            "warmup": 100,
        },
        steps=2000,
    ),
    Preset(
        "names",
        "Names, one per line",
        "For lists of names or words: every line is a separate sequence between two markers, so the model learns where a "
        "name begins and ends. A minute on two cores gives plausible names, some of them copied from the list.",
        {"markers": "lines", "context": 32, "batch": 32},
        seconds=60,
        data="names",
    ),
    Preset(
        "byte-pairs",
        "Byte pairs",
        "Pieces of words, learned by merging the most frequent pairs in the text: 512 tokens of about 1.9 characters "
        "on Shakespeare. A loss per token is larger than a loss per character, so compare bits per character: they "
        "fall about as fast as with characters, and the same context reaches back twice as far.",
        {"tokenizer": "bpe", "vocabulary": 512},
        seconds=120,
    ),
    Preset(
        "peeking",
        "Peeking: look-ahead mask off",
        "A lesson in what the mask is for. Within half a minute the loss falls below 0.1, because every token sees "
        "the one it should predict; but the model cannot write, because then there is nothing to peek at.",
        {"mask": False},
        seconds=30,
    ),
    Preset(
        "unordered",
        "No positions",
        "A lesson in what positions are for: only the look-ahead mask hints at the order of tokens. It learns far "
        "more slowly: 2.4 nats per character after half a minute, where rotary positions reach 1.9.",
        {"positions": "none"},
        seconds=120,
    ),
    Preset(
        "copy",
        "Copy (induction heads)",
        "Strings of letters to repeat, one letter per token. After 500 steps, within a minute on two cores, 98% of new "
        "strings are copied without an error, and a head of the second layer looks up what followed the same letter before: "
        "Induction in the Playground gives it a score above 0.5.",
        _TASK,
        steps=500,
        data="copy",
    ),
    Preset(
        "reverse",
        "Reverse",
        "Strings of letters to write backwards. The attention shows how: one line from corner to corner.",
        _TASK,
        seconds=120,
        data="reverse",
    ),
    Preset(
        "sort",
        "Sort",
        "Digits to put in order. The model has to count how often each digit occurs and keep track of what it has written "
        "so far.",
        _TASK,
        seconds=90,
        data="sort",
    ),
    Preset(
        "addition",
        "Addition with the carry",
        "Sums of numbers of up to three digits, written from the last digit, in the order in which digits are carried. "
        "After 1,500 "
        "steps, all of 256 sums that it never saw are correct. Race it against answers that are written forwards: does the "
        "order matter?",
        _TASK | {"context": 14, "batch": 64, "answers": "backwards"},
        steps=1500,
        data="addition",
    ),
    Preset(
        "brackets",
        "Close the brackets",
        "Open brackets of three kinds to close, the last one first. The model has to remember what is still open.",
        _TASK | {"context": 34},
        seconds=120,
        data="dyck",
    ),
)


def preset_for(info: DatasetInfo, now: str = "") -> str:
    """One made for the dataset; else the one that is chosen, unless it is made for another dataset."""
    chosen = preset_called(PRESETS, now)
    general = chosen is not None and not chosen.data
    if general and info.id == USUAL:
        return now
    return made_for(PRESETS, info, now, "copy" if info.kind == "tasks" else now if general else "text")
