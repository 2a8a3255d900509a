"""What a model is made of, to be drawn before it is trained: its parts in order, each with its parameters. No torch, no Qt."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A box: its `title`, a `detail` in a few words, and the `parameters` of one; `times` of them follow each other.

    What lies `inside` is listed in the box, and its parameters are among those of the box. `module` is the path of the module
    of the model that it stands for, "generator", so that what it puts out can be shown.
    """

    title: str
    detail: str = ""
    parameters: int = 0
    times: int = 1
    inside: tuple[Part, ...] = ()
    module: str = ""

    @property
    def total(self) -> int:
        """Parameters of all of them."""
        return self.times * self.parameters


@dataclass(frozen=True, slots=True)
class Chain:
    """Parts that feed each other from left to right; `title` is said where a model has several."""

    parts: tuple[Part, ...]
    title: str = ""


Drawing = tuple[Chain, ...]


def parameters(drawing: Drawing) -> int:
    """Of all parts that are drawn."""
    return sum(part.total for chain in drawing for part in chain.parts)
