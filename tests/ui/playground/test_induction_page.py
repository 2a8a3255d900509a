"""The induction probe on models of which it is known: one that copies by construction, and ones that cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from read_back import numbers, painted

from genstudio.data.learnable.tokens import TextData
from genstudio.data.tokenizers import CharTokenizer
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.model import GPTModel
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.ui.engine import Engine
from genstudio.ui.playground.induction_page import InductionPage
from helpers import LONG

LETTERS = "abcdefghijklmnop"
V, CONTEXT, SURE = len(LETTERS), 24, 30.0
D = CONTEXT
TOKEN, PLACE, BEFORE, NEXT = 0, V, V + CONTEXT, 2 * V + CONTEXT
"""Where in the stream the token is, its position, the token before it, and what is predicted."""


def built(layers: int = 2) -> GPTModel:
    """A model as it begins its training."""
    settings = {
        "layers": layers, "heads": 2, "d_model": 3 * V + CONTEXT, "d_head": D, "context": CONTEXT, "positions": "learned",
        "qk_norm": False, "activation": "relu", "tied": False, "norm": "rmsnorm", "d_ff": 8,
    }  # fmt: skip
    none = np.empty(0, np.uint16)
    return GPTModel(GPTConfig.parse(settings), TextData(CharTokenizer.of(LETTERS), none, none, 0, "", ""), "cpu", 0)


@torch.no_grad()
def made_by_hand() -> GPTModel:
    """Head 1.1 attends to the token before and notes which it was; head 2.2 attends to the place before which stood the token
    that it reads now, and predicts what it finds there (Elhage et al. 2021). The other heads look everywhere alike."""
    gpt = built()
    model = gpt.transformer
    for weights in model.parameters():
        if weights.dim() > 1:
            weights.zero_()
    eye = torch.eye(V)
    model.tokens.weight[:, TOKEN : TOKEN + V] = eye
    assert model.positions is not None
    model.positions.weight[:, PLACE : PLACE + CONTEXT] = torch.eye(CONTEXT)
    first, second = (block.attention for block in model.typed_blocks())
    query, key, value = first.qkv.weight.view(3, 2, D, -1)[:, 0]
    query[: CONTEXT - 1, PLACE + 1 : PLACE + CONTEXT] = SURE * torch.eye(CONTEXT - 1)
    key[:CONTEXT, PLACE : PLACE + CONTEXT] = torch.eye(CONTEXT)
    value[:V, TOKEN : TOKEN + V] = eye
    first.out.weight[BEFORE : BEFORE + V, :V] = eye
    query, key, value = second.qkv.weight.view(3, 2, D, -1)[:, 1]
    query[:V, TOKEN : TOKEN + V] = SURE * eye
    key[:V, BEFORE : BEFORE + V] = eye
    key[:V, PLACE] = -1.0  # nothing stands before the first token
    value[:V, TOKEN : TOKEN + V] = eye
    second.out.weight[NEXT : NEXT + V, D : D + V] = eye
    model.head.weight[:, NEXT : NEXT + V] = SURE * eye
    return gpt


@pytest.fixture
def probed(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    models, engines = Models(), []
    monkeypatch.setattr("genstudio.tasks.models.Models", lambda: models)

    def show(model: GPTModel) -> InductionPage:
        models.training[str(Path("here").resolve())] = Opened(model, 7, "made by hand", "gpt", live=True)
        engines.append(Engine())
        page = InductionPage(engines[-1])
        qtbot.addWidget(page)
        page.resize(600, 640)
        page.show()
        page.look_at(ModelRef("here", "live"), ())
        qtbot.waitUntil(lambda: page.scores.snapshot is not None and not page._jobs, timeout=LONG)
        return page

    yield show
    for engine in engines:
        engine.close()


def test_a_model_that_copies_by_construction_is_found(probed: Any, qtbot: Any) -> None:
    page = probed(made_by_hand())
    found = page.scores.snapshot
    assert found.scores[1, 1] == pytest.approx(1, abs=1e-3) and found.scores[0, 0] == pytest.approx(0, abs=1e-3)
    assert found.scores[[0, 1], [1, 0]] == pytest.approx(found.even, abs=1e-6), "they look everywhere alike"
    assert "1.00" in painted(page.scores) and page.scores.accessibleDescription().endswith("layer 2 head 2")
    assert page.summary.text().startswith("Induction heads: 2.2.") and page.train.isHidden()
    _, first, again, change = numbers(page.summary.text().partition("heads: 2.2.")[2])[:4]
    assert found.period == CONTEXT // 2
    page.period.set_value(5)
    page.period.changed.emit(5)
    qtbot.waitUntil(lambda: page.scores.snapshot.period == 5, timeout=LONG)
    assert page.scores.snapshot.scores[1, 1] == pytest.approx(1, abs=1e-3)
    assert float(again) < 0.01 < 1 < float(first) and float(change) == pytest.approx(float(again) - float(first), abs=0.011)


@pytest.mark.parametrize("without", ["the first layer", "the key of what stood before", "the mask of its place"])
def test_without_one_of_its_parts_it_is_not(without: str, probed: Any) -> None:
    built = made_by_hand()
    first, second = (block.attention for block in built.transformer.typed_blocks())
    with torch.no_grad():
        if without == "the first layer":
            first.out.weight.zero_()
        elif without == "the key of what stood before":
            second.qkv.weight.view(3, 2, D, -1)[1, 1, :V, BEFORE : BEFORE + V] = 0
        else:
            first.qkv.weight.view(3, 2, D, -1)[0, 0] = 0
    page = probed(built)
    assert page.scores.snapshot.scores[1, 1] < 0.3
    assert page.summary.text().startswith("This model has no induction head: no score reaches 0.4.")
    assert not page.train.isHidden()


@pytest.mark.parametrize("layers", [1, 2])
def test_an_untrained_model_looks_everywhere_alike_and_copying_is_offered(layers: int, probed: Any, qtbot: Any) -> None:
    page = probed(built(layers))
    found = page.scores.snapshot
    assert found.even == pytest.approx(np.mean([1 / (query + 1) for query in range(12, 24)]))
    assert found.scores == pytest.approx(np.full((layers, 2), found.even), abs=0.01)
    assert page.summary.text().startswith("This model has no induction head")
    with qtbot.waitSignal(page.train_wanted) as wanted:
        page.train.click()
    assert wanted.args == ["copy", "gpt"]
