"""A small text, prepared as a run would see it."""

import hashlib

import numpy as np
import pytest

from genstudio.data.text import TextData
from genstudio.data.tokenizers import CharTokenizer


@pytest.fixture(scope="session")
def text_data() -> TextData:
    """4,500 training and 431 validation characters of made-up words, 12 different ones."""
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghij"), rng.integers(2, 7))) for _ in range(40)]
    text = ""
    while len(text) < 4931:
        text += words[int(rng.integers(40) * rng.random())] + (" " if rng.random() < 0.9 else "\n")
    text = text[:4931]
    tokenizer = CharTokenizer.of(text)
    ids = tokenizer.encode(text).astype(np.uint16)
    return TextData(tokenizer, ids[:4500], ids[4500:], 430, "words", hashlib.sha256(text.encode()).hexdigest())
