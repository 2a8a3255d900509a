"""Neighbours, analogies and similarities of a model whose vectors are set by hand; its pages; its vectors as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from opened import opened

from genstudio.data.datasets import TextDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.tokenizers import WordTokenizer
from genstudio.data.work import finished
from genstudio.errors import ConfigError, DataError, Failure, RunError
from genstudio.families import get
from genstudio.families.word2vec.config import Word2VecConfig
from genstudio.families.word2vec.data import Stretch, WordData
from genstudio.families.word2vec.model import Word2VecModel
from genstudio.tasks.embedding import FindNear, MapVectors
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.words import CompareWords, FindNeighbours, SolveAnalogy, UsualWords
from genstudio.ui.engine import Engine
from genstudio.ui.playground.words_page import SimilarityPage, WordMapPage
from helpers import LONG, TINY, result

WORDS = ("man", "woman", "king", "queen", "apple", "unused")
VECTORS = ((1, 0, 0), (1, 1, 0), (1, 0, 1), (1, 1, 1), (-1, 0.1, 0), (9, 9, 9))


def words_model() -> tuple[Models, ModelRef, Word2VecModel]:
    """`unused` does not occur in the text, so it has no vector, as `<unk>` has none."""
    counts, nothing = np.array([7, 50, 40, 30, 20, 10, 0]), Stretch(np.empty(0, np.int32), np.empty(0, np.int32))
    data = WordData(WordTokenizer(WORDS), counts * [0, 1, 1, 1, 1, 1, 1], nothing, nothing, (), "", "")
    model = Word2VecModel(Word2VecConfig(dimension=8), data, "cpu", 0)
    with torch.no_grad():
        model.table.words.zero_()
        model.table.words[1:, :3] = torch.tensor(VECTORS)
    models = Models()
    models.training[str(Path("live").resolve())] = Opened(model, 7, "tiny words", "word2vec", live=True)
    return models, ModelRef("live", "live"), model


def test_neighbours_are_those_of_largest_cosine_and_an_analogy_leaves_its_corners_out() -> None:
    models, ref, _ = words_model()
    near = result(FindNeighbours(ref, "King", 10), models)
    cosine = {other: np.dot(VECTORS[2], VECTORS[WORDS.index(other)]) / np.sqrt(2) / np.linalg.norm(VECTORS[WORDS.index(other)])
              for other in ("man", "woman", "queen", "apple")}  # fmt: skip
    assert near.question == ("king",) and [word for word, _ in near.found] == sorted(cosine, key=lambda w: -cosine[w])
    assert dict(near.found) == pytest.approx(cosine, abs=1e-6)
    answer = result(SolveAnalogy(ref, "king", "man", "woman"), models)
    man, woman, king, queen = (np.array(VECTORS[n]) / np.linalg.norm(VECTORS[n]) for n in range(4))
    wanted = (king - man + woman) @ queen / np.linalg.norm(king - man + woman)
    assert answer.found[0] == ("queen", pytest.approx(wanted))
    assert {word for word, _ in answer.found} == {"queen", "apple"} and answer.step == 7


def test_an_unknown_word_is_refused_with_those_that_look_like_it() -> None:
    models, ref, _ = words_model()
    with pytest.raises(DataError, match=r"'quen' is not among the 5 words of this model.*queen"):
        result(FindNeighbours(ref, "quen"), models)
    with pytest.raises(DataError, match=r"'zzzz'.*most frequent are: man, woman"):
        result(SolveAnalogy(ref, "king", "zzzz", "man"), models)
    with pytest.raises(DataError):
        result(FindNeighbours(ref, "unused"), models)
    with pytest.raises(DataError):
        result(CompareWords(ref, ("nothing", "known")), models)


def test_similarities_are_cosines_and_name_what_is_unknown() -> None:
    models, ref, _ = words_model()
    found = result(CompareWords(ref, ("king", "apple", "king", "pear")), models)
    assert found.words == ("king", "apple") and found.unknown == ("pear",)
    assert found.cosines[0, 1] == pytest.approx(-1 / np.sqrt(2) / np.sqrt(1.01)) and found.cosines[0, 0] == pytest.approx(1)
    assert result(UsualWords(ref, 3), models) == WORDS[:3]


def test_a_model_without_vectors_of_words_is_refused_and_a_map_holds_every_word() -> None:
    with pytest.raises(RunError, match="cannot represent words as vectors; it can"):
        result(FindNeighbours(opened()[1], "the"), opened()[0])
    models, ref, _ = words_model()
    shown = result(MapVectors(ref, (), "words"), models)
    assert shown.names == WORDS[:5] and shown.points.shape == (5, 2) and not shown.note
    assert result(MapVectors(ref, (), "words", most=3), models).note == "the 3 most frequent of 5 words"
    assert result(FindNear(ref, (), 2, "words"), models).found[0][1] == "queen"


def read_text_format(text: str) -> dict[str, np.ndarray]:
    """The text format of word2vec, read as gensim's `KeyedVectors.load_word2vec_format` does: a header with two numbers, then
    lines that are split at spaces into a word and exactly so many numbers."""
    header, *lines = text.rstrip("\n").split("\n")
    count, size = map(int, header.split())
    found = {}
    for line in lines:
        word, *numbers = line.rstrip().split(" ")
        assert len(numbers) == size
        found[word] = np.array(numbers, np.float32)
    assert len(found) == count == len(lines)
    return found


def test_exported_vectors_read_back_to_the_last_bit() -> None:
    _, _, model = words_model()
    with torch.no_grad():
        model.table.words.normal_()
    export = get("word2vec").export
    assert export is not None
    files = export(model, "safetensors", 7)
    back = read_text_format(files["vectors.txt"].decode())
    words, vectors = model.embeddings()
    assert tuple(back) == words and all(np.array_equal(back[word], vector) for word, vector in zip(words, vectors, strict=True))
    with pytest.raises(DataError):
        export(model, "hf", 7)


@pytest.fixture
def engine(qtbot: Any) -> Any:
    engine = Engine()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run with the vectors set by hand."""
    from genstudio import runs
    from genstudio.families.word2vec import FAMILY
    from genstudio.training import checkpoint

    _, _, model = words_model()
    with runs.create(
        tmp_path_factory.mktemp("words"), family="word2vec", name="by hand", config=model.config.model_dump(),
        dataset={"id": "", "title": "none", "hash": ""}, seed=0, device="cpu", plan={"steps": 1},
        kept=FAMILY.metadata(model.data),
    ) as made:  # fmt: skip
        checkpoint.save(made, 0, FAMILY.learner(model, 0), {"elapsed": 0.0})
        return str(made.folder)


def shown(qtbot: Any, page: Any, run: str) -> list[Failure]:
    failures: list[Failure] = []
    page.failed.connect(failures.append)
    qtbot.addWidget(page)
    page.resize(900, 600)
    page.show()
    page.look_at(ModelRef(run), ())
    rest(qtbot, page)
    return failures


def rest(qtbot: Any, page: Any) -> None:
    qtbot.waitUntil(lambda: not page._jobs, timeout=LONG)


def test_the_map_answers_an_analogy_with_arrows_and_a_typed_word_with_its_neighbours(engine: Any, qtbot: Any, run: str) -> None:
    page = WordMapPage(engine)
    failures = shown(qtbot, page, run)
    page.go.click()
    rest(qtbot, page)
    place = {word: number for number, word in enumerate(page.view.snapshot.names)}
    assert page.view.arrows == ((place["man"], place["king"]), (place["woman"], place["queen"]))
    assert page.near.item(0).text().endswith("queen") and page.view.chosen == place["queen"]
    page.search.setText("king")
    page.search.returnPressed.emit()
    rest(qtbot, page)
    assert page.near.item(0).text().endswith("queen") and page.view.arrows == () and page.view.chosen == place["king"]
    page.near.itemActivated.emit(page.near.item(3))
    rest(qtbot, page)
    assert page.near_title.text() == "Nearest to 'apple', by cosine" and not failures
    page.search.setText("quen")
    page.search.returnPressed.emit()
    rest(qtbot, page)
    assert "'quen' is not among the 5 words" in failures[0].message and "queen" in failures[0].hint


def test_the_matrix_shows_the_most_frequent_words_until_others_are_typed(engine: Any, qtbot: Any, run: str) -> None:
    page = SimilarityPage(engine)
    failures = shown(qtbot, page, run)
    assert page.view.matrix.rows == WORDS[:5]
    page.words.setText("queen, apple pear")
    page.words.returnPressed.emit()
    rest(qtbot, page)
    assert page.view.matrix.rows == ("queen", "apple") and "Not among the words of this model: pear." in page.note.text()
    assert not failures


def test_a_gpt_begins_with_the_vectors_of_the_words_that_it_shares(run: str, tmp_path: Path) -> None:
    """Of the same size as its own, in the same directions; tokens without a vector, and all else, are as without."""
    text = TextDataset(
        DatasetInfo("mine", "Mine", "text", "imported", tmp_path, 9, "0" * 64), "king Queen man woman apple king queen.\n" * 40
    )
    family, values = get("gpt"), {**TINY, "tokenizer": "word", "min_count": 1, "d_model": 16, "heads": 1}

    def model(**more: Any) -> Any:
        config = family.config.parse({**values, **more})
        return family.model(config, finished(family.prepare(config, text)), "cpu", 0)

    with pytest.raises(ConfigError, match="vectors of 'by hand' have 8 numbers, and d_model is 16"):
        next(family.prepare(family.config.parse({**values, "start_embeddings": run}), text))  # before the text is encoded
    with pytest.raises(ConfigError):
        model(start_embeddings="nowhere")
    values |= {"d_model": 8, "positions": "none"}
    plain, begun = model(), model(start_embeddings=run)
    before, after = (one.transformer.tokens.weight.detach() for one in (plain, begun))
    named = {begun.tokenizer.decode([n]).strip().lower(): n for n in range(begun.tokenizer.size)}
    for word, vector in zip(WORDS[:5], VECTORS, strict=False):
        assert torch.nn.functional.cosine_similarity(after[named[word]][:3], torch.tensor(vector), dim=0) > 0.9999
    same = (before == after).all(1)
    assert not same[named["king"]] and same[named["."]] and same[0]
    shared = ~same
    assert float(after[shared].std()) == pytest.approx(float(before[shared].std()), rel=1e-3)
    others = {name: tensor for name, tensor in begun.transformer.state_dict().items() if name != "tokens.weight"}
    assert all(torch.equal(tensor, plain.transformer.state_dict()[name]) for name, tensor in others.items())
    with pytest.raises(ConfigError, match=r"of the .* tokens have a vector"):
        model(start_embeddings=run, tokenizer="char")


def test_a_bert_begins_with_the_same_vectors_and_not_with_those_of_two_runs(run: str, tmp_path: Path) -> None:
    text = TextDataset(
        DatasetInfo("mine", "Mine", "text", "imported", tmp_path, 9, "0" * 64), "king Queen man woman apple king queen.\n" * 40
    )
    family, values = get("bert"), {**TINY, "min_count": 1, "d_model": 8, "heads": 1, "positions": "none"}

    def table(**more: Any) -> Any:
        config = family.config.parse({**values, **more})
        made = family.model(config, finished(family.prepare(config, text)), "cpu", 0)
        return made, made.transformer.tokens.weight.detach()  # type: ignore[attr-defined]

    with pytest.raises(ConfigError, match="have 8 numbers, and d_model is 16"):
        next(family.prepare(family.config.parse({**values, "d_model": 16, "start_embeddings": run}), text))
    (_, before), (begun, after) = table(), table(start_embeddings=run)
    named = {begun.tokenizer.base.decode([n]).strip().lower(): n for n in range(begun.tokenizer.base.size)}
    for word, vector in zip(WORDS[:5], VECTORS, strict=False):
        assert torch.nn.functional.cosine_similarity(after[named[word]][:3], torch.tensor(vector), dim=0) > 0.9999
    assert torch.equal(before[begun.tokenizer.base.size :], after[begun.tokenizer.base.size :])  # [CLS] and its like
    with pytest.raises(ConfigError, match="has embeddings of its own"):
        table(start_embeddings=run, start="another")
