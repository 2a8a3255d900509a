"""Pairs: Bible verses in English and Spanish, and the names of emoji in many languages."""

from __future__ import annotations

import functools
import html
import importlib
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from resources_build.packed import Pairs, hash_order
from resources_build.sources import Files, unpack

LONGEST_VERSE = 120
MODULES = {"English": "engWEB2015eb", "Spanish": "spaRV1909eb"}

LANGUAGES = ("cs", "da", "de", "el", "es", "fi", "fr", "hu", "it", "nl", "pl", "pt", "ro", "ru", "sv", "tr")


def verses(files: Files) -> Pairs:
    """Verses of at most 120 characters that both Bibles number alike, lengths within a factor of two.

    Both number verses alike except in the headings of psalms, which the Spanish text has within verse 1: those are
    left out.
    """
    with tempfile.TemporaryDirectory() as name:
        unpack(files, "usr/share/sword/", Path(name))
        unpack(files, "pysword-0.2.8/pysword/", Path(name))
        sys.path.insert(0, str(Path(name) / "pysword-0.2.8"))
        try:
            english, spanish = (dict(_verses(Path(name), module)) for module in MODULES.values())
        finally:
            sys.path.pop(0)
    rows = [(english[place], spanish[place]) for place in english if place in spanish and place[::2] != ("Psalms", 1)]
    fitting = [(left, right) for left, right in dict.fromkeys(rows) if _fits(left, right)]
    return Pairs(("English", "Spanish"), [fitting[i] for i in hash_order([left.encode() for left, _ in fitting])])


def _fits(left: str, right: str) -> bool:
    return (
        min(len(left), len(right)) > 0
        and max(len(left), len(right)) <= LONGEST_VERSE
        and (0.5 <= len(left) / len(right) <= 2)
    )


def _verses(folder: Path, module: str) -> Iterator[tuple[tuple[str, int, int], str]]:
    """(book, chapter, verse) and its text without markup."""
    pysword: Any = importlib.import_module("pysword.modules")
    modules = pysword.SwordModules(str(folder / "usr" / "share" / "sword"))
    modules.parse_modules()
    bible = modules.get_bible_from_module(module)
    bible._decompressed_text = functools.lru_cache(2)(bible._decompressed_text)  # else unpacks a book for each verse
    structure = bible.get_structure()
    for testament, books in structure.get_books().items():
        for book in books:
            for chapter, length in enumerate(book.chapter_lengths, 1):
                places = book.get_indicies([chapter], list(range(1, length + 1)), structure._book_offset(book.name))
                for verse, place in enumerate(places, 1):
                    yield (book.name, chapter, verse), plain(bible._text_for_index(testament, place) or "")


def plain(marked: str) -> str:
    """A verse without OSIS markup: notes and titles leave a space behind, other tags nothing."""
    spaced = re.sub(r"<(note|title)\b.*?</\1>", " ", marked, flags=re.DOTALL)
    text = html.unescape(re.sub(r"<[^>]*>", "", spaced)).replace("¶", " ")
    return re.sub(r" +([,.;:!?])", r"\1", " ".join(text.split()))


def emoji_names(files: Files) -> Pairs:
    """English name -> name in another language, which a tag in front of the English one asks for."""
    english = spoken(files, "en")
    others = {language: spoken(files, language) for language in LANGUAGES}
    signs = [sign for sign in english if all(sign in names for names in others.values())]
    rows = [(f"{language}: {english[sign]}", names[sign]) for language, names in others.items() for sign in signs]
    single = list(dict.fromkeys(rows))
    return Pairs(("Language: English", "Name"), [single[i] for i in hash_order([left.encode() for left, _ in single])])


def spoken(files: Files, language: str) -> dict[str, str]:
    """Sign -> its short name for speech in one language, from Unicode's locale data."""
    name = f"cldr-annotations-full/annotations/{language}/annotations.json"
    entries = json.loads(files[name])["annotations"]["annotations"]
    return {sign: " ".join(entry["tts"][0].split()) for sign, entry in entries.items() if entry.get("tts")}
