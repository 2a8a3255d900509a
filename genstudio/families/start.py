"""A training that starts from the weights of another run: which run that is, and what is taken from it.

A family that offers it has a setting `start`, and takes in `prepare` what `find` gives. torch is imported only when weights
are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genstudio import paths, runs
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
