"""Word vectors for other programs: the text format of word2vec, which gensim and others load, or safetensors."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping

import numpy as np

from genstudio.errors import DataError
from genstudio.families.word2vec.model import Word2VecModel
from genstudio.training import checkpoint, tensors


def exported(model: Word2VecModel, form: str, step: int) -> Mapping[str, bytes]:
    """Files by name. `safetensors`: model.safetensors with both tables, config.json, tokenizer.json and the vectors of all words
    in vectors.txt, as the program word2vec writes them: a line with their number and size, then a word and its numbers a line.

    Raises DataError for any other form.
    """
    if form != "safetensors":
        raise DataError("Only a GPT becomes a GPT-2 style folder.", "Export this model as safetensors; its words go with it.")
    said = {"family": "word2vec", "config": model.config.model_dump(), "step": step}
    return {
        "config.json": json.dumps(said, indent=1).encode(),
        "model.safetensors": tensors.dump(checkpoint.weights_of(model.modules)),
        "tokenizer.json": json.dumps(model.tokenizer.to_json()).encode(),
        "vectors.txt": vectors_text(*model.embeddings()).encode("utf-8"),
    }


def vectors_text(words: tuple[str, ...], vectors: np.ndarray) -> str:
    """Words and their vectors (n, d) as lines. White space within a name, which would end it, is written as its sign."""
    out = io.StringIO()
    out.write(f"{len(words)} {vectors.shape[1]}\n")
    for word, vector in zip(words, vectors.tolist(), strict=True):
        out.write(f"{word} {' '.join(f'{value:.9g}' for value in vector)}\n")
    return out.getvalue()
