"""A picture and a text read together: which patches a word looks at, and what fits where either is masked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genstudio.data.learnable.captions import knows
from genstudio.errors import DataError
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import Grounds
from genstudio.runs import Run
from genstudio.snapshots.grounding import WordLook
from genstudio.tasks.encode import decoded
from genstudio.tasks.illustrate import LONGEST
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.task import Frames, Quiet


@dataclass(frozen=True, slots=True, eq=False)
class Together(Frozen):
    """What a model makes of a `text` and a picture, `sample` (h, w, c) uint8, in squares of `patch` pixels, by `weights` of
    `step`. `caption` is that of the picture, empty where it has none; `title` says which picture it is; `unknown` what of the
    text the vocabulary lacks."""

    look: WordLook
    sample: Array
    text: str
    caption: str
    title: str
    patch: int
    step: int
    weights: str
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ReadTogether(Quiet):
    """Read a text, with [MASK] for what is to be filled in, together with a picture: that of a file, or held-out picture `number`
    of the data, whose caption is read where there is no `text`. Patches that are `hidden` are masked.

    Raises DataError for a file that is no picture, for a text that is too long or has nothing that the model knows, for none
    beside a file, and where no patch is left to be seen.
    """

    model: ModelRef
    text: str = ""
    path: str = ""
    number: int = 0
    hidden: tuple[int, ...] = ()

    def run(self, models: Models) -> Frames[Together]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Grounds)
        model, shape = opened.model, opened.model.data.shape
        rows, columns = model.grid
        caption = ""
        if self.path:
            path = Path(self.path)
            sample, title = (yield from decoded(path, (shape.width, shape.height), shape.channels)), path.name
        else:
            data = (yield from opened.with_data(Run.open(self.model.run))).data
            among = np.sort(np.concatenate([data.held, data.unseen])) if len(data.held) else data.train
            index = int(among[self.number % len(among)])
            sample, caption = data.real[index], data.captions[index]
            title = f"held-out picture {self.number % len(among) + 1:,} of {len(among):,}"
        text = self.text.strip() or caption
        if not text:
            raise DataError("There is no text to read with this picture.", "Type one, with [MASK] for a word to fill in.")
        if len(text) > LONGEST:
            raise DataError(f"The text has {len(text):,} characters, more than {LONGEST:,}.", "Type a shorter one.")
        ids, unknown = model.read_text(text)
        tokenizer = model.data.tokenizer
        plain = ids[ids < tokenizer.base.size]
        if not knows(tokenizer, plain) and len(plain) == len(ids):
            raise DataError(
                f"None of '{text[:40]}' is in this model's vocabulary.", "Use words of the captions that it was trained on."
            )
        hidden = np.isin(np.arange(rows * columns), self.hidden)
        if hidden.all():
            raise DataError("No patch is left to be seen.", "Show at least one of them.")
        look = model.look_together(sample, ids, hidden)
        return Together(look, sample, text, caption, title, shape.height // rows, opened.step, opened.words, unknown)
