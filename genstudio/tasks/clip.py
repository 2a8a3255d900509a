"""A clip of a dataset of sound, with its spectrograms."""

from __future__ import annotations

from dataclasses import dataclass

from genstudio.data import shelf
from genstudio.data.audio.measures import below_loudest, window_of
from genstudio.data.audio.samples import to_wave
from genstudio.errors import DataError
from genstudio.events import Frame, Progress, frozen
from genstudio.snapshots.sound import Clip
from genstudio.tasks.models import Models
from genstudio.tasks.task import Frames


@dataclass(frozen=True)
class LookAtClip:
    """The wave, spectrogram and mel spectrogram of one clip."""

    data: str
    index: int = 0

    def run(self, models: Models) -> Frames[Clip]:
        info = shelf.find_dataset(self.data)
        yield Frame(progress=Progress("Reading"))
        dataset = models.dataset(info)
        if info.kind != "audio":
            raise DataError(f"'{info.title}' contains no sound.", "Choose another dataset.", info.place)
        if not 0 <= self.index < len(dataset.lengths):
            raise DataError(f"'{info.title}' has no clip {self.index + 1:,}.", f"It has {len(dataset.lengths):,}.", info.place)
        return clip_of(dataset, self.index)


def clip_of(dataset: object, index: int) -> Clip:
    """What there is to see of a clip of an AudioDataset."""
    import torch

    from genstudio.data.datasets import AudioDataset
    from genstudio.nn import spectrogram

    assert isinstance(dataset, AudioDataset)
    samples, rate = dataset.clip(index), dataset.rate
    size = window_of(rate)
    hop, bands = size // 4, 40 if rate <= 8_000 else 80
    with torch.inference_mode():
        power = spectrogram.stft(torch.from_numpy(to_wave(samples)), size, hop).abs().square()
        filters = spectrogram.mel_filters(rate, size, bands, area=False)
        seen, mels = (below_loudest(part.numpy()) for part in (power, filters @ power))
    edges = spectrogram.mel_edges(rate, bands)
    segments = dataset.segments_of(index)
    return Clip(
        index, samples, rate, frozen(seen), frozen(mels), frozen(edges), hop, frozen(segments), dataset.phones,
        dataset.transcripts[index] if dataset.transcripts else "", dataset.names[index] if dataset.names else "",
    )  # fmt: skip

