"""Writing with a cache against writing without one."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from language import Language

from genstudio.errors import ConfigError
from genstudio.sampling.choose import SamplingOptions, distribution, pick
from genstudio.sampling.reader import Reader
from genstudio.sampling.text import stream, together
from helpers import usually

V = 31


def everything_again(
    model: Language, ids: list[int], options: SamplingOptions, seed: int, length: int, slide: int
) -> Iterator[tuple[int, np.ndarray]]:
    """The same policy, all tokens of the window read for every token."""
    rng, window = np.random.default_rng(seed), ids[-model.context :]
    for _ in range(length):
        with torch.no_grad():
            logits = model(torch.tensor([window]))[0, -1].numpy()
        chosen = pick(distribution(logits, options), rng)
        yield chosen, logits
        window.append(chosen)
        if len(window) > model.context:
            del window[:slide]


@usually(("dtype", "tolerance", "prompts"), [(torch.float64, 1e-12, 40), (torch.float32, 1e-5, 200)])
def test_a_cache_writes_the_same_tokens(dtype: torch.dtype, tolerance: float, prompts: int) -> None:
    model, rng, options = Language(24).to(dtype).eval(), np.random.default_rng(0), SamplingOptions(greedy=True)
    for _ in range(prompts):
        prompt = rng.integers(0, V, rng.integers(1, 30)).tolist()
        ours = list(stream(model, prompt, options, 0, 7))
        theirs = list(everything_again(model, prompt, options, 0, 7, slide=3))
        assert [choice.id for choice in ours] == [chosen for chosen, _ in theirs]
        for choice, (_, logits) in zip(ours, theirs, strict=True):
            assert np.abs(choice.logits - logits).max() < tolerance


@pytest.mark.parametrize("slide", [None, 1, 5, 16, 99])
@pytest.mark.parametrize("cached", [True, False])
def test_a_full_window_slides_as_promised(slide: int | None, cached: bool) -> None:
    model, options = Language(16, cached=cached).eval(), SamplingOptions(1.2, top_k=20, top_p=0.95)
    dropped = {None: 2, 99: 16}.get(slide, slide) or 2
    ours = [choice.id for choice in stream(model, [1, 2, 3], options, 7, 60, slide=slide)]
    assert ours == [chosen for chosen, _ in everything_again(model, [1, 2, 3], options, 7, 60, dropped)]


def test_each_token_is_read_once_while_the_context_lasts() -> None:
    model = Language(64).eval()
    list(stream(model, list(range(10)), SamplingOptions(), 0, 50))
    assert model.read == 10 + 49


def test_the_same_seed_writes_the_same_and_another_does_not() -> None:
    model = Language(16).eval()
    texts = [[c.id for c in stream(model, [5], SamplingOptions(), seed, 30)] for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_probabilities_are_those_of_the_choice() -> None:
    options = SamplingOptions(0.7, top_k=5)
    for choice in stream(Language(16).eval(), [5], options, 1, 20):
        assert choice.probability == distribution(choice.logits, options)[choice.id] > 0
        assert choice.logits.shape == (V,)


def test_it_ends_behind_the_stop_token_and_at_the_length() -> None:
    model = Language(16).eval()
    free = [c.id for c in stream(model, [5], SamplingOptions(), 3, 40)]
    stop = free[10]
    stopped = [c.id for c in stream(model, [5], SamplingOptions(), 3, 40, stop=stop)]
    assert stopped == free[: free.index(stop) + 1]
    assert len(free) == 40 and list(stream(model, [5], SamplingOptions(), 3, 0)) == []


def test_between_two_tokens_gradients_and_mode_are_the_callers() -> None:
    model = Language(16, dropout=0.5)
    model.train()
    for _ in itertools.islice(stream(model, [5], SamplingOptions(), 0, 40), 5):
        assert model.training and torch.is_grad_enabled()
    ours = [c.id for c in stream(model, [5], SamplingOptions(), 0, 20)]
    assert ours == [c.id for c in stream(model.eval(), [5], SamplingOptions(), 0, 20)]


def test_impossible_requests_are_refused_at_once() -> None:
    with pytest.raises(ConfigError):
        stream(Language(8), [1], SamplingOptions(-1.0), 0, 5)
    with pytest.raises(ValueError, match="at least one token"):
        stream(Language(8), [], SamplingOptions(), 0, 5)


@pytest.mark.parametrize("stopped", [False, True])
def test_texts_written_together_are_what_each_is_alone(stopped: bool) -> None:
    """Past the end of the context, and where some end before the others."""
    model = Language(16).to(torch.float64).eval()
    options = [SamplingOptions(temperature, top_p=top_p) for temperature in (0.5, 1.0, 1.6) for top_p in (0.8, 1.0)]
    alone = [[choice.id for choice in stream(model, [1, 2, 3], one, 4, 50)] for one in options]
    stop = alone[5][20] if stopped else None
    texts: list[list[int]] = [[] for _ in options]
    for found in together(Reader(model), [1, 2, 3], options, 4, 50, stop):
        for place, choice in found or ():
            texts[place].append(choice.id)
            assert choice.probability == distribution(choice.logits, options[place])[choice.id]
    wanted = [ids if stop not in ids else ids[: ids.index(stop) + 1] for ids in alone]
    assert texts == wanted and len(set(map(tuple, alone))) == 6
    assert not stopped or len({len(ids) for ids in texts}) > 1


def test_texts_written_together_cost_a_forward_pass_per_token() -> None:
    model = Language(64).eval()
    passes = 0
    real = model.forward

    def counted(*args: Any, **kwargs: Any) -> torch.Tensor:
        nonlocal passes
        passes += 1
        return real(*args, **kwargs)

    model.forward = counted  # type: ignore[method-assign]
    list(together(Reader(model), [1, 2], [SamplingOptions(0.5), SamplingOptions(1.5), SamplingOptions()], 0, 20))
    assert passes == 20
    with pytest.raises(ValueError, match="at least one"):
        list(together(Reader(model), [], [SamplingOptions()], 0, 5))
