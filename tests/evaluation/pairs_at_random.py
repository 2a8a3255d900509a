"""500 pairs of sentences for BLEU and chrF: equal, near, empty, short, with signs, numbers and entities."""

from __future__ import annotations

import random

SENTENCES = (
    "the cat sat on a mat and looked at 3.5 or 1,000 birds; it's no-one's \"fault\" &amp; &lt;so&gt; don't 12-13 état über "
    "naïve 漢字 🙂 end. What? (yes) [no] a/b 50% #7 x=y"
)
WORDS = SENTENCES.split()


def pairs(count: int = 500) -> list[tuple[str, str]]:
    """(made, wanted)"""
    rng = random.Random(0)
    found = []
    for number in range(count):
        wanted = [rng.choice(WORDS) for _ in range(rng.choice((0, 1, 2, 3, 4, 7, 12, 25)))]
        made = list(wanted)
        for _ in range(rng.choice((0, 0, 1, 2, 5))):
            if made and rng.random() < 0.5:
                del made[rng.randrange(len(made))]
            else:
                made.insert(rng.randrange(len(made) + 1), rng.choice(WORDS))
        if number % 25 == 0:
            made = []
        found.append((rng.choice((" ", "  ")).join(made) + rng.choice(("", "", "\n", " ")), " ".join(wanted)))
    return found
