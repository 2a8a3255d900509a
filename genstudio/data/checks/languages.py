"""Which language or script a sentence is in, as far as its commonest words and its letters say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from genstudio.data.work import Work

_WORDS: Mapping[str, str] = {
    "English": "the and of to in is that it was for with his her they you not have are this be from which were but",
    "German": "der die das und ist nicht ein eine zu den mit sich des auf für dem ich sie er wir haben auch wird",
    "French": "le la les et est une des dans que qui pas pour sur il elle vous nous avec ce au du ne sont mais",
    "Spanish": "el la los las y es una de en que no por con para se su del al lo como pero más está son",
    "Italian": "il lo gli è una di che non per con sono della nel più anche ma questo ha si dei alla le e",
    "Portuguese": "o os as é uma de em que não por com para se seu do da ao mais como mas foi são dos e",
    "Dutch": "de het een en is van niet dat op te zijn met voor er aan ook maar wij hij zij was dit naar",
}  # fmt: skip
_SETS = {name: frozenset(words.split()) for name, words in _WORDS.items()}
_SCRIPTS: Sequence[tuple[str, int, int]] = (
    ("Latin", 0x41, 0x24F), ("Greek", 0x370, 0x3FF), ("Cyrillic", 0x400, 0x52F), ("Hebrew", 0x590, 0x5FF),
    ("Arabic", 0x600, 0x6FF), ("Devanagari", 0x900, 0x97F), ("Thai", 0xE00, 0xE7F), ("kana", 0x3040, 0x30FF),
    ("Chinese characters", 0x4E00, 0x9FFF), ("Hangul", 0xAC00, 0xD7A3),
)  # fmt: skip
_PIECE = 256
_JAPANESE = {"kana", "Chinese characters"}


def script(text: str) -> str:
    """The script of most letters, or nothing."""
    counts: Counter[str] = Counter()
    for letter in text[:400]:
        if letter.isalpha():
            code = ord(letter)
            counts[next((name for name, low, top in _SCRIPTS if low <= code <= top), "another script")] += 1
    name = counts.most_common(1)[0][0] if counts else ""
    return "Japanese" if name in _JAPANESE and counts["kana"] else name


def scores(text: str) -> dict[str, int]:
    """How many of the commonest words of each language a sentence has."""
    words = [word.strip(".,;:!?\"'()«»„“”¿¡") for word in text[:400].casefold().split()]
    return {name: sum(word in known for word in words) for name, known in _SETS.items()}


def strangers(texts: Sequence[str]) -> Work[tuple[str, list[tuple[int, str]]]]:
    """The language or script that most texts are in, and (place, language or script) of those in another.

    A text counts as in another language where it has at least three common words of that and none of the usual one.
    """
    scripts: list[str] = []
    for start in range(0, len(texts), _PIECE):
        scripts += [script(text) for text in texts[start : start + _PIECE]]
        yield 0.5 * start / len(texts)
    usual_script = Counter(name for name in scripts if name).most_common(1)
    if not usual_script:
        return "", []
    main = usual_script[0][0]
    found = [(place, name) for place, name in enumerate(scripts) if name and name != main]
    if main != "Latin":
        return main, found
    told: list[dict[str, int]] = []
    for place, (text, name) in enumerate(zip(texts, scripts, strict=True)):
        told.append(scores(text) if name == main else {})
        if place % _PIECE == 0:
            yield 0.5 + 0.5 * place / len(texts)
    total: Counter[str] = Counter()
    for values in told:
        total.update(values)
    usual = total.most_common(1)[0][0] if total else ""
    for place, values in enumerate(told):
        if values and values[usual] == 0:
            best = max(values, key=lambda name: values[name])
            if values[best] >= 3:
                found.append((place, best))
    return usual or main, sorted(found)
