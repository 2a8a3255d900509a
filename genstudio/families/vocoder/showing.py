"""What is heard and seen of a vocoder: held-out clips as they are, by Griffin-Lim, and by the generator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from genstudio.data.audio.samples import to_int16, to_mu_law
from genstudio.events import Snapshot
from genstudio.families.vocoder.data import tested
from genstudio.nn import spectrogram
from genstudio.snapshots.sound import Sound, Track
from genstudio.training.learner import Tick

if TYPE_CHECKING:
    from genstudio.families.vocoder.model import VocoderModel

CLIPS, SECONDS = 3, 2.5
KNOWN, MADE = "known", "vocoded"
"""The channels of what stays the same, written once, and of what the generator makes."""


class Viewer:
    """Makes snapshots of a model at bounded cost: the first seconds of a few held-out clips."""

    def __init__(self, model: VocoderModel) -> None:
        self.model = model
        self.edges = spectrogram.mel_edges(model.data.rate, model.config.bands)
        self.chosen = tested(model.data, CLIPS).tolist()
        most = max(int(SECONDS * model.data.rate) // model.config.hop, 1) * model.config.hop
        self.waves = [model.wave_of(index)[:most] for index in self.chosen]
        self.mels = [model.mels(wave) for wave in self.waves]

    def opening(self, step: int) -> Iterator[Snapshot | Tick]:
        """The clips as they are, and what Griffin-Lim makes of their mels."""
        tracks: list[Track] = []
        for place, wave in enumerate(self.waves):
            tracks += [self._track(place, "real", wave), self._track(place, "Griffin-Lim", self._griffin_lim(place))]
            yield Tick()
        yield self._sound(KNOWN, step, tracks)

    def preview(self, step: int) -> Iterator[Snapshot | Tick]:
        """What the generator makes of the same mels."""
        made = [self._track(place, "generator", self.model.made(mels)) for place, mels in enumerate(self.mels)]
        yield self._sound(MADE, step, made)

    def _griffin_lim(self, place: int) -> Tensor:
        return self.model.griffin_lim(self.mels[place])

    def _sound(self, channel: str, step: int, tracks: list[Track]) -> Sound:
        return Sound(channel, step, tuple(tracks), self.model.data.rate, self.model.config.hop, self.edges.copy())

    @torch.no_grad()
    def _track(self, place: int, version: str, wave: Tensor) -> Track:
        data, index = self.model.data, self.chosen[place]
        words = data.written[index] if index < len(data.written) else ""
        codes = to_mu_law(to_int16(wave.cpu().numpy()))
        return Track(f"clip {index + 1}", version, codes, self.model.mels(wave).cpu().numpy(), transcript=words)

