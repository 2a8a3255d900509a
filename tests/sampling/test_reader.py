"""A reader that remembers gives what a fresh one gives, and computes only what is new."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from language import Language

from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.reader import Reader, Readers
from genstudio.sampling.text import stream, writing

MODEL = Language(24).double().eval()
TEXTS = st.lists(st.integers(0, 5), min_size=1, max_size=24)


def fresh(model: Language, ids: list[int]) -> np.ndarray:
    with torch.no_grad():
        return model(torch.tensor([ids]))[0, -1].numpy()


@given(st.lists(TEXTS, min_size=1, max_size=8))
@settings(deadline=None, max_examples=40)
def test_what_was_read_before_changes_nothing_but_the_work(texts: list[list[int]]) -> None:
    reader, held = Reader(MODEL), list[int]()
    for ids in texts:
        common = next((i for i, (a, b) in enumerate(zip(held, ids, strict=False)) if a != b), min(len(held), len(ids)))
        before = reader.read
        assert reader.common(ids) == common
        assert np.abs(reader.logits(ids) - fresh(MODEL, ids)).max() < 1e-12
        assert reader.read - before == len(ids) - min(common, len(ids) - 1)
        held = ids


def test_branching_back_costs_what_is_new() -> None:
    model = Language(1024).eval()
    reader = Reader(model)
    text = np.random.default_rng(0).integers(0, 31, 900).tolist()
    reader.logits(text)
    model.read = 0
    reader.logits([*text[:400], 1, 2, 3])
    assert model.read == 3
    Reader(model).logits([*text[:400], 1, 2, 3])
    assert model.read == 3 + 403


def test_other_weights_forget_what_was_read() -> None:
    model, step = Language(24).double().eval(), [1]
    reader = Reader(model, lambda: step[0])
    reader.logits([1, 2, 3])
    with torch.no_grad():
        model.tokens.weight.mul_(2)
    step[0] = 2
    assert reader.common([1, 2, 3]) == 0
    reader.logits([1, 2, 3])
    with torch.no_grad():
        model.tokens.weight.mul_(2)
    step[0] = 3
    assert np.abs(reader.add(4) - fresh(model, [1, 2, 3, 4])).max() < 1e-12
    with torch.no_grad():
        model.tokens.weight.mul_(2)
    assert np.abs(reader.add(5) - fresh(model, [1, 2, 3, 4, 5])).max() > 1e-3, "a twin that is not told stays stale"


def test_long_texts_are_read_in_slices_that_give_the_same() -> None:
    model = Language(64).double().eval()
    reader = Reader(model)
    reader._chunk = 7
    ids = np.random.default_rng(1).integers(0, 31, 60).tolist()
    work, parts = reader.reading(ids), []
    while True:
        try:
            parts.append(next(work))
        except StopIteration as end:
            logits = end.value
            break
    assert len(parts) == 8 and parts == sorted(parts)
    assert np.abs(logits - fresh(model, ids)).max() < 1e-12


def test_an_abandoned_reading_is_gone_on_with() -> None:
    model = Language(64).double().eval()
    reader = Reader(model)
    reader._chunk = 7
    ids = np.random.default_rng(1).integers(0, 31, 60).tolist()
    work = reader.reading(ids)
    next(work)
    work.close()
    assert reader.ids == ids[:7]
    assert np.abs(reader.logits(ids) - fresh(model, ids)).max() < 1e-12


def test_a_failed_reading_leaves_a_sound_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Language(24).double().eval()
    reader = Reader(model)
    reader.logits([1, 2, 3])
    block = model.blocks[1]
    monkeypatch.setattr(block, "forward", lambda *_: (_ for _ in ()).throw(RuntimeError("out of memory")))
    with pytest.raises(RuntimeError):
        reader.logits([1, 2, 3, 4, 5])
    monkeypatch.undo()
    assert reader.ids == [1, 2, 3]
    assert np.abs(reader.logits([1, 2, 3, 4, 5]) - fresh(model, [1, 2, 3, 4, 5])).max() < 1e-12


def test_a_copy_goes_its_own_way() -> None:
    one, other = Reader(MODEL), Reader(MODEL)
    one.logits([1, 2, 3, 4])
    other.copy(one)
    other.logits([1, 2, 9])
    assert np.abs(one.add(5) - fresh(MODEL, [1, 2, 3, 4, 5])).max() < 1e-12
    assert np.abs(other.add(6) - fresh(MODEL, [1, 2, 9, 6])).max() < 1e-12


def test_writing_with_a_used_reader_is_writing_with_a_fresh_one() -> None:
    reader, options = Reader(MODEL), SamplingOptions(1.1)
    for prompt in ([1, 2, 3], [1, 2, 3, 9], [4], list(range(30))):
        used = [c.id for c in writing(reader, prompt, options, 5, 40) if c is not None]
        assert used == [c.id for c in stream(MODEL, prompt, options, 5, 40)]


def test_the_reader_that_fits_best_is_lent_and_few_are_kept() -> None:
    readers = Readers(MODEL, keep=2)
    with readers.lend([1, 2, 3, 4]) as first:
        first.logits([1, 2, 3, 4])
        with readers.lend([1, 2, 3, 4]) as second:
            assert second is not first
            second.logits([9, 9, 9])
    with readers.lend([1, 2, 3, 5]) as again:
        assert again is first
    with readers.lend([9, 9, 9, 1]) as again:
        assert again is second
    with readers.lend([1]) as one, readers.lend([2]) as two, readers.lend([3]) as three:
        for reader in (one, two, three):
            reader.logits([7])
    assert len(readers._free) == 2
    assert readers.bytes == 2 * 2 * 2 * 2 * 24 * 8 * 8
    with Readers(MODEL, room=1).lend([1]) as only:
        assert only.bytes > 1
