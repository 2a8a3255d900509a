"""Settings of the speech family, and what they cost. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from genstudio.config import setting
from genstudio.data.info import DatasetInfo
from genstudio.errors import Problem
from genstudio.families import start
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost
from genstudio.families.settings import Batches, Split, restated
from genstudio.families.stack import Layers, StackTraining, block_of, norm_of
from genstudio.nn.sizes import field_of, hop_of

_W2V, _CTC = "Baevski et al. 2020", "Graves et al. 2006"
FOLLOWS = (
    *Layers.model_fields, "rate", "features", "strides", "first", "channels", "groups", "entries", "longest", "validation_share",
    "split_seed",
)  # fmt: skip
"""Settings that a run has from the run that it starts from: what its weights fit into, and which clips are held out."""
LETTERS = " 'abcdefghijklmnopqrstuvwxyz"
"""What every transcript may be written with; further characters are those that occur in a dataset."""
ENTRY, WIDTH = 32, 64
"""Numbers of an entry of a codebook, and of the vectors that are compared."""
MOST_FRAMES = 4096
MEL_HOP, MEL_FIELD, MEL_BANDS = 0.02, 0.04, 32
"""Seconds from one frame of the spectrogram to the next, and that a frame sees; and its bands."""


class SpeechConfig(Layers, StackTraining, Split):
    """Settings of a transformer that listens to waves, and of its training."""

    task: Literal["pretrain", "transcribe"] = setting(
        "pretrain", "pretrain: find units of sound and name hidden ones; transcribe: write what is spoken, which "
        "needs clips with "
        "transcripts", group="Task", main=True, source=f"{_W2V}; transcribe: {_CTC}",
    )
    start: str = setting(
        "", "A speech run whose weights and size are started from, by its id, name or folder; empty: from scratch",
        group="Task", main=True, label="Start from run", run="speech",
    )
    trained: Literal["all", "transformer", "head"] = setting(
        "all", "all: the whole model; transformer: everything but the encoder of the wave; head: only the layer that names "
        "letters", group="Task", when="task=transcribe", label="Trained part", source=f"{_W2V}, 4.3",
    )
    start_rate: float = setting(
        1.0, "Learning rate of the weights that come from another run, relative to that of the new layer that names letters: "
        "smaller steps keep more of what they learned", low=0.001, high=1, group="Task", when="task=transcribe",
        label="Rate of started weights", source="Howard & Ruder 2018, 3.2",
    )
    examples: int = restated(
        Batches, "examples", 0, help="Train on only this many clips, to see the effect of too few; 0: all", label="Clips used"
    )
    beams: int = setting(
        8, "Partial transcripts kept in the beam search. 1: the most probable letter of each frame", low=1,
        high=256, group="Task", when="task=transcribe", label="Beam width", source="Graves & Jaitly 2014",
    )
    augment: float = setting(
        0.1, "Share of the frames that are hidden while it learns to transcribe, so that it relies on no single one", low=0.0,
        high=0.8, group="Task", when="task=transcribe", live=True, label="Frames hidden", source=f"{_W2V}, 4.3; Park et al. 2019",
    )
    mask_share: float = setting(
        0.4, "Share of the frames that are hidden and must be recognised", low=0.02, high=0.9, group="Task", main=True,
        when="task=pretrain", live=True, label="Share hidden", source=f"{_W2V}, 3.1",
    )
    mask_span: int = setting(
        4, "Frames that are hidden in a row: a single one is too easy, because it can be guessed from its neighbours", low=1,
        high=50, group="Task", label="Hidden in a row", live=True, source=f"{_W2V}, 3.1",
    )
    distractors: int = setting(
        20, "Other hidden frames of the same clip from which a frame has to be distinguished", low=1, high=100, group="Task",
        when="task=pretrain", live=True, source=f"{_W2V}, 3.2",
    )
    contrast_temperature: float = setting(
        0.1, "Divides the similarities before the softmax: smaller values weigh the nearest distractors more", low=0.01, high=2.0,
        group="Task", when="task=pretrain", live=True, logarithmic=True, label="Temperature", source=f"{_W2V}, 3.2",
    )
    jitter: float = setting(
        8.0, "Largest random shift, in milliseconds, between the sound that units are made of and what is heard around it: the "
        "start of a period of the voice can then not be predicted, so units stand for sounds, not for moments of a period. "
        "0: as in the paper", low=0.0, high=20.0, group="Units", when="task=pretrain", live=True, label="Shift (ms)",
    )
    diversity: float = setting(
        0.1, "Weight of the loss that asks for all entries of the codebooks to be used. 0: one unit for all sounds "
        "is the easiest "
        "solution", low=0.0, high=10.0, group="Units", main=True, when="task=pretrain", live=True, label="Diversity loss",
        source=f"{_W2V}, 3.2",
    )
    groups: int = setting(
        2, "Codebooks: a unit is one entry of each", low=1, high=8, group="Units", main=True, when="task=pretrain",
        label="Codebooks", source=f"{_W2V}, 2",
    )
    entries: int = setting(
        8, "Entries of each codebook; two codebooks of 8 make 64 units", low=2, high=512, group="Units", main=True,
        when="task=pretrain", label="Entries", source=f"{_W2V}, 2",
    )
    gumbel_start: float = setting(
        2.0, "Temperature of the Gumbel noise by which entries are chosen, at the beginning: high is even, low is sharp",
        low=0.05, high=20.0, group="Units", when="task=pretrain", label="Gumbel temperature", source=f"{_W2V}, 4.2; "
        f"Jang et al. 2017",
    )
    gumbel_end: float = setting(
        0.5, "The same once half of the training is done, from where on it stays", low=0.05, high=20.0, group="Units",
        when="task=pretrain", label="Gumbel temperature, end", source=f"{_W2V}, 4.2; Jang et al. 2017",
    )
    rate: int = setting(
        8_000, "Samples per second that the model hears; clips of another rate are resampled", low=2_000, high=48_000,
        group="Data", label="Sampling rate",
    )
    seconds: float = setting(
        1.0, "Length of the pieces that a step looks at", low=0.1, high=30.0, group="Data", when="task=pretrain",
        label="Piece (s)",
    )
    longest: float = setting(
        15.0, "Seconds that the model reads at once: of longer clips this much is learned, and a longer recording "
        "is transcribed in "
        "parts", low=0.2, high=60.0, group="Data", label="Longest (s)",
    )
    features: Literal["mel", "wave"] = setting(
        "mel", "What frames are made of. mel: a log-mel spectrogram, with which a small model finds the sounds in minutes; wave: "
        "convolutions over the samples, which have to find such features first", group="Model", main=True, label="Front end",
        source=f"wave: {_W2V}, 2; mel: Chung et al. 2021",
    )
    channels: int = setting(
        64, "Numbers of a frame before the transformer: feature maps of the convolutions", low=4,
        high=1024, group="Model", main=True, source=f"{_W2V}, 4.2",
    )
    strides: str = setting(
        "10, 4, 2, 2", "Strides of the convolutions; their kernels are twice as long. Their product is the samples from one "
        "frame to the next: 160 are 20 ms at 8 kHz", group="Model", when="features=wave", source=f"{_W2V}, 4.2",
    )
    first: Literal["gelu", "energy"] = setting(
        "gelu", "What follows the first convolution. gelu: as in the paper; energy: the logarithm of the squares, as of a bank "
        "of filters: the same wherever in a period of the voice a frame begins, so that sounds are found sooner",
        group="Model", when="features=wave", label="First layer", source="gelu: Baevski et al. 2020, 2; energy: Zeghidour et al. "
        "2018",
    )
    layers: int = restated(Layers, "layers", 2)
    d_model: int = restated(Layers, "d_model", 64, help="Size of each frame's vector")
    positions: Literal["sinusoidal", "learned", "rotary", "none"] = restated(
        Layers, "positions", "rotary", help="How the model knows the order of frames; with none, a clip is a bag of frames",
    )
    batch: int = restated(StackTraining, "batch", 16, help="Pieces or clips processed together in one step")
    learning_rate: float = restated(StackTraining, "learning_rate", 3e-3)

    def rules(self) -> Iterator[Problem]:
        yield from super().rules()
        if self.features == "wave" and (wrong := strides_problem(self.strides)):
            yield Problem("strides", wrong)
            return
        if self.frames(self.samples) < 4:
            yield Problem("seconds", f"a piece of {self.seconds:g} s has {self.frames(self.samples)} frames, and "
            f"some must be left "
                          "to see: take longer pieces, or smaller strides")  # fmt: skip
        if (most := self.frames(self.most_samples)) > MOST_FRAMES:
            yield Problem("longest", f"{self.longest:g} s are {most:,} frames, and attention reads at most {MOST_FRAMES:,}")
        if self.seconds > self.longest:
            yield Problem("seconds", f"pieces of {self.seconds:g} s are longer than the {self.longest:g} s that are read at once")
        if self.trained == "head" and self.task == "transcribe" and not self.start:
            yield Problem("trained", "a head alone needs a run to start from: an untrained model hears nothing")

    @property
    def steps(self) -> tuple[int, ...]:
        """The strides as numbers."""
        return tuple(int(part) for part in self.strides.replace(",", " ").split())

    @property
    def samples(self) -> int:
        """Samples of a piece."""
        return round(self.seconds * self.rate)

    @property
    def most_samples(self) -> int:
        """Samples that are read at once, at most."""
        return round(self.longest * self.rate)

    def frames(self, samples: int) -> int:
        """Frames in so many samples."""
        return max(0, (samples - self.field) // self.hop + 1)

    @property
    def context(self) -> int:
        """Frames that are read at once, at most."""
        return max(self.frames(self.most_samples), 1)

    @property
    def hop(self) -> int:
        """Samples from one frame to the next."""
        return round(MEL_HOP * self.rate) if self.features == "mel" else hop_of(self.steps)

    @property
    def field(self) -> int:
        """Samples that a frame sees."""
        return round(MEL_FIELD * self.rate) if self.features == "mel" else field_of(self.steps)

    @property
    def apart(self) -> float:
        """The share of the learning rate with which weights of another run move, where new ones beside them move at all of it."""
        return self.start_rate if self.task == "transcribe" and self.start and self.trained != "head" else 1.0


def strides_problem(strides: str) -> str:
    """What is wrong with strides as they were written; empty where nothing is."""
    parts = strides.replace(",", " ").split()
    if not parts or not all(part.isdecimal() and 1 <= int(part) <= 32 for part in parts):
        return "write whole numbers from 1 to 32 with commas between, such as 5, 4, 2, 2, 2"
    if len(parts) > 10 or hop_of([int(part) for part in parts]) > 4096:
        return "at most 10 layers, and 4,096 samples from one frame to the next"
    return ""


def resolved(config: SpeechConfig) -> SpeechConfig:
    """The settings, where a run is started from with the size and the split of that run. Raises ConfigError."""
    if not config.start:
        return config
    theirs = start.find(config.start, ("speech",)).values
    values = {name: theirs[name] for name in FOLLOWS if name in theirs and name != "dropout"}
    return type(config).parse({**config.model_dump(), **values})


def _parts(config: SpeechConfig, letters: int) -> tuple[Part, ...]:
    d, channels, count = config.d_model, config.channels, len(config.steps)
    waves = sum(2 * channels * stride * (channels if number else 1) + 3 * channels for number, stride in enumerate(config.steps))
    front = f"{count} convolutions"
    if config.features == "mel":
        waves, front = (MEL_BANDS + channels + 6) * channels, f"{MEL_BANDS} log-mel bands, two layers"
    inside = block_of(config, d, config.heads * config.head_size, config.ff_width, config.heads)
    last = norm_of(config, d) if config.norm_place == "pre" else 0
    places = config.context * d if config.positions == "learned" else 0
    milliseconds = 1000 * config.hop / config.rate
    parts = (
        Part("Wave encoder", f"{front}, a frame every {milliseconds:.0f} ms", waves, module="model.tokens"),
        Part("Projection", f"{d} numbers per frame", channels * d + d + d + places, module="model.project"),
        Part("Block", f"{d} numbers per frame", sum(part.parameters for part in inside), config.layers, inside, "model.blocks"),
    )
    if config.task == "transcribe":
        return (*parts, Part("Letters", f"{letters}, or none", last + (d + 1) * (letters + 1), module="letters"))
    units = config.groups * config.entries
    quantiser = (channels + 1) * units + units * ENTRY + (config.groups * ENTRY + 1) * WIDTH
    return (
        *parts,
        Part("Which unit?", "compared with the unit of each hidden frame", last + (d + 1) * WIDTH, module="compared"),
        Part("Units", f"{config.groups} x {config.entries} entries, from the wave encoder", quantiser, module="quantiser"),
    )


def drawing(config: SpeechConfig, _info: DatasetInfo, _tokens: int) -> Drawing:
    """From the wave to units, or to letters."""
    return (Chain((Part("Wave", f"{config.rate:,} Hz"), *_parts(config, len(LETTERS)))),)


def cost(config: SpeechConfig, info: DatasetInfo, _tokens: int) -> Cost:
    """What a training costs: operations as 6N per frame, and for each convolution per frame of its own; those of attention as
    12 L T d_attention (Kaplan et al. 2020). The alphabet is that of English."""
    count = sum(part.total for part in _parts(config, len(LETTERS)))
    samples = config.samples if config.task == "pretrain" else min(config.most_samples, _usual(config, info))
    inner, channels = config.heads * config.head_size, config.channels
    frames, encoder, held, before = config.frames(samples), 0.0, 0.0, samples
    if config.features == "mel":
        encoder, held = 6.0 * frames * (MEL_BANDS + channels) * channels, 8.0 * frames * channels
    for number, stride in enumerate(config.steps if config.features == "wave" else ()):
        before //= stride
        encoder += 6 * before * 2 * channels * stride * (channels if number else 1)
        held += 6 * before * channels
    rest = count - _parts(config, 0)[0].parameters
    flops = config.batch * config.accumulation * (encoder + frames * (6 * rest + 12 * config.layers * frames * inner))
    per_frame = config.layers * (14 * config.d_model + 4 * inner + 3 * config.ff_width + 2 * config.heads * frames)
    moments = 2 if config.optimizer == "adamw" else 1.2
    held = 4 * config.batch * (held + frames * per_frame)
    return Cost(count, 4 * count * (2 + moments) + held, flops, config.batch * config.accumulation)


def _usual(config: SpeechConfig, info: DatasetInfo) -> int:
    """Samples of a clip, where the shelf knows how many seconds there are in all."""
    seconds, many = info.details.get("seconds"), max(info.count, 1)
    return round((float(seconds) / many if isinstance(seconds, int | float) and info.count else 2.0) * config.rate)
