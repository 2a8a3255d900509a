"""What goes wrong with networks that grow, as rules about numbers of their training. Numpy only."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from genstudio.events import Diagnosis
from genstudio.families.adversarial_rules import RULES as SHARED
from genstudio.families.adversarial_rules import Observer, not_finite
from genstudio.families.rules import advice, lower, number
from genstudio.nn.sizes import FIRST
from genstudio.training.doctor import EVERY, Doctor, Finding, Rule, Window

SETTLE, LOOK = 500, 250
"""Steps after a fade-in within which a size should settle, and over which it is looked at."""
MOVES, STEADY, WILD = 0.35, 0.8, 0.7
SMALL = 3000
"""Steps after which the first size has nothing left to learn."""


def unsettled(window: Window) -> Finding | None:
    """SETTLE steps after its fade-in, fakes of the same noise still move by more than MOVES of the usual distance of two real
    pictures in EVERY steps, and by no less than STEADY of what they moved right after it; or by more than WILD of it."""
    steps, sizes = window.all("size")
    _, fades = window.all("fade")
    if not len(sizes) or len(sizes) != len(fades) or fades[-1] < 1:
        return None
    fading = np.flatnonzero((sizes != sizes[-1]) | (fades < 1))
    since = int(steps[fading[-1]]) if len(fading) else int(steps[0]) - 1
    if window.step - since < SETTLE:
        return None
    at, motion = window.all("motion")
    early, late = motion[(at > since) & (at <= since + LOOK)], motion[at > window.step - LOOK]
    if min(len(early), len(late)) < 3 or not late.mean() > min(WILD, max(MOVES, STEADY * early.mean())):
        return None
    size = f"{sizes[-1]:.0f} x {sizes[-1]:.0f}"
    return Finding(
        f"{size} does not settle: {window.step - since:,} steps after its fade-in, fakes of the same noise still change "
        "from preview to preview.",
        {f"movement of a fake in {EVERY} steps, relative to the typical distance between real pictures": float(late.mean()),
            "the same right after the fade-in": float(early.mean()), "steps since the fade-in": float(window.step - since)},
        advice(
            window,
            ("Lower both rates", {"d_rate": lower(window, "d_rate", 4), "g_rate": lower(window, "g_rate", 4)}),
            ("Hold this size until it has settled", {"hold_size": True}),
            ("Set Adam's beta 1 to 0", {"beta1": 0.0}),
            ("Raise the R1 penalty", {"r1": float(f"{max(3 * number(window, 'r1'), 0.1):.4g}")}),
            ("Let the next size fade in more slowly", {"fade": max(number(window, "fade"), 0.5)}),
            ("Start a new run with equalised rates", {"equalised": True}),
            ("Start a new run with pixel normalisation", {"pixel_norm": True}),
        ),
    )  # fmt: skip


def stays_small(window: Window) -> Finding | None:
    """After SMALL steps the pictures are still of the first size, and nobody holds it."""
    if window.step < SMALL or window.last("size") != FIRST or window.settings.get("hold_size"):
        return None
    return Finding(
        f"After {window.step:,} steps the pictures are still {FIRST} x {FIRST}: a training that is planned for very long grows "
        "very slowly.",
        {"picture size": float(FIRST), "steps": float(window.step)},
        advice(
            window,
            ("Grow after a fixed number of steps", {"growth": "steps"}),
            ("Begin the next size now", {"advance_size": int(number(window, "advance_size")) + 1}),
            ("Take fewer steps for each size", {"stage_steps": max(1, int(number(window, "stage_steps")) // 4)}),
        ),
    )


RULES = (
    Rule("unsettled", "A size that does not settle",
         f"{SETTLE} steps after a fade-in, fakes of the same noise still move by more than {MOVES:.0%} of the typical distance "
         f"between two real pictures every {EVERY} steps, and by at least {STEADY:.0%} of what they moved right after it; or by "
         f"more than {WILD:.0%} of that distance.",
         unsettled, 100),
    Rule("stays_small", "It does not grow",
         f"After {SMALL:,} steps the pictures are still {FIRST} x {FIRST}, although the size is not held.", stays_small),
    *(rule for rule in SHARED if rule.name != "dead_channels"),  # leaky units are never dead
)  # fmt: skip


def doctor(told: Iterable[Diagnosis] = (), _data: object = None) -> Doctor:
    """What watches the training; `told` are the diagnoses of its run so far."""
    return Doctor(RULES, Observer(), told, broken=not_finite)
