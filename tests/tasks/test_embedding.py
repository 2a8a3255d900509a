"""Maps, neighbours and positions of a model are those of its weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from opened import opened

from genstudio.errors import RunError
from genstudio.snapshots.layers import EmbeddingMap, PositionCode
from genstudio.tasks.embedding import FindNear, LookAtPositions, MapVectors, by_distance, cosines
from genstudio.tasks.layers import LookAtLayers
from genstudio.tasks.models import ModelRef, Models
from helpers import result, returned, run_task


def maps(models: Models, ref: ModelRef, text: str = "the cat", **options: Any) -> list[EmbeddingMap]:
    frames, found = returned(MapVectors(ref, (text,), **options).run(models))
    return [*(s for f in frames for s in f.snapshots if isinstance(s, EmbeddingMap)), found]


@pytest.mark.parametrize("space", ["tokens", "output"])
def test_a_map_of_the_vocabulary_is_the_pca_of_its_weights(space: str) -> None:
    models, ref, gpt = opened()
    (shown,) = maps(models, ref, space=space)
    weight = (gpt.transformer.tokens if space == "tokens" else gpt.transformer.head).weight.detach().double().numpy()
    u, sizes, _ = np.linalg.svd(weight - weight.mean(0), full_matrices=False)
    np.testing.assert_allclose(np.abs(shown.points), np.abs(u[:, :2] * sizes[:2]), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(shown.explained, (sizes**2 / (sizes**2).sum())[:2], rtol=1e-4)
    assert shown.names == gpt.data.tokenizer.pieces(np.arange(gpt.data.tokenizer.size))
    assert (shown.total, shown.note) == (13, "")


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_hidden_states_are_what_the_blocks_give(layer: int) -> None:
    models, ref, gpt = opened(positions="learned")
    (shown,) = maps(models, ref, space="hidden", layer=layer)
    ids = torch.as_tensor(gpt.data.tokenizer.encode("the cat").astype(np.int64))[None]
    gpt.transformer.eval()
    with torch.no_grad():
        stream = gpt.transformer.tokens(ids) + gpt.transformer.positions.weight[:7]
        for block in list(gpt.transformer.blocks)[:layer]:
            stream = block(stream)
    rows = stream[0].double().numpy()
    u, sizes, _ = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    np.testing.assert_allclose(np.abs(shown.points), np.abs(u[:, :2] * sizes[:2]), rtol=1e-3, atol=1e-3)
    assert "".join(shown.names) == "the␣cat"


def test_a_large_vocabulary_is_cut_to_the_first_and_those_of_the_text() -> None:
    models, ref, gpt = opened()
    (shown,) = maps(models, ref, "tat", most=5)
    ids = {*range(5), *gpt.data.tokenizer.encode("ta").tolist()}
    assert set(shown.ids.tolist()) == ids
    assert "first 5 of 13 tokens" in shown.note


def test_t_sne_shows_the_points_while_they_move_and_can_be_stopped() -> None:
    models, ref, _ = opened()
    shown = maps(models, ref, method="tsne", perplexity=3)
    assert shown[-1].finished
    assert not any(state.finished for state in shown[:-1])
    assert shown[-1].loss is not None
    job = MapVectors(ref, (), method="tsne").run(models)
    for _ in range(20):
        next(job)
    job.close()


def test_near_tokens_are_searched_in_all_of_the_vocabulary() -> None:
    models, ref, gpt = opened()
    weight = gpt.transformer.tokens.weight.detach().double().numpy()
    unit = weight / np.linalg.norm(weight, axis=1, keepdims=True)
    expected = [i for i in np.argsort(-(unit @ unit[4])) if i != 4][:3]
    near = result(FindNear(ref, (), 4, count=3), models)
    assert (near.index, near.name) == (4, gpt.data.tokenizer.pieces([4])[0])
    assert [i for i, _, _ in near.found] == expected
    np.testing.assert_allclose([c for _, _, c in near.found], (unit @ unit[4])[expected], rtol=1e-5)
    with pytest.raises(RunError):
        run_task(FindNear(ref, (), 400), models)


def code_of(**changes: Any) -> PositionCode:
    models, ref, _ = opened(**changes)
    return result(LookAtPositions(ref), models)


def test_rotary_similarity_depends_on_the_distance_alone() -> None:
    code = code_of(positions="rotary", position_base=50.0)
    frequencies = 50.0 ** (-np.arange(0, 8, 2) / 8)
    expected = np.cos(np.arange(12)[:, None] * frequencies)
    np.testing.assert_allclose(code.table, expected, atol=1e-5)
    np.testing.assert_allclose(code.near, expected.mean(1), atol=1e-5)
    np.testing.assert_allclose(code.low, code.high, atol=1e-5)
    assert (code.kind, code.base, code.context) == ("rotary", 50.0, 12)


def test_sinusoidal_and_learned_codes_are_what_is_added() -> None:
    waves = code_of(positions="sinusoidal", position_base=100.0)
    angle = np.arange(12)[:, None] * 100.0 ** (-np.arange(0, 16, 2) / 16)
    np.testing.assert_allclose(waves.table[:, 0::2], np.sin(angle), atol=1e-5)
    np.testing.assert_allclose(waves.table[:, 1::2], np.cos(angle), atol=1e-5)
    np.testing.assert_allclose(waves.near, np.cos(angle).mean(1), atol=1e-5)
    learned = code_of(positions="learned")
    assert learned.table.shape == (12, 16)
    table = learned.table.astype(np.float64)
    pairs = [table[i] @ table[i + 3] / np.linalg.norm(table[i]) / np.linalg.norm(table[i + 3]) for i in range(9)]
    assert learned.near[3] == pytest.approx(np.mean(pairs), abs=1e-6)
    assert learned.low[3] == pytest.approx(np.quantile(pairs, 0.05), abs=1e-6)


def test_no_code_is_said_as_such() -> None:
    code = code_of(positions="none")
    assert (code.kind, code.table.size, code.near.size) == ("none", 0, 0)


def test_distances_are_counted_along_the_diagonals() -> None:
    near, low, high = by_distance(np.array([[1.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 1.0]]))
    np.testing.assert_allclose(near, [1, 0.4, 0])
    assert (low <= near).all() and (near <= high).all()
    np.testing.assert_allclose(cosines(np.array([[2.0, 0], [0, 3], [1, 1]]))[2], [0.5**0.5, 0.5**0.5, 1])


def test_layers_of_a_text_longer_than_the_context_and_of_none() -> None:
    models, ref, _ = opened()
    for text, tokens in (("the cat sat on a mat " * 30, 12), ("", 1), ("t", 1), ("th", 1)):
        shown = result(LookAtLayers(ref, (text,)), models)
        assert shown.tokens == tokens
        assert shown.step == 7
        assert (shown.gradients is None) == (text in ("", "t"))


@pytest.mark.parametrize(
    "task", [LookAtPositions, lambda ref: MapVectors(ref, ("a",)), lambda ref: LookAtLayers(ref, ())]
)
def test_a_model_that_is_gone_is_a_message(task: Any) -> None:
    with pytest.raises(RunError):
        run_task(task(ModelRef("gone", "last")))


def test_a_vocabulary_of_fifty_thousand_is_mapped_and_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    models, ref, gpt = opened()
    size = 50_000

    class Many:
        begin = end = None

        def __init__(self) -> None:
            self.size = size

        def encode_lossy(self, text: str) -> Any:
            return np.array([49_999] * len(text), np.int32), ()

        def pieces(self, ids: Any) -> tuple[str, ...]:
            return tuple(f"t{i}" for i in ids)

    monkeypatch.setattr(gpt.transformer, "tokens", torch.nn.Embedding(size, 16))
    monkeypatch.setattr(gpt, "data", type("Data", (), {"tokenizer": Many()})())
    (shown,) = maps(models, ref, "x")
    assert len(shown.points) == 801
    assert shown.ids[-1] == 49_999
    assert len(result(FindNear(ref, (), 49_999), models).found) == 12


def test_a_model_in_8_bits_is_mapped_with_its_weights_and_its_layers_are_the_trained_ones() -> None:
    from dataclasses import replace

    from genstudio.nn import int8

    if not int8.available():
        pytest.skip("this processor has no kernels for 8 bits")
    models, ref, _ = opened()
    small = replace(ref, precision="int8")
    (one,), (two,) = maps(models, ref, space="output"), maps(models, small, space="output")
    np.testing.assert_allclose(one.points, two.points, atol=0.05)
    assert not np.array_equal(one.points, two.points)
    whole, shown = (result(LookAtLayers(which, ("the cat",)), models) for which in (ref, small))
    np.testing.assert_array_equal(whole.gradients.counts, shown.gradients.counts)
