"""Scores of a long text, against one forward pass for each token."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from language import Language

from genstudio.data.work import finished
from genstudio.errors import TrainingError
from genstudio.sampling.score import score


@pytest.mark.parametrize("before", [[], [3], list(range(20))])
@pytest.mark.parametrize("tokens", [1, 7, 8, 9, 50])
@pytest.mark.parametrize("cached", [True, False])
def test_every_token_once_with_at_least_half_a_context(before: list[int], tokens: int, cached: bool) -> None:
    model = Language(8, cached=cached).double().eval()
    ids = np.random.default_rng(0).integers(0, 31, tokens)
    found = finished(score(model, before, ids, 4))
    every = np.concatenate([np.array(before, np.int64), ids])
    for index in range(tokens):
        place = len(before) + index
        if place == 0:
            assert np.isnan(found["logprobs"][0]) and found["ranks"][0] == 0
            continue
        matches = []
        for seen in range(min(place, 4), min(place, 8) + 1):
            with torch.no_grad():
                logits = model(torch.from_numpy(every[place - seen : place])[None])[0, -1].numpy()
            logprobs = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
            matches.append(abs(found["logprobs"][index] - logprobs[ids[index]]) < 1e-10)
            if matches[-1]:
                order = np.argsort(-logits, kind="stable")
                assert found["ranks"][index] == 1 + int(np.flatnonzero(order == ids[index])[0])
                assert found["alternatives"][index].tolist() == order[:4].tolist()
                assert found["before"][index] == pytest.approx(np.exp(logprobs[order[:4]]))
                assert found["entropies"][index] == pytest.approx(-(np.exp(logprobs) * logprobs).sum())
        assert any(matches)


def test_spoiled_weights_are_named() -> None:
    model = Language(8).eval()
    with torch.no_grad():
        model.head.bias.fill_(np.nan)
    with pytest.raises(TrainingError, match="not finite"):
        finished(score(model, [1], [1, 2, 3]))
