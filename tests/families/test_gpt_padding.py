"""Ragged sentences in one batch: what is behind a sentence cannot reach into it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.model import GPT


def logits_of_ragged(model: GPT, sentences: list[np.ndarray]) -> float:
    """The largest difference between a padded batch and each sentence alone."""
    longest = max(map(len, sentences))
    batch = torch.stack([torch.from_numpy(np.pad(s, (0, longest - len(s)), constant_values=7)) for s in sentences])
    with torch.no_grad():
        together = model(batch)
        alone = [model(torch.from_numpy(s)[None])[0] for s in sentences]
    return max(float((t[: len(a)] - a).abs().max()) for t, a in zip(together, alone, strict=True))


@pytest.mark.parametrize("positions", ["sinusoidal", "learned", "rotary", "none"])
def test_padding_behind_a_sentence_changes_nothing_in_it(positions: str) -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    sentences = [rng.integers(0, 20, n) for n in (3, 17, 1, 32, 9)]
    values = {"context": 32, "d_model": 32, "positions": positions, "tied": True}
    model = GPT(GPTConfig.parse(values), 20).eval()
    assert logits_of_ragged(model, sentences) < 1e-5
    peeking = GPT(GPTConfig.parse(values | {"mask": False}), 20).eval()
    assert logits_of_ragged(peeking, sentences) > 1e-3
