"""What each page of the Playground is for: the question it answers, a line, and something to try.

The texts are data: `resources/pages.json`. A page without an entry is listed under its own group.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass

from genstudio import paths


@dataclass(frozen=True, slots=True)
class About:
    """The `question` a page answers, a `line`, a suggestion in three sentences, and whether it needs the `wide` window."""

    question: str
    line: str = ""
    suggestion: str = ""
    wide: bool = False


@functools.cache
def _known() -> tuple[tuple[str, ...], dict[str, About]]:
    found = json.loads((paths.resources() / "pages.json").read_text("utf-8"))
    pages = {
        title: About(entry["question"], entry["line"], entry["try"], bool(entry.get("wide")))
        for title, entry in found["pages"].items()
    }
    return tuple(found["questions"]), pages


def about(title: str, group: str = "") -> About:
    """What a page of this title is for; one that is unknown is listed under `group`."""
    return _known()[1].get(title) or About(group)


def place(question: str) -> int:
    """Where a question stands in the list; one that is unknown comes last."""
    questions = _known()[0]
    return questions.index(question) if question in questions else len(questions)
