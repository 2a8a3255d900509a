"""How long each task of the inside views keeps the engine's thread, for a model of GPT-2's shape.

Seconds of this thread alone, with one thread for torch: they hold on a busy machine too. Opening is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bench_attention import model_of

from genstudio.nn.layout import lay_out_for_writing
from genstudio.tasks.ablate import Ablate
from genstudio.tasks.anatomy import Dissect
from genstudio.tasks.embedding import MapVectors
from genstudio.tasks.inside import LookAtAttention, LookAtMap, Which
from genstudio.tasks.layers import LookAtLayers
from genstudio.tasks.lens import Explain, LookThroughLens
from genstudio.tasks.models import ModelRef, Models, Opened

REF = ModelRef("bench", "live")
LONGEST = 0.1


@pytest.fixture(scope="module")
def opened() -> Iterator[Opened]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    opened = model_of(12, 768, 12, 1024)
    lay_out_for_writing(opened.model.transformer)
    yield opened
    torch.set_num_threads(before)


def slices(task: Any, opened: Opened) -> list[tuple[float, str]]:
    """Seconds between two frames, the longest first, and what the later one said."""
    models, found = Models(), []
    models.training[str(Path("bench").resolve())] = opened
    began = time.thread_time()
    for frame in task.run(models):
        found.append((time.thread_time() - began, frame.progress.text if frame.progress else ""))
        began = time.thread_time()
    return sorted(found, reverse=True)


TASKS = {
    "attention": lambda text: LookAtAttention(REF, text),
    "map": lambda text: LookAtMap(REF, text, Which(1, 1)),
    "mean": lambda text: LookAtMap(REF, text, Which()),
    "rollout": lambda text: LookAtMap(REF, text, Which(rollout=True)),
    "lens": lambda text: LookThroughLens(REF, text),
    "saliency": lambda text: Explain(REF, text),
    "knock-out": lambda text: Ablate(REF, text, length=8),
    "anatomy": lambda text: Dissect(REF, text),
    "hidden states": lambda text: MapVectors(REF, text, space="hidden", layer=6),
    "layers": lambda text: LookAtLayers(REF, text),
}


@pytest.mark.bench
@pytest.mark.timeout(900)
@pytest.mark.parametrize("tokens", [200, 1024])
@pytest.mark.parametrize("name", TASKS)
def test_no_task_keeps_the_engine_for_long(name: str, tokens: int, opened: Opened) -> None:
    text = ("".join(chr(65 + i % 64) for i in np.random.default_rng(0).integers(0, 64, tokens)),)
    found = slices(TASKS[name](text), opened)
    total = sum(seconds for seconds, _ in found)
    longest = ", ".join(f"{1e3 * seconds:.0f} ms '{said}'" for seconds, said in found[:3])
    print(f"{name}, {tokens} tokens: {len(found)} slices, {total:.2f} s; {longest}")
    assert found[0][0] <= LONGEST
