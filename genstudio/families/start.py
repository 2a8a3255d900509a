"""A training that starts from the weights of another run: which run that is, and what is taken from it.

A family that offers it has a setting `start`, and takes in `prepare` what `find` gives. torch is imported only when weights
are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from genstudio import paths, runs
from genstudio.data.learnable.tokens import TextData
from genstudio.data.tokenizers import Tokenizer, tokenizer_from_json
from genstudio.errors import ConfigError, GenstudioError, Problem
from genstudio.runs import Run

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Start:
    """A run whose newest checkpoint is started from."""

    run: Run

    @property
    def family(self) -> str:
        return self.run.info.family

    @property
    def values(self) -> Mapping[str, Any]:
        """The settings of the run."""
        return self.run.info.config

    @property
    def tokenizer(self) -> Tokenizer | None:
        """The tokenizer of the run, where it has one. Raises DataError."""
        kept = self.run.kept()
        return tokenizer_from_json(kept["tokenizer.json"]) if "tokenizer.json" in kept else None

    def weights(self) -> dict[str, Tensor]:
        """Every tensor of its newest sound checkpoint, as `module.name`. Raises CheckpointError."""
        from genstudio.training import checkpoint

        return checkpoint.read_weights(self.run, "last")[0]


def find(reference: str, wanted: Iterable[str], name: str = "start") -> Start:
    """The run of this id, name or folder, which is of one of the `wanted` families.

    Raises ConfigError at the setting of that `name` where there is none, or it is of another family.
    """
    try:
        run = runs.find(paths.runs(), reference)
    except GenstudioError as error:
        raise ConfigError([Problem(name, f"{error.message.rstrip('.')}. {error.hint}")]) from None
    families = tuple(wanted)
    if run.info.family not in families:
        words = f"'{run.info.name}' is a run of {run.info.family}, and this starts from one of {' or '.join(families)}"
        raise ConfigError([Problem(name, words)])
    return Start(run)


def take(weights: Mapping[str, Tensor], modules: Mapping[str, nn.Module]) -> tuple[str, ...]:
    """Copy the tensors that a module has under the same name and in the same shape; the names of all others of the modules,
    which stay as they are."""
    import torch

    left: list[str] = []
    with torch.no_grad():
        for part, module in modules.items():
            for name, tensor in module.state_dict().items():
                found = weights.get(f"{part}.{name}")
                if found is None or found.shape != tensor.shape:
                    left.append(f"{part}.{name}")
                else:
                    tensor.copy_(found)
    return tuple(left)


@dataclass(frozen=True)
class StartVectors:
    """The `ids` of tokens that begin with vectors of a Word2Vec run, and whose these are there: `theirs`."""

    start: Start
    ids: tuple[int, ...]
    theirs: tuple[int, ...]

    def copy_to(self, table: Tensor) -> None:
        """Into the rows (V, d) of these tokens, scaled so that they are as large as what stands there; all others stay."""
        import torch

        with torch.no_grad():
            vectors = self.start.weights()["vectors.words"][list(self.theirs)].to(table)
            rows = torch.tensor(self.ids, device=table.device)
            table[rows] = vectors * (table[rows].std() / vectors.std().clamp(min=1e-12))


@dataclass(frozen=True, eq=False)
class StartedText(TextData):
    """A text for a new model, some of whose tokens begin with the vectors of another run."""

    vectors: StartVectors | None = None


_VECTORS = "start_embeddings"
"""The setting that names the run."""


def find_vectors(reference: str, size: int) -> Start | None:
    """The Word2Vec run whose vectors the tokens of a model of this `size` begin with; None where there is no reference. It is
    asked for before a text is encoded, which may take a minute.

    Raises ConfigError where there is no such run, or its vectors have another size.
    """
    if not reference:
        return None
    found = find(reference, ("word2vec",), _VECTORS)
    if (dimension := found.values.get("dimension")) != size:
        words = f"the vectors of '{found.run.info.name}' have {dimension} numbers, and d_model is {size}; make them equal"
        raise ConfigError([Problem(_VECTORS, words)])
    return found


def with_vectors(data: TextData, found: Start) -> StartedText:
    """The same text, for a model whose tokens begin with the vectors of a run. Raises ConfigError."""
    values = {each.name: getattr(data, each.name) for each in fields(data)}
    return StartedText(**values, vectors=word_vectors(found, data.tokenizer))


def word_vectors(found: Start, tokenizer: Tokenizer) -> StartVectors:
    """Which tokens begin with the vectors of a Word2Vec run: those whose text, without the space before it, has one there, as
    it is written or in lower case. Raises ConfigError where fewer than half of the tokens have one."""
    title, theirs, said = found.run.info.name, found.tokenizer, found.run.kept().get("words.json") or {}
    counts = said.get("counts") or ()
    assert theirs is not None
    place = {theirs.decode([number]): number for number, count in enumerate(counts) if count}
    pairs = []
    for number in range(tokenizer.size):
        text = tokenizer.decode([number])
        text = text.strip() or text
        at = place.get(text, place.get(text.lower()))
        if at is not None:
            pairs.append((number, at))
    if 2 * len(pairs) < tokenizer.size:
        words = (
            f"only {len(pairs):,} of the {tokenizer.size:,} tokens have a vector in '{title}': take the tokens that it was "
            "trained with, and the same text"
        )
        raise ConfigError([Problem(_VECTORS, words)])
    ids, others = zip(*pairs, strict=True)
    return StartVectors(found, ids, others)
