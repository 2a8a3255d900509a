"""The pages of a model that reads from both sides: their numbers are those of the network, and a click changes the text."""

from __future__ import annotations

from typing import Any

import family_cases
import numpy as np
import pytest
import torch
from looked import page_of, settle
from pytestqt.qtbot import QtBot

from genstudio.families.abilities import FillsIn, Follows
from genstudio.inspection.ablation import Ablation
from genstudio.tasks.ablate import random_texts
from genstudio.tasks.document import MarkTokens
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.train import Train
from genstudio.ui.engine import Engine
from helpers import LONG, answer, result, run_task, text_file

TEXT = "the c[MASK]t sat on a m[MASK]t"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run of a BERT of letters."""
    home = tmp_path_factory.mktemp("gaps")
    values = {**family_cases.SMALL["bert"][0], "tokenizer": "char", "context": 32}
    return str(answer(run_task(Train("bert", str(text_file(home)), values, steps=30, runs_folder=home)), "run"))


def by_hand(run: str, text: str) -> tuple[Any, np.ndarray, np.ndarray]:
    """The tokenizer, the ids (T,) of a text behind its beginning marker, and what the network expects at each (T, V)."""
    model = Models().open(ModelRef(run), FillsIn).model
    tokenizer = model.tokenizer
    ids = np.concatenate([[tokenizer.begin], tokenizer.encode_lossy(text)[0]])
    with torch.no_grad():
        logits = model.transformer(torch.from_numpy(ids.astype(np.int64))[None])[0]  # type: ignore[attr-defined]
    return tokenizer, ids, logits[:, : tokenizer.base.size].double().softmax(-1).numpy()  # markers fit into no gap


def test_what_fits_into_each_gap_is_what_the_network_expects(run: str, engine: Engine, qtbot: QtBot) -> None:
    page = page_of(engine, qtbot, "Fill the gap", run, TEXT)
    tokenizer, ids, chances = by_hand(run, TEXT)
    gaps = np.flatnonzero(ids == tokenizer.mask)
    assert page.gap.count() == len(gaps) == 2
    for number, place in enumerate(gaps.tolist()):
        page.gap.setCurrentIndex(number)
        page.gap.activated.emit(number)
        settle(qtbot, page)
        rows = list(page.bars.table()[1])
        assert len(rows) == 10 and page.position() == place
        shares = [share for _, _, share in rows]
        assert shares == sorted(shares, reverse=True)
        assert [chances[place, token] for token, _, _ in rows] == pytest.approx(shares, abs=1e-5)
        assert all(page.bars.bars[i].parts[0][2] == f"{shares[i]:.1%}" for i in range(10))
    first = int(next(iter(page.bars.table()[1]))[0])
    with qtbot.waitSignal(page.text_wanted, timeout=LONG) as caught:
        page.bars.chosen.emit(first)
    assert caught.args == [f"the c[MASK]t sat on a m{tokenizer.decode([first])}t"]
    with qtbot.waitSignal(page.text_wanted, timeout=LONG) as caught:
        page.strip.twice.emit(1)
    assert caught.args == ["[MASK]he c[MASK]t sat on a m[MASK]t"]


def test_the_places_of_a_word_are_those_of_the_text_and_the_dataset(run: str, engine: Engine, qtbot: QtBot) -> None:
    page = page_of(engine, qtbot, "One word", run, "a cat is a cat")
    assert "'love' is neither in the text nor in the dataset" in page.status.text()  # at the word, and no message
    page.word.setText("cat")
    page.word.editingFinished.emit()
    settle(qtbot, page)
    found = page._found
    assert found is not None and found.mine == 2
    assert all("[cat]" in name.lower() for name in found.map.names)
    assert page.status.text().startswith(f"{len(found.map.names):,} of {found.map.total:,} sentences, 2 of them")
    cosines = [float(page.near.item(row).text().split()[0]) for row in range(page.near.count())]
    assert cosines[0] == 1.0 and cosines == sorted(cosines, reverse=True)
    assert page.layer.high == page.layer.value() == found.map.layers == found.map.layer
    page.layer.set_value(0)
    page._ask()
    settle(qtbot, page)
    assert "layer 0 of" in page.status.text()


def test_whether_a_sentence_follows_is_what_the_network_says(engine: Engine, qtbot: QtBot) -> None:
    values = {**family_cases.SMALL["bert"][0], "tokenizer": "char", "context": 32, "nsp": True}
    run = str(answer(run_task(Train("bert", "shakespeare", values, steps=2)), "run"))
    page = page_of(engine, qtbot, "Next sentence", run, "")
    first, seconds = page.first.toPlainText().strip(), page.candidates()
    assert first and len(seconds) == 4  # an example of the dataset, with what follows it among the candidates
    assert sum("✓" in bar.name for bar in page.bars.bars) == 1
    page.first.setPlainText("a cat")
    page.seconds.setPlainText("on a mat\n\nin a hat")
    settle(qtbot, page)
    model = Models().open(ModelRef(run), Follows).model
    base, shown = model.tokenizer.base, [row[1] for row in page.bars.table()[1]]
    for text, share in zip(("on a mat", "in a hat"), shown, strict=True):
        parts = [[base.size + 1], base.encode("a cat"), [base.size + 2], base.encode(text), [base.size + 2]]
        with torch.no_grad():
            hidden = model.transformer.read(torch.from_numpy(np.concatenate(parts).astype(np.int64))[None])
            expected = float(model.modules["next_sentence"](hidden)[0].softmax(-1)[1])
        assert share == pytest.approx(expected, abs=1e-5)
    page.swap.click()
    assert page.first.toPlainText() == "on a mat" and page.candidates() == ("a cat", "in a hat")
    page.seconds.setPlainText("€")
    settle(qtbot, page)
    assert "None of '€' is in this model's vocabulary" in page.outcome.text() and not page.bars.bars


def test_a_model_that_names_no_classes_says_so_on_its_page(run: str, engine: Engine, qtbot: QtBot) -> None:
    page = page_of(engine, qtbot, "Classify", run, "a cat")
    assert "was not trained to name classes. Fine-tune it on labelled texts" in page.outcome.text() and not page.bars.bars


def test_the_lens_of_a_gap_ends_with_what_is_filled_in_and_saliency_hides_tokens(
    run: str, engine: Engine, qtbot: QtBot
) -> None:
    tokenizer, ids, chances = by_hand(run, TEXT)
    place = int(np.flatnonzero(ids == tokenizer.mask)[0])
    page = page_of(engine, qtbot, "Logit lens", run, TEXT)
    page.view.choose(page.view.shape[0] - 1, place)
    assert page.summary.text() == "This is a gap, so there is nothing to compare with."
    top = page.view.at(page.view.shape[0] - 1, place).likely[0][0]
    assert tokenizer.pieces([int(chances[place].argmax())])[0] == top
    page.view.choose(0, place - 1)
    assert "actually stands here" in page.summary.text() and f"at '{tokenizer.pieces(ids)[place - 1]}'" in page.top.note

    page = page_of(engine, qtbot, "Saliency", run, TEXT)
    found = page._shown
    assert found.both and found.position == place and len(found.score) == len(ids) and page.next.text() == "The first gap"
    model = Models().open(ModelRef(run), FillsIn).model
    hidden = ids.copy()
    hidden[place + 1] = tokenizer.mask
    logits = _logits(model, hidden)[place]
    fall = found.logprob - float(logits[found.target] - np.log(np.exp(logits).sum()))
    assert found.score[place + 1] == pytest.approx(fall, abs=1e-4) and found.score[place] == 0.0
    page.method.setCurrentIndex(1)
    settle(qtbot, page)
    assert page._shown.method == "gradient" and page._shown.position == place and np.isfinite(page._shown.score).all()
    failures: list[Any] = []
    page.failed.connect(failures.append)
    page.look_at(ModelRef(run), ("a cat",))  # nobody asked, so no message covers the page
    settle(qtbot, page)
    assert page.summary.text() == "There is no gap in the text. Write [MASK] in it, or click a token." and not failures
    assert page._shown is None and not page.strip.tokens


def test_knock_out_hides_each_token_in_turn_and_fills_the_gaps_with_and_without_a_head(
    run: str, engine: Engine, qtbot: QtBot
) -> None:
    tokenizer, ids, chances = by_hand(run, TEXT)
    page = page_of(engine, qtbot, "Knock out", run, TEXT)
    gaps = np.flatnonzero(ids == tokenizer.mask)
    page.show_switches(Ablation(heads=frozenset({(0, 1)})))
    settle(qtbot, page)
    found = page._shown
    assert found.gap == gaps[0] and not page.causal.isVisible()
    np.testing.assert_allclose(found.chances[0][: tokenizer.base.size], chances[gaps[0]], atol=1e-5)
    filled = ids.copy()
    filled[gaps] = chances[gaps].argmax(-1)
    assert found.written[0] == tokenizer.decode(filled).strip()
    model = Models().open(ModelRef(run), FillsIn).model
    hidden = ids.copy()
    hidden[3] = tokenizer.mask
    nats = _logits(model, hidden)[3, : tokenizer.base.size]
    nats = np.log(np.exp(nats).sum()) - nats[ids[3]]
    assert found.losses[0][2] == pytest.approx(nats, abs=1e-4) and np.isnan(found.losses[0][gaps - 1]).all()
    assert np.isfinite(np.delete(found.losses[1], gaps - 1)).all()
    assert np.abs(found.losses[0][2] - found.losses[1][2]) > 1e-6
    attention = model.transformer.blocks[0].attention  # type: ignore[attr-defined]
    size = attention.d_head
    with torch.no_grad():
        attention.out.weight[:, size : 2 * size] = 0.0
    nats = _logits(model, hidden)[3, : tokenizer.base.size]
    assert found.losses[1][2] == pytest.approx(np.log(np.exp(nats).sum()) - nats[ids[3]], abs=1e-4)
    assert "each hidden in turn" in page.loss.text() and "gaps filled" in page._titles[0].text()


def test_the_document_is_marked_in_the_tokens_of_a_model_that_fills_gaps(run: str) -> None:
    tokenizer, ids, _ = by_hand(run, TEXT)
    marks = result(MarkTokens(ModelRef(run), (TEXT + "€",)))
    assert marks.unknown.tolist() == [len(TEXT)] and not marks.replaced_by, "the brackets of [MASK] are no unknown letters"
    assert marks.ids.tolist() == ids[1:].tolist() and marks.count == len(ids) - 1 and marks.context == 32
    assert TEXT[marks.starts[5] :].startswith("[MASK]") and marks.names[tokenizer.mask] == "[MASK]"


def test_the_probe_hides_tokens_of_a_repetition(run: str, engine: Engine, qtbot: QtBot) -> None:
    page = page_of(engine, qtbot, "Induction", run, TEXT)
    model = Models().open(ModelRef(run), FillsIn).model
    tokenizer = model.tokenizer
    shown = page.scores.snapshot
    drawn, begin = random_texts(tokenizer, model.context, 64, shown.texts, 0, tokenizer.base.size)
    n = shown.period
    assert begin == 1 and drawn.max() < tokenizer.size and (drawn[:, 1:] < tokenizer.base.size).all()
    scores, last = np.zeros(shown.scores.shape), 0.0
    for ids in drawn:
        for first in range(8):
            places, hidden = 1 + n + np.arange(first, n, 8), ids.copy()
            hidden[places] = tokenizer.mask
            weights = model.transformer.attention(torch.from_numpy(hidden.astype(np.int64)))  # type: ignore[attr-defined]
            scores += weights[:, :, places, places - n].sum(-1).detach().numpy()
            if places[-1] == 2 * n:
                row = _logits(model, hidden)[-1, : tokenizer.base.size]
                last += np.log(np.exp(row).sum()) - row[ids[-1]]
    np.testing.assert_allclose(shown.scores, scores / (n * len(drawn)), atol=1e-5)
    assert shown.losses[-1] == pytest.approx(last / len(drawn), abs=1e-4)


def _logits(model: Any, ids: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return np.asarray(model.transformer(torch.from_numpy(ids.astype(np.int64))[None])[0].double())
