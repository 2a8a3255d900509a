"""A text with its branches. A tree never changes: every edit gives another one that shares all that stayed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from genstudio.sampling.segments import CHUNK, Segment, Typed, Written, cut_at, grown, typed


@dataclass(frozen=True, eq=False)
class Node:
    """A stretch of text, and what follows it: `children` are other ways to go on, of which `chosen` is shown.

    `id` is the node's own in its tree; a node without a child is the end of a branch.
    """

    id: int
    name: str = ""
    segments: tuple[Segment, ...] = ()
    children: tuple[Node, ...] = field(default=(), repr=False)
    chosen: int = 0

    @cached_property
    def length(self) -> int:
        """Characters, without its children's."""
        return sum(map(len, self.segments))

    @cached_property
    def text(self) -> str:
        return "".join(segment.text for segment in self.segments)

    @cached_property
    def tokens(self) -> int:
        """Tokens written by models."""
        return sum(len(segment.texts) for segment in self.segments if isinstance(segment, Written))


@dataclass(frozen=True, slots=True)
class Place:
    """A written token in a tree: the segment, which of its tokens, and where its text is in the document."""

    segment: Written
    token: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Tree:
    """The whole document. Positions are in characters of the text that is shown, from the root along `chosen`."""

    root: Node
    next_id: int

    @classmethod
    def of(cls, text: str = "") -> Tree:
        return cls(Node(0, segments=typed(text)), 1)

    @cached_property
    def path(self) -> tuple[Node, ...]:
        """From the root to the end that is shown."""
        nodes = [self.root]
        while nodes[-1].children:
            nodes.append(nodes[-1].children[nodes[-1].chosen])
        return tuple(nodes)

    @cached_property
    def text(self) -> str:
        return "".join(node.text for node in self.path)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where each node of the path begins, and where the last one ends."""
        starts = [0]
        for node in self.path:
            starts.append(starts[-1] + node.length)
        return tuple(starts)

    @property
    def length(self) -> int:
        return self.starts[-1]

    @cached_property
    def spans(self) -> tuple[tuple[int, Segment], ...]:
        """The segments that are shown, and where each begins."""
        at, found = 0, []
        for node in self.path:
            for segment in node.segments:
                found.append((at, segment))
                at += len(segment)
        return tuple(found)

    def segments(self, end: int | None = None) -> Iterator[Segment]:
        """The segments that are shown up to a position; a written token that it cuts ends as typed text."""
        limit = self.length if end is None else end
        for start, segment in self.spans:
            if start + len(segment) <= limit:
                yield segment
            elif start < limit:
                before, _, rest = cut_at((segment,), limit - start)
                yield from (*before, *typed(rest))

    def nodes(self) -> Iterator[tuple[Node, Node | None]]:
        """Every node with its parent, parents first."""
        waiting: list[tuple[Node, Node | None]] = [(self.root, None)]
        while waiting:
            node, parent = waiting.pop()
            yield node, parent
            waiting += [(child, node) for child in reversed(node.children)]

    def token_at(self, position: int) -> Place | None:
        """The written token whose text holds the character at this position."""
        low, high = 0, len(self.spans)
        while low < high:
            middle = (low + high) // 2
            start, segment = self.spans[middle]
            low, high = (middle + 1, high) if start + len(segment) <= position else (low, middle)
        if low == len(self.spans) or not isinstance(self.spans[low][1], Written) or position < 0:
            return None
        start, found = self.spans[low]
        assert isinstance(found, Written)
        token = int(found.starts.searchsorted(position - start, side="right")) - 1
        return Place(found, token, start + int(found.starts[token]), start + int(found.starts[token + 1]))

    def in_place(self, start: int) -> bool:
        """Whether text may change from this position on without a new branch: only typed text follows, in one branch."""
        first = self.starts[-2]
        return start >= first and all(
            isinstance(segment, Typed) for at, segment in self.spans if at >= first and at + len(segment) > start
        )

    def replaced(self, start: int, end: int, text: str) -> Tree:
        """Other text between two positions.

        Written tokens never change: an edit in or before them, or in text that other branches share, starts a branch
        from there, in which everything that follows is typed.
        """
        if not self.in_place(start):
            return self.branched(start, typed(text + self.text[end:]))
        node, first = self.path[-1], self.starts[-2]
        before, behind, _ = cut_at(node.segments, start - first)
        _, behind, _ = cut_at(behind, end - start)
        left = before[-1].text if before and isinstance(before[-1], Typed) else ""
        if left and len(left) < CHUNK:
            before = before[:-1]
        else:
            left = ""
        right = behind[0].text if behind and len(behind[0]) < CHUNK else ""
        segments = before + typed(left + text + right) + (behind[1:] if right else behind)
        return self._with(len(self.path) - 1, replace(node, segments=segments))

    def appended(self, more: Sequence[Segment]) -> Tree:
        """More at the end of what is shown."""
        node = self.path[-1]
        return self._with(len(self.path) - 1, replace(node, segments=grown(node.segments, tuple(more))))

    def branched(self, position: int, segments: Sequence[Segment]) -> Tree:
        """A new branch from this position on; at the end of a branch, its continuation."""
        if position >= self.length:
            return self.appended(segments)
        tree = self.tidied()
        index = next(i for i, end in enumerate(tree.starts[1:]) if position <= end)
        node, offset = tree.path[index], position - tree.starts[index]
        before, behind, rest = cut_at(node.segments, offset)
        child = Node(tree.next_id, segments=grown(typed(rest), tuple(segments)))
        if not behind:
            children = (*node.children, child)
            return tree._with(index, replace(node, children=children, chosen=len(children) - 1), 1)
        lower = Node(tree.next_id + 1, "", behind, node.children, node.chosen)
        return tree._with(index, replace(node, segments=before, children=(lower, child), chosen=1), 2)

    def tidied(self) -> Tree:
        """Without an end that is shown, has no text and no name."""
        node = self.path[-1]
        return self if node.length or node.name or len(self.path) == 1 else self.removed(node.id)

    def way(self, key: int) -> tuple[int, ...]:
        """The children to choose from the root to the node with this id. Raises KeyError."""
        came: dict[int, tuple[int, int]] = {}
        for node, _ in self.nodes():
            came |= {child.id: (node.id, index) for index, child in enumerate(node.children)}
            if node.id == key:
                way = []
                while key in came:
                    key, index = came[key]
                    way.append(index)
                return tuple(reversed(way))
        raise KeyError(key)

    def switched(self, key: int) -> Tree:
        """Show the branch through this node, and from there what was shown last. Raises KeyError."""
        way = self.way(key)
        nodes = self._along(way)
        tree = replace(self, root=_rebuilt(nodes[:-1], way, nodes[-1], choose=True))
        left = self.path[-1]
        return tree if left.length or left.name or left.id in {node.id for node in tree.path} else tree.removed(left.id)

    def renamed(self, key: int, name: str) -> Tree:
        """Raises KeyError."""
        way = self.way(key)
        nodes = self._along(way)
        return replace(self, root=_rebuilt(nodes[:-1], way, replace(nodes[-1], name=name), choose=False))

    def removed(self, key: int) -> Tree:
        """Without this node and everything after it; without the root, an empty document. Raises KeyError."""
        way = self.way(key)
        if not way:
            return Tree(Node(self.next_id), self.next_id + 1)
        nodes = self._along(way[:-1])
        parent, index = nodes[-1], way[-1]
        children = parent.children[:index] + parent.children[index + 1 :]
        chosen = parent.chosen - (index < parent.chosen or parent.chosen == len(children))
        parent = _only_child(replace(parent, children=children, chosen=max(chosen, 0)))
        return replace(self, root=_rebuilt(nodes[:-1], way[:-1], parent, choose=False))

    def siblings(self, position: int) -> tuple[tuple[Node, ...], int]:
        """The ways to go on at the last fork before or at a position, and which of them is shown; none: ((), 0)."""
        for index in range(len(self.path) - 1, 0, -1):
            parent = self.path[index - 1]
            if len(parent.children) > 1 and self.starts[index] <= position:
                return parent.children, parent.chosen
        return (), 0

    def _along(self, way: Sequence[int]) -> list[Node]:
        nodes = [self.root]
        for index in way:
            nodes.append(nodes[-1].children[index])
        return nodes

    def _with(self, index: int, node: Node, ids: int = 0) -> Tree:
        """The tree with another node at this place of the path."""
        way = [parent.chosen for parent in self.path[:index]]
        root = _rebuilt(list(self.path[:index]), way, node, choose=False)
        return Tree(root, self.next_id + ids)


def _rebuilt(parents: list[Node], way: Sequence[int], node: Node, *, choose: bool) -> Node:
    """The root after the node at the end of the way has become another; `choose` shows the way."""
    for parent, index in zip(reversed(parents), reversed(way), strict=True):
        children = (*parent.children[:index], node, *parent.children[index + 1 :])
        node = replace(parent, children=children, chosen=index if choose else parent.chosen)
    return node


def _only_child(node: Node) -> Node:
    """Where there is only one way to go on there is no fork: the node and its child become one, unless both have names."""
    while len(node.children) == 1 and not (node.name and node.children[0].name):
        child = node.children[0]
        segments = grown(node.segments, child.segments)
        node = Node(node.id, node.name or child.name, segments, child.children, child.chosen)
    return node
