"""How much translations have in common with reference translations: BLEU and chrF.

Both are computed as sacrebleu 2.6 does by default (signatures `nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp` and
`nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no`), so that a score can be compared with published ones. A test holds them equal.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

ORDER, CHARACTERS, BETA = 4, 6, 2
"""N-grams of words up to this order; of characters; and how much more than precision recall counts in chrF."""

_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
_SIGNS = (
    (re.compile(r"([\{-\~\[-\` -\&\(-\+\:-\@\/])"), r" \1 "),
    (re.compile(r"([^0-9])([\.,])"), r"\1 \2 "),
    (re.compile(r"([\.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)


def bleu(made: Sequence[str], wanted: Sequence[str]) -> float:
    """BLEU of a corpus (Papineni et al. 2002), 0 to 100: `made` against one reference each. An order without any match
    counts half of what the order before it would have at least (Chen & Cherry 2014, exponential). 0 where there is no
    sentence of four words."""
    matches, totals, lengths = [0] * ORDER, [0] * ORDER, [0, 0]
    for mine, reference in zip(made, wanted, strict=True):
        words, others = words_13a(mine), words_13a(reference)
        lengths[0], lengths[1] = lengths[0] + len(words), lengths[1] + len(others)
        for order in range(1, ORDER + 1):
            grams, known = _grams(words, order), _grams(others, order)
            totals[order - 1] += max(0, len(words) - order + 1)
            matches[order - 1] += sum((grams & known).values())
    if not any(matches) or not all(totals):
        return 0.0
    logs, halved = 0.0, 1.0
    for match, total in zip(matches, totals, strict=True):
        if not match:
            halved *= 2
        logs += math.log(100 * match / total if match else 100 / (halved * total))
    short = min(1.0, math.exp(1 - lengths[1] / lengths[0]))
    return short * math.exp(logs / ORDER)


def chrf(made: Sequence[str], wanted: Sequence[str]) -> float:
    """chrF2 of a corpus (Popović 2015), 0 to 100: n-grams of up to six characters, spaces left out; recall counts twice as
    much as precision."""
    counts = [[0, 0, 0] for _ in range(CHARACTERS)]
    for mine, reference in zip(made, wanted, strict=True):
        text, other = "".join(mine.split()), "".join(reference.split())
        for order, count in enumerate(counts, 1):
            grams, known = _grams(text, order), _grams(other, order)
            count[0] += sum(grams.values()) if known else 0
            count[1] += sum(known.values())
            count[2] += sum((grams & known).values())
    both = [(match / mine, match / reference) for mine, reference, match in counts if mine and reference]
    if not both:
        return 0.0
    precision, recall = (sum(column) / len(both) for column in zip(*both, strict=True))
    if not precision + recall:
        return 0.0
    return 100 * (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall)


def words_13a(line: str) -> list[str]:
    """The tokens of a line as the tokenizer of WMT's mteval-v13a cuts it: signs stand alone, numbers stay whole."""
    line = line.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, sign in _ENTITIES:
        line = line.replace(entity, sign)
    line = f" {line} "
    for pattern, spaced in _SIGNS:
        line = pattern.sub(spaced, line)
    return line.split()


def _grams(items: Sequence[str], order: int) -> Counter[tuple[str, ...] | str]:
    if isinstance(items, str):
        return Counter(items[at : at + order] for at in range(len(items) - order + 1))
    return Counter(tuple(items[at : at + order]) for at in range(len(items) - order + 1))
