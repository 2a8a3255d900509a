"""Where a text ends before one of several stop texts. Plain strings: it does not matter how a text was cut in tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genstudio.errors import Problem

MOST, LONGEST = 32, 1000


def stop_problems(texts: Sequence[str]) -> Iterator[Problem]:
    """Why these cannot be stop texts."""
    if not all(texts):
        yield Problem("stop_texts", "a stop text is empty")
    if len(texts) > MOST or any(len(text) > LONGEST for text in texts):
        yield Problem("stop_texts", f"there are at most {MOST}, of at most {LONGEST:,} characters each")


class StopTexts:
    """Watches a text that grows. `held`: how many characters at its end may be the beginning of a stop text."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = tuple(texts)
        self._longest = max(map(len, self._texts), default=1)
        self._tail = ""
        self._length = 0
        self.held = 0

    def add(self, piece: str) -> int | None:
        """Where in the whole text the first stop text begins, or None. To be called once for each new piece."""
        if not self._texts or not piece:
            return None
        self._length += len(piece)
        tail = self._tail + piece
        found = [(place, text) for text in self._texts if (place := tail.find(text)) >= 0]
        if found:
            return self._length - len(tail) + min(found)[0]
        self._tail = tail[-(self._longest - 1) :] if self._longest > 1 else ""
        self.held = self._held()
        return None

    def _held(self) -> int:
        """The longest end of the text with which a stop text begins."""
        for count in range(len(self._tail), 0, -1):
            end = self._tail[-count:]
            if any(text.startswith(end) for text in self._texts):
                return count
        return 0
