"""The document of the playground: a tree of branches, and every state that it had."""

from __future__ import annotations

from collections.abc import Sequence

from genstudio.sampling.segments import Segment
from genstudio.sampling.tree import Tree


class Document:
    """A tree that is edited, with undo and redo without end. States share what they have in common."""

    def __init__(self, tree: Tree | None = None) -> None:
        self.tree = tree if tree is not None else Tree.of()
        self._undo: list[Tree] = []
        self._redo: list[Tree] = []
        self._open: tuple[str, int] | None = None

    @property
    def text(self) -> str:
        """What is shown."""
        return self.tree.text

    @property
    def can_undo(self) -> bool:
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        return bool(self._redo)

    def replace(self, start: int, end: int, text: str) -> None:
        """An edit of a person. Letters typed or deleted one after the other are undone word by word."""
        open_for = self._continues(start, end, text)
        joins = open_for is not None and open_for == self._open and self.tree.in_place(start)
        if joins and len(text) == 1 and not text.isspace():
            joins = not self.tree.text[start - 1 : start].isspace()
        self._become(self.tree.replaced(start, end, text), joins)
        if len(text) == 1 and start == end and text != "\n":
            self._open = ("type", start + 1)
        elif not text and end - start == 1:
            self._open = ("delete", start)

    def branch(self, position: int, segments: Sequence[Segment]) -> None:
        """Go on from this position with something else; at the end, with this."""
        self._become(self.tree.branched(position, segments))

    def extend(self, segments: Sequence[Segment]) -> None:
        """More of what was added last, at the end: undone together with it."""
        self._become(self.tree.appended(segments), joins=True)

    def switch(self, key: int) -> None:
        """Show another branch. Nothing is changed, so there is nothing to undo. Raises KeyError."""
        self.tree = self.tree.switched(key)
        self._open = None

    def rename(self, key: int, name: str) -> None:
        """Raises KeyError."""
        self._become(self.tree.renamed(key, name))

    def remove(self, key: int) -> None:
        """Take a branch away with everything in it. Raises KeyError."""
        self._become(self.tree.removed(key))

    def reset(self, tree: Tree) -> None:
        """Show another document; the one before comes back with undo."""
        self._become(tree)

    def undo(self) -> bool:
        """Back to the state before the last edit; whether there was one."""
        return self._step(self._undo, self._redo)

    def redo(self) -> bool:
        return self._step(self._redo, self._undo)

    def _continues(self, start: int, end: int, text: str) -> tuple[str, int] | None:
        if len(text) == 1 and start == end and text != "\n":
            return ("type", start)
        if not text and end - start == 1:
            backwards = ("delete", end)
            return backwards if self._open == backwards else ("delete", start)
        return None

    def _become(self, tree: Tree, joins: bool = False) -> None:
        if not joins:
            self._undo.append(self.tree)
        self._redo.clear()
        self._open = None
        self.tree = tree

    def _step(self, source: list[Tree], target: list[Tree]) -> bool:
        if not source:
            return False
        target.append(self.tree)
        self.tree = source.pop()
        self._open = None
        return True
