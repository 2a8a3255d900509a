"""Settings of models that turn text into speech, and what they cost. No torch here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from genstudio.config import setting
from genstudio.data.info import DatasetInfo
from genstudio.errors import Problem
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost
from genstudio.families.settings import Batches, Descent, SampleRate, Split, rate_of, restated
from genstudio.families.stack import Layers

KERNEL = 5
"""Frames or letters that a convolution sees."""
MARKERS = 2
"""Begin and end of a text are letters too: they stand for the silence before and after it."""
_LETTERS = 27
"""Characters of transcripts that nobody has counted yet: a to z and the space."""
_ATTENTION, _DURATIONS = "architecture=attention", "architecture=durations"
_TACOTRON, _FASTSPEECH, _GUIDED = "Shen et al. 2018 (Tacotron 2)", "Ren et al. 2019 (FastSpeech)", "Tachibana et al. 2018"


class TTSConfig(Split, Batches, Descent):
    """Settings of a model from letters to a mel spectrogram, and of its training."""

    architecture: Literal["attention", "durations"] = setting(
        "durations", "durations: predict how long each letter lasts, then make all frames at once; attention: make frame after "
        "frame, and find the letters by attention", group="Model", main=True,
        source=f"durations: {_FASTSPEECH}; attention: {_TACOTRON}, with the transformer of Li et al. 2019",
    )
    layers: int = restated(Layers, "layers", 1, help="Transformer blocks of the encoder, and as many of the decoder")
    heads: int = restated(Layers, "heads", 2)
    d_model: int = restated(Layers, "d_model", 96, help="Size of the vector of each letter and of each frame")
    d_ff: int = restated(Layers, "d_ff", 0, help="Width of the feed-forward layer. 0: 4 x d_model")
    convolutions: int = setting(
        2, "Convolutions over neighbouring letters before the encoder, and over neighbouring frames before the decoder of "
        "durations",
        low=0, high=8, group="Model", source=_TACOTRON,
    )
    postnet: int = setting(
        2, "Convolutions that improve the frames once all are made; 0: none", low=0, high=8, group="Model", when=_ATTENTION,
        source=_TACOTRON,
    )
    together: int = setting(
        3, "Frames made in one step: with more, attention has fewer steps to go and is learned sooner, and the sound is a little "
        "coarser", low=1, high=16, group="Model", main=True, when=_ATTENTION, label="Frames per step",
        source="Wang et al. 2017, 3.3",
    )
    prenet: int = setting(
        64, "Neurons of the narrow passage through which the decoder sees the last frame", low=4, high=1024, group="Model",
        when=_ATTENTION, label="Prenet width", source=_TACOTRON,
    )
    prenet_dropout: float = setting(
        0.5, "Share of the prenet that is dropped, in training and in speech: otherwise the decoder continues the last frame "
        "and hardly needs the letters", low=0.0, high=0.9, group="Model", when=_ATTENTION, live=True,
        label="Prenet dropout", source=_TACOTRON,
    )
    frame_dropout: float = setting(
        0.5, "Share of the steps in training that are given the mean frame instead of the one before: the decoder learns to do "
        "without it, as it must when what it made before is not quite right",
        low=0.0, high=1.0, group="Training", when=_ATTENTION, live=True, label="Frames forgotten",
        source="Liu et al. 2019 (drop frame rate)",
    )
    diagonal_start: bool = setting(
        True, "Positions of letters and frames are counted so that both are equally far at the same time, and queries and "
        "keys begin "
        "alike: attention begins near the diagonal", group="Model", when=_ATTENTION, label="Diagonal start",
        source="Ping et al. 2018 (Deep Voice 3), 3.6",
    )
    dropout: float = restated(Layers, "dropout", 0.1)
    voices: int = setting(
        8, "Number of voices that the model can tell apart, where the data say whose voice a clip is; 1: all clips as one voice",
        low=1, high=256, group="Model", source="Arik et al. 2017 (Deep Voice 2)",
    )
    rate: SampleRate = setting(
        "data", "Samples per second. A telephone has 8,000; twice as many mean twice the frames to make. data: as the clips are",
        group="Data", label="Sample rate",
    )
    bands: int = setting(40, "Bands of the mel spectrogram", low=8, high=256, group="Data", label="Mel bands", source=_TACOTRON)
    window: int = setting(
        512, "Samples of a window of the spectrogram: longer windows tell frequencies apart, shorter ones moments",
        low=64, high=8192, group="Data", logarithmic=True,
    )
    hop: int = setting(
        128, "Samples from one frame to the next; a quarter of the window makes Griffin-Lim work well", low=16, high=4096,
        group="Data", logarithmic=True,
    )
    longest: float = setting(
        5.0, "Seconds of the longest clip that is trained on", low=0.2, high=30.0, group="Data", label="Longest clip",
    )
    batch: int = restated(Batches, "batch", 8, help="Clips processed together in one update")
    examples: int = restated(Batches, "examples", 0, help="Train on only this many clips, to see the effect of too few; 0: all")
    learning_rate: float = restated(Descent, "learning_rate", 2e-3)
    beta2: float = restated(Descent, "beta2", 0.98)
    warmup: int = restated(Descent, "warmup", 50)
    guided: float = setting(
        1.0, "Weight of the guided attention loss, which penalises attention away from the diagonal; 0: off", low=0.0, high=100.0,
        group="Training", when=_ATTENTION, live=True, label="Guided attention", source=f"{_GUIDED}, 3.2",
    )
    stop_weight: float = setting(
        5.0, "How much more the last step of a clip counts in the loss of the stop output than each of the others",
        low=0.1, high=100.0, group="Training", when=_ATTENTION, live=True, label="Weight of the stop",
        source=f"stop output: {_TACOTRON}",
    )
    duration_weight: float = setting(
        0.3, "Weight of the error of the durations, squared and in logarithms", low=0.0, high=100.0, group="Training",
        when=_DURATIONS, live=True, label="Weight of durations", source=_FASTSPEECH,
    )
    prior_weight: float = setting(
        1.0, "Weight of the frames that the encoder expects of each letter, by which letters and frames are aligned", low=0.0,
        high=100.0, group="Training", when=_DURATIONS, live=True, label="Weight of alignment",
        source="Kim et al. 2020 (Glow-TTS); Popov et al. 2021, equation 14",
    )

    def rules(self) -> Iterator[Problem]:
        yield from super().rules()
        if self.d_model % self.heads:
            yield Problem("heads", f"{self.heads} heads cannot share a d_model of {self.d_model} evenly")
        if self.d_model % 2:
            yield Problem("d_model", "sinusoidal positions need an even d_model")
        if self.hop > self.window // 2:
            yield Problem("hop", f"windows of {self.window} samples must overlap by half: take {self.window // 2} or less")
        if self.bands > self.window // 4:
            yield Problem("bands", f"a window of {self.window} samples has room for {self.window // 4} bands at most")

    @property
    def ff_width(self) -> int:
        return self.d_ff or 4 * self.d_model


def mel_settings(config: TTSConfig, rate: int) -> dict[str, Any]:
    """What a spectrogram has to be for a vocoder to make sound of it."""
    return {"rate": rate, "window": config.window, "hop": config.hop, "bands": config.bands}


def _block(config: TTSConfig, cross: bool) -> tuple[Part, ...]:
    """What a block is made of; LayerNorm and biases throughout."""
    d, wide = config.d_model, config.ff_width
    attention = 4 * d * d + 4 * d
    looking = (Part("look at the letters", "", attention + 2 * d),) if cross else ()
    return (
        Part("attention", "", attention), *looking, Part("feed-forward", "", 2 * d * wide + wide + d), Part("norms", "", 4 * d),
    )  # fmt: skip


def _convolution(width: int) -> int:
    return KERNEL * width * width + width + 2 * width


def drawing(config: TTSConfig, _info: DatasetInfo, vocabulary: int) -> Drawing:
    """From letters to a spectrogram: the encoder, and the decoder of the architecture."""
    d, bands, vocabulary = config.d_model, config.bands, vocabulary or _LETTERS
    inner = _block(config, False)
    stack = config.layers * sum(part.parameters for part in inner)
    table = (vocabulary + MARKERS) * d + (config.voices * d if config.voices > 1 else 0)
    letters = Part("Text", "as characters")
    embedding = Part("Embedding", f"{vocabulary + MARKERS:,} letters, {d} numbers each", table, module="model.encoder.tokens")
    local = Part("Convolutions", f"{KERNEL} letters at once", _convolution(d), config.convolutions,
                 module="model.encoder.convolutions" if config.convolutions else "")  # fmt: skip
    encoder = Part("Encoder", f"{d} numbers per letter", stack // config.layers, config.layers, inner, "model.encoder.stack")
    memory = Part("Memory", "with the voice", 2 * d + 1)
    first = Chain((letters, embedding, local, encoder, memory), "Letters")
    sound = Part("Spectrogram", f"{bands} mel bands")
    if config.architecture == "durations":
        predictor = 2 * _convolution(d) + 2 * d + d + 1
        frames = Part("Convolutions", f"{KERNEL} frames at once", _convolution(d), config.convolutions,
                      module="model.convolutions" if config.convolutions else "")  # fmt: skip
        decoder = Part("Decoder", f"{d} numbers per frame", stack // config.layers, config.layers, inner, "model.stack")
        return (
            first,
            Chain((Part("Expected frame", "aligns letters with frames", d * bands + bands, module="model.means"),
                   Part("Durations", "frames of each letter", predictor, module="model.durations")), "Alignment"),
            Chain((Part("Repeat", "each letter as long as it lasts"), frames, decoder,
                   Part("Output", f"{bands} bands", 2 * d + 1 + d * bands + bands, module="model.mel"), sound), "Frames"),
        )  # fmt: skip
    inside = _block(config, True)
    each = sum(part.parameters for part in inside)
    narrow = bands * config.prenet + config.prenet + config.prenet * (config.prenet + 1) + config.prenet * d + d
    out = 2 * d + 1 + d * config.together * bands + config.together * bands
    after = config.postnet * _convolution(d) + (2 * d * bands + d + bands if config.postnet else 0)
    return (
        first,
        Chain((Part("Frame before", f"the last of {config.together}"), Part("Prenet", f"{config.prenet} neurons", narrow,
                    module="model.prenet"),
               Part("Decoder", f"{d} numbers per step", each, config.layers, inside, "model.stack"),
               Part("Output", f"{config.together} frames", out, module="model.mel"),
               Part("Stop", "is it over?", d + 1, module="model.stop"),
               Part("Postnet", f"{config.postnet} convolutions", after, module="model.postnet" if config.postnet else ""), sound),
              "Frames"),
    )  # fmt: skip


def cost(config: TTSConfig, info: DatasetInfo, vocabulary: int) -> Cost:
    """What a training costs: operations as 6N per letter and per frame or step, with attention (Kaplan et al. 2020); bytes of
    float32 weights, gradients, moments and activations. Clips are taken to be as long as the mean of the dataset."""
    parts = [sum(part.total for part in chain.parts) for chain in drawing(config, info, vocabulary)]
    count = sum(parts)
    rate, seconds = rate_of(config.rate) or info.details.get("rate"), info.details.get("seconds")
    long = float(seconds) / max(info.details.get("count", 100) or 100, 1) if isinstance(seconds, int | float) else 2.0
    frames = (rate if isinstance(rate, int) else 16_000) * min(long, config.longest) / config.hop + 1
    steps = frames / config.together if config.architecture == "attention" else frames
    letters = 14 * min(long, config.longest)
    flops = 6 * (letters * parts[0] + steps * sum(parts[1:])) + 12 * config.layers * config.d_model * (
        letters * letters + steps * (steps + letters)
    )
    tokens = config.batch * (letters + steps)
    activations = 4 * tokens * config.layers * (18 * config.d_model + 3 * config.ff_width + 2 * config.heads * steps)
    return Cost(count, 16 * count + activations, config.batch * flops, config.batch)
