"""A GPT that is open in the engine, as if it were in training, without any training."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genstudio.data.learnable.tokens import TextData
from genstudio.data.tokenizers import CharTokenizer
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.model import GPTModel
from genstudio.tasks.models import ModelRef, Models, Opened
from helpers import TINY, words


def opened(**changes: Any) -> tuple[Models, ModelRef, GPTModel]:
    """A model with weights of a size that makes every stage differ from the others."""
    text = words()
    tokenizer = CharTokenizer.of(text)
    ids = tokenizer.encode(text).astype(np.uint16)
    data = TextData(tokenizer, ids[:-500], ids[-500:], 499, "words", hashlib.sha256(text.encode()).hexdigest())
    gpt = GPTModel(GPTConfig.parse(TINY | {"context": 12} | changes), data, "cpu", 3)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in gpt.transformer.parameters():
            drawn = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(drawn * 0.3 if parameter.ndim > 1 else 1 + 0.3 * drawn)
    models = Models()
    models.training[str(Path("live").resolve())] = Opened(gpt, 7, "tiny", "gpt", live=True)
    return models, ModelRef("live", "live"), gpt
