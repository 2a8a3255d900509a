"""Paragraphs too long to be laid out again at each key are shown in parts, with breaks between that are not in the text."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from PySide6.QtGui import QTextBlock, QTextCursor, QTextDocument

from genstudio.events import Array
from genstudio.ui.views.positions import Positions, units

LONGEST = 4096
"""Characters in a part at most: laying out a paragraph of a million takes more than a second, at every key."""
_SIZE, _LEAST, _SOFT = 2048, 1024, 1


def cuts_of(text: str) -> list[int]:
    """Where to break a text, in characters: in lines that are too long, behind a space where there is one."""
    found, begin = list[int](), 0
    while len(text) - begin > LONGEST:
        end = text.find("\n", begin, begin + LONGEST + 1)
        if end >= 0:
            begin = text.rfind("\n", begin, begin + LONGEST + 1) + 1
            continue
        space = text.rfind(" ", begin + _SIZE // 2, begin + _SIZE)
        begin = space + 1 if space >= 0 else begin + _SIZE
        if text[begin] != "\n":
            found.append(begin)
    return found


def broken(text: str) -> tuple[str, Array]:
    """A text with its breaks in, and where they are in it, in UTF-16 units."""
    cuts = cuts_of(text)
    if not cuts:
        return text, np.empty(0, np.int64)
    places = Positions(text)
    edges = [0, *cuts, len(text)]
    parts = (text[begin:end] for begin, end in itertools.pairwise(edges))
    return "\n".join(parts), np.array([places.units(cut) + index for index, cut in enumerate(cuts)], np.int64)


def moved(breaks: Array, begin: int, removed: int, added: int, fresh: Array) -> Array:
    """Breaks (n,) after `removed` units at `begin` have become `added` ones with the breaks `fresh` among them."""
    after = breaks[breaks >= begin + removed] + (added - removed)
    return np.concatenate([breaks[breaks < begin], begin + fresh, after])


def is_soft(block: QTextBlock) -> bool:
    """Whether this block goes on with the paragraph of the one before."""
    return block.isValid() and block.userState() == _SOFT


def mark(document: QTextDocument, breaks: Array, first: int, last: int) -> None:
    """Tell the blocks between two positions, in units, whether the break before each is one of these.

    Where blocks become one, Qt keeps the mark of either.
    """
    block = document.findBlock(first)
    low, high = np.searchsorted(breaks, (block.position() - 1, last + 1))
    soft = set(breaks[low:high].tolist())
    while block.isValid() and block.position() <= last + 1:
        block.setUserState(_SOFT if block.position() - 1 in soft else -1)
        block = block.next()


def plain(document: QTextDocument, begin: int, end: int) -> tuple[str, Array]:
    """The text between two positions, in units, without its breaks; and where these were behind `begin`."""
    cursor = QTextCursor(document)
    cursor.setPosition(begin)
    cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
    text = cursor.selectedText().replace("\u2029", "\n")
    block, found = document.findBlock(begin).next(), list[int]()
    while block.isValid() and block.position() <= end:
        if is_soft(block):
            found.append(block.position() - 1 - begin)
        block = block.next()
    if found:
        places = Positions(text)
        edges = [-1, *map(places.characters, found), len(text)]
        text = "".join(text[left + 1 : right] for left, right in itertools.pairwise(edges))
    return text, np.array(found, np.int64)


def settle(document: QTextDocument, breaks: Array, first: int, last: int) -> Array:
    """Break what has become too long between two positions, and join what has become short; returns all breaks."""
    block, cursor = document.findBlock(first), QTextCursor(document)
    block = block.previous() if is_soft(block) else block
    while block.isValid() and block.position() <= last:
        begin, after = block.position(), block.next()
        if is_soft(after) and block.length() + after.length() < _LEAST:
            state, at = block.userState(), after.position()
            cursor.setPosition(at)
            cursor.deletePreviousChar()
            breaks = moved(breaks, at - 1, 1, 0, breaks[:0])
            last -= 1
            block = document.findBlock(begin)
            block.setUserState(state)
            continue
        for place in _places(block):
            cursor.setPosition(begin + place)
            state = document.findBlock(begin + place).userState()
            cursor.insertBlock()
            document.findBlock(begin).setUserState(state)
            document.findBlock(begin + place + 1).setUserState(_SOFT)
            breaks = moved(breaks, begin + place, 0, 1, np.zeros(1, np.int64))
            last += 1
        block = document.findBlock(begin).next()
    return breaks


def _places(block: QTextBlock) -> Iterator[int]:
    """Where to break a block, in units from its beginning, the last place first."""
    if block.length() > LONGEST:
        text = block.text()
        yield from (units(text[:cut]) for cut in reversed(cuts_of(text)))
