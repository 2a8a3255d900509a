"""What a person reads is written as a native technical writer would: forms that are stilted or inconsistent are banned."""

from __future__ import annotations

import re

import pytest
from words import table

UNIT = "second|minute|hour|day|step|token|character|letter|byte|word|line|sample|pixel|batch|picture|iteration|dab|run|cell"
BANNED = {
    r"\bforet(?:e|o)l[ld]": ("predict", "how well it foretells the next token"),
    r"\blikelie(?:r|st)\b": ("more or most probable", "the likeliest token"),
    r"\blearnt\b": ("learned", "how the text was learnt"),
    r"\bmend(?:s|ed|ing)?\b": ("fix, repair", "details help to mend it"),
    r"\bas a rule\b": ("usually", "that is 0.0003 as a rule"),
    r"\bgo(?:es|ing)? on\b": ("continue", "the model goes on"),
    r"\banew\b": ("again", "each step reads the text anew"),
    r"\bby heart\b": ("memorise", "learnt by heart"),
    r"\b(?:tak(?:e|es|ing)|took) \w+(?: \w+)? away\b": ("delete, remove, export", "Delete takes it away"),
    r"\bso (?:many|much) of\b|\bat most so many\b": ("this many, a maximum of", "at most so many steps"),
    r"\bhear(?:s|d)? of\b": ("is given", "how it hears of the class"),
    r"\bby chance\b": ("at random", "drawn by chance"),
    r"\basked for\b": ("requested", "the class that is asked for"),
    r"\b(?:nothing|none) (?:was )?found\b": ("No ... found", "Nothing found that is wrong"),
    r"\bin words\b(?! and)": ("say what the words are", "the doctor says in words"),
    r"\b(?:looks?|looked) (?:at|away from) (?:the (?:previous|first) token|itself)\b": ("attends to", "looks at itself"),
    r"\bshelf\b": ("your datasets", "put it on the shelf"),
    r"\bleft out\b|\bleave[s]? out\b(?! token)": ("skipped, ignored, omitted", "3 files were left out"),
    r"(?<!there )\b(?:is|are|was|were) no (?!longer|more|less|better)[a-z]": ("is not a", "this is no text"),
    r"\b(?:this|the) program\b(?! it belongs)": ("genstudio", "a fault of the program"),
    r"\blacks\b": ("does not have", "the vocabulary lacks it"),
    r"\bnext to (?:no|nothing)\b": ("almost", "its gradient is next to nothing"),
    r"\b(?:picture|pair|point)s? (?:more )?than once\b|\boccurs? again\b": ("duplicate", "3 pictures occur again"),
    rf"(?<!in )(?<!within )(?<!after )\b(?:nats|bits|FLOPs?|MFLOP|GFLOP|tokens|steps|iterations|times|hours|frames|one|"
    rf"samples|pairs|updates|once|points|name|language|MB) an? (?:{UNIT}|side)\b": ("per", "1.6 nats a character"),
    r"[\d}]\s%": ("no space before %", "16 % of them"),
    r"\bmade elsewhere\b|\btrained apart\b": ("imported, separately trained", "a classifier that was trained apart"),
    r"\bblanks?\b(?! line| page)": ("space, whitespace", "letters and blanks"),
    r"\bbrought to the same\b": ("normalised", "brought to the same size"),
    r"\bset aside\b": ("renamed and kept", "the file was set aside"),
    r"\btime machine\b": ("timeline", "the time machine"),
}
"""Form: (what to write instead, a text that has it)."""


def offences(texts: tuple[tuple[str, str], ...]) -> list[str]:
    """Texts (place, words) with a banned form, each with what to write instead."""
    return [
        f"{place}: {found.group()!r} -> {better}: {' '.join(text.split())[:120]}"
        for form, (better, _) in BANNED.items()
        for place, text in texts
        if (found := re.search(form, text, re.IGNORECASE))
    ]


def test_nothing_that_a_person_reads_has_a_banned_form() -> None:
    assert "\n".join(offences(table())) == ""


@pytest.mark.parametrize("form", BANNED)
def test_each_banned_form_is_caught(form: str) -> None:
    assert re.search(form, BANNED[form][1], re.IGNORECASE)


def test_the_table_holds_texts_of_every_kind() -> None:
    """A setting's help, a label, an error and its hint, a preset, a rule of the doctor, help of a command, the README."""
    texts = {" ".join(text.split()) for _, text in table()}
    assert len(texts) > 3_000
    for known in (
        "Size of the noise vector z", "Generate", "Mode collapse", "train a new model; the run's folder is the last line printed",
        "Choose a text file.", "{len(again)} of {count} pairs are duplicates.", "Lesson: memorisation",
    ):  # fmt: skip
        assert any(re.sub(r":[,.\w]*}", "}", text) == known for text in texts), known
    assert any(text.startswith("You need Python 3.11") for text in texts)
