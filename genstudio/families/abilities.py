"""What a model can do: protocols that tasks, commands and pages ask for, whatever its family is. No torch here.

A model satisfies an ability by having its members; a family names those of its models in `Family.abilities`, and a test
holds the two equal. A task that needs something opens its model with that ability, `models.open(reference, Samples)`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np

from genstudio.events import Array
from genstudio.training.learner import Evaluates, Model, Tick

if TYPE_CHECKING:
    from genstudio.data.learnable.captions import CaptionData
    from genstudio.data.learnable.samples import SampleData
    from genstudio.data.learnable.sides import SideData
    from genstudio.data.tokenizers import Tokenizer
    from genstudio.data.tokenizers.special import SpecialTokenizer
    from genstudio.evaluation.samples import Reference
    from genstudio.nn.transformer import Stack, Transformer
    from genstudio.sampling.choose import SamplingOptions
    from genstudio.sampling.diffusion import Flow, Sampler, Schedule
    from genstudio.sampling.reader import LanguageModel
    from genstudio.snapshots.grounding import WordLook
    from genstudio.snapshots.layers import LayerStatistics
    from genstudio.snapshots.network import NetworkState
    from genstudio.snapshots.patches import PatchLook

__all__ = [
    "ABILITIES", "Classifies", "Completed", "Completes", "Denoised", "Denoises", "Embeddings", "Embeds", "Encodes",
    "Evaluates", "FillsIn", "Follows", "Grounds", "Grows", "Heard", "Illustrates", "Judges", "LatentSpec", "LooksAtPatches",
    "Made", "Matches", "MelForm", "Model", "Reads", "Reconstructs", "Samples", "ShowsNumbers", "Speaks", "Traces",
    "Transcribes", "Translates", "TranslatesPictures", "Utterance", "Vocodes", "Writes", "able", "words",
]  # fmt: skip

A = TypeVar("A", bound=Model)


@runtime_checkable
class Reads(Model, Protocol):
    """Reads text as tokens."""

    @property
    def tokenizer(self) -> Tokenizer: ...


@runtime_checkable
class Writes(Reads, Protocol):
    """Writes text, token by token. `language_model` is what `sampling.reader` and `sampling.score` read with."""

    @property
    def context(self) -> int:
        """How many tokens it sees at once."""

    @property
    def language_model(self) -> LanguageModel: ...


@runtime_checkable
class Traces(Reads, Protocol):
    """Stands on a stack of attention blocks that can be looked into: a `Transformer`, or one without an output layer, where that
    is the encoder of a pair."""

    @property
    def transformer(self) -> Stack: ...

    def with_transformer(self, stack: Transformer) -> Traces:
        """The same with another stack in place of its own: a frozen copy, or one computed in 8 bits."""

    def layers(self, ids: Array) -> Generator[Tick, None, LayerStatistics]:
        """Activations, weights and gradients of every layer for ids (T,); changes nothing in the model."""


@runtime_checkable
class FillsIn(Reads, Protocol):
    """Says which tokens fit into gaps of a text, from both sides of each."""

    @property
    def tokenizer(self) -> SpecialTokenizer: ...

    @property
    def context(self) -> int:
        """How many tokens it sees at once."""

    @property
    def mask_id(self) -> int:
        """The token that stands for a gap."""

    def fill(self, ids: Array) -> Array:
        """Ids (T,) with gaps -> log-probabilities (T, V) float32 of every token at every position"""


class Embeddings(NamedTuple):
    """Different words, the most frequent first, and the vector of each: `vectors` (n, d) float32."""

    words: tuple[str, ...]
    vectors: Array


@runtime_checkable
class Embeds(Model, Protocol):
    """Has a vector for each word, or whatever its tokens are."""

    def embeddings(self) -> Embeddings:
        """All of them, as they are now: a copy."""


@runtime_checkable
class Translates(Reads, Protocol):
    """Turns one text into another: `source_tokenizer` reads, `tokenizer` writes. Target ids of the methods have no begin
    marker; the last may be the end marker."""

    @property
    def source_tokenizer(self) -> Tokenizer: ...

    @property
    def context(self) -> int:
        """How many tokens each side may have, with one marker."""

    def encode_source(self, text: str) -> tuple[Array, tuple[int, ...]]:
        """A source as it is read, (S,) ids with the end marker, and the positions of characters that are unknown."""

    @property
    def encoder(self) -> Stack | None:
        """The stack that reads the source; None where recurrent cells do."""

    def bind(self, source: Array) -> LanguageModel:
        """A language model over target tokens that has read source (S,): what writes, searches and scores can use it. A
        `Transformer` where an `encoder` read it."""

    def gradient_times_input(
        self, source: Array, target: Array, wanted: int | None = None
    ) -> tuple[Array, Array, Array, int]:
        """Gradient of the log-probability of `wanted` after target ids (T,), which begin with the begin marker, times the
        embedding of each token, summed over its numbers: of source (S,), and of target (T,); the log-probabilities (V,); and
        the token wanted, the most probable unless given."""

    def cross_attention(self, source: Array, target: Array) -> Array:
        """What is looked at in source (S,) while each of target (T,) is predicted: (layers, heads, T, S) float32, row =
        target token; (0, 0, T, S) for a model without attention."""

    def hidden_states(self, source: Array, target: Array) -> tuple[Array, Array]:
        """The encoder's last states of source (S,), (S, C) float32, and the decoder's from which each of target (T,) is
        predicted, (T, C)."""


@runtime_checkable
class Classifies(Model, Protocol):
    """Says which class something belongs to."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that it tells apart; none where this one was not trained to."""

    def probabilities(self, inputs: Any) -> Array:
        """n texts or pictures -> probability of each class (n, classes) float32"""


@runtime_checkable
class Follows(Reads, Protocol):
    """Says whether one sentence follows another in a text."""

    @property
    def knows_order(self) -> bool:
        """Whether this one was trained to."""

    def following(self, first: str, seconds: Sequence[str]) -> Array:
        """A sentence and n others -> probability (n,) float32 that each of them follows it"""


@dataclass(frozen=True, slots=True)
class LatentSpec:
    """What a sample is made of: `size` numbers, each standard normal, or uniform in [-1, 1]."""

    size: int
    kind: Literal["normal", "uniform"] = "normal"


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """`samples`: points (n, 2) in the dataset's units or pictures (n, h, w, c) uint8. `scores` (n,): the discriminator's
    output for each, None where nothing judges. `done` is how much of the way to the result this is."""

    samples: Array
    scores: Array | None = None
    done: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Completed(Made):
    """Pictures on the way to their last pixel: `bits` (n, h, w) float32 that each pixel so far took, given or made, as the model
    without a sampler sees it: minus the base-2 logarithm of its probability."""

    bits: Array = field(default_factory=lambda: np.zeros((0, 0, 0), np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Denoised(Made):
    """A step between noise and a sample, to `samples`: from `start`, of which the network predicted `noise` and `clean` (n,
    ...), all as samples are given; `before` and `after` are the noise levels that it led from and to: s in a x0 + s e."""

    start: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    noise: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    clean: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    before: float = 1.0
    after: float = 0.0


@runtime_checkable
class Samples(Model, Protocol):
    """Makes samples of latents.

    `variants` are the weights or outputs that can be sampled, the usual one first. `classes` are those that can be asked
    for, none for a model that knows none.
    """

    @property
    def data(self) -> SampleData: ...

    def on(self, data: SampleData) -> Samples:
        """The same modules with other data."""

    @property
    def reference(self) -> Reference:
        """The real samples of its data, which made ones are compared with."""

    @property
    def latent(self) -> LatentSpec: ...

    @property
    def variants(self) -> tuple[str, ...]: ...

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def fixed(self) -> tuple[Array, Array | None]:
        """Latents (n, latent) of the samples that are shown at every step, and the classes (n,) asked for."""

    def noise(self, count: int, seed: int) -> Array:
        """Latents (count, latent) float32 that depend on count and seed alone."""

    def sample(self, latents: Array, labels: Array | None, variant: str) -> Iterator[Made]:
        """Samples of latents (n, latent) float32 and classes (n,) int64: the last one is the result, earlier ones are the
        way to it."""

    def first_weight(self, variant: str) -> Array | None:
        """The linear map (features, latent) that the latents meet first; None where there is none."""


@runtime_checkable
class Completes(Samples, Protocol):
    """Makes pictures pixel by pixel in reading order, each in a colour of its `palette` (k, c) uint8: from nothing, or from a
    part that is given."""

    @property
    def palette(self) -> Array: ...

    def complete(self, pictures: Array, keep: Array, latents: Array, options: SamplingOptions) -> Iterator[Completed]:
        """Pictures (n, h, w, c) uint8 of the size of the data, of which the pixels that are True in `keep` (h, w) stay, in the
        nearest colour of the palette, and all others are made, by latents (n, latent); a `Completed` for each pixel. A pixel
        knows those before it, in reading order, alone."""

    def predictions(self, pictures: Array) -> Array:
        """Pictures (n, h, w, c) uint8 -> probabilities of all colours at each pixel, given those before it: (n, h, w, k)"""

    def attention(self, picture: Array, at: int) -> Array:
        """Where each head looks in a picture (h, w, c) uint8 while pixel `at`, in reading order, is predicted: (layers, heads,
        h, w) float32; NaN where it cannot look yet."""


@runtime_checkable
class Denoises(Samples, Protocol):
    """Samples by removing noise step by step: `sample` makes a `Denoised` per step."""

    @property
    def sampler(self) -> Sampler:
        """How it samples."""

    @property
    def levels(self) -> Schedule | Flow:
        """The noise that it was trained with."""

    def sampling(self, sampler: Sampler) -> Denoises:
        """The same modules, sampling in another way. Raises DataError for what cannot be sampled so."""

    def noised(self, samples: Array, latents: Array, share: float, labels: Array | None) -> Denoised:
        """Samples (n, ...) with the noise of latents (n, latent) added, `share` in [0, 1] of the way to pure noise, and what
        the network predicts there."""

    def restore(self, samples: Array, latents: Array, share: float, labels: Array | None) -> Iterator[Denoised]:
        """The same samples with noise, walked back to clean ones by the sampler from there (Meng et al. 2022)."""

    def score(self, places: Array, share: float) -> Array:
        """The learned score of noisy points (n, 2) in the dataset's units, times the variance of the noise there: how far
        each lies from the noisy point that is expected of it (Vincent 2011): (n, 2)"""


@runtime_checkable
class Illustrates(Denoises, Protocol):
    """Makes pictures of texts, by vectors that say what a picture shows. Its classes are some texts."""

    @property
    def has_prior(self) -> bool:
        """Whether a prior turns the vectors of texts into those of pictures, so that there are such of pictures too."""

    @property
    def uses_prior(self) -> bool:
        """Whether it does where nothing else is asked for."""

    @property
    def words(self) -> SpecialTokenizer:
        """The tokens that texts are read in."""

    def read_text(self, text: str) -> tuple[Array, tuple[str, ...]]:
        """The ids of a text as it is read, and what the vocabulary lacks of it."""

    def of_texts(self, texts: Sequence[str], prior: bool | None = None) -> Array:
        """Texts (n) -> the vectors (n, d) float32 that their pictures are made of; with or without the `prior`, None: as it is
        set."""

    def of_pictures(self, pixels: Array) -> Array:
        """Pictures (n, h, w, c) uint8 of the size of the data -> their vectors (n, d) float32"""

    def made_of(self, vectors: Array) -> Illustrates:
        """The same modules, whose sample i is made of vector i % n of these (n, d), whatever class is asked for."""


@runtime_checkable
class Grows(Samples, Protocol):
    """Makes pictures of several `sizes` (pixels a side, the smallest first), which fade into each other; the last is that of the
    data."""

    @property
    def sizes(self) -> tuple[int, ...]: ...

    @property
    def grown(self) -> tuple[int, float]:
        """The size that is made now, and the share of its newest layers in it, from 0 to 1."""

    def grown_to(self, size: int, fade: float) -> Grows:
        """The same modules, making one of the `sizes` at such a share of its newest layers: at 0 it is the size before."""


@runtime_checkable
class Encodes(Model, Protocol):
    """Turns samples into latents."""

    def encode(self, samples: Array) -> Array:
        """Points (n, 2) in the dataset's units or pictures (n, h, w, c) uint8 -> latents (n, latent)"""


@runtime_checkable
class Reconstructs(Model, Protocol):
    """Makes samples again that it has seen."""

    def reconstruct(self, samples: Array) -> Array:
        """Points (n, 2) in the dataset's units or pictures (n, h, w, c) uint8 -> the same, as the model makes them"""


@runtime_checkable
class Judges(Model, Protocol):
    """Says how real samples are: a probability where `bounded`, else a score without bounds."""

    @property
    def bounded(self) -> bool: ...

    def judge(self, samples: Array, labels: Array | None) -> Array:
        """Points (n, 2) in the dataset's units or pictures (n, h, w, c) uint8, classes (n,) -> scores (n,)"""


@runtime_checkable
class TranslatesPictures(Model, Protocol):
    """Turns pictures of each of two sets into such of the other, and back: A is side 0, B side 1. `sides` are their names."""

    @property
    def data(self) -> SideData: ...

    def on(self, data: SideData) -> TranslatesPictures:
        """The same modules with other data."""

    @property
    def reference(self) -> Reference:
        """The real pictures of both sets, which made ones are compared with."""

    @property
    def sides(self) -> tuple[str, str]: ...

    def translate_pictures(self, samples: Array, side: int) -> Array:
        """Pictures (n, h, w, c) uint8 of the other set -> the same as pictures of set `side`"""


@runtime_checkable
class ShowsNumbers(Model, Protocol):
    """Is a dense network, with every number that it computes with to be seen."""

    def network_state(self, step: int, rows: Array | None = None) -> NetworkState:
        """Weights and some examples; the slopes are those of the mean loss of these stored rows (n,), of the examples where none
        are said. Raises DataError for one that is too large."""


@runtime_checkable
class LooksAtPatches(Model, Protocol):
    """Reads pictures as patches that attend to each other."""

    @property
    def data(self) -> SampleData: ...

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches, N in all."""

    @property
    def fills(self) -> bool:
        """Whether it fills in what it does not see."""

    def look(self, sample: Array, order: Array, dropped: Array, label: int = -1) -> PatchLook:
        """What it makes of a picture (h, w, c) uint8 at whose place i stands the patch `order[i]` (N,), grey where that is -1,
        and of which it does not read the places that are `dropped` (N,); `label` is its class, if known. Raises ValueError
        where nothing is left to read."""


@runtime_checkable
class Matches(Reads, Protocol):
    """Says how well texts and pictures belong together: it reads both into one space, where those that do are near."""

    @property
    def data(self) -> CaptionData: ...

    def on(self, data: CaptionData) -> Matches:
        """The same modules with other data."""

    @property
    def temperature(self) -> float:
        """What cosines are divided by, to become logits."""

    def read_text(self, text: str) -> tuple[Array, tuple[str, ...]]:
        """The ids of a text as it is read, and what the vocabulary lacks of it."""

    def embed_texts(self, texts: Sequence[str]) -> Array:
        """Texts (n) -> vectors of length 1 (n, d) float32"""

    def embed_pictures(self, pixels: Array) -> Array:
        """Pictures (n, h, w, c) uint8 of the size that the model reads -> vectors of length 1 (n, d) float32"""


@runtime_checkable
class Grounds(Reads, Protocol):
    """Reads a text and a picture together: its words look at patches, and what is masked of either is filled in."""

    @property
    def data(self) -> CaptionData: ...

    def on(self, data: CaptionData) -> Grounds:
        """The same modules with other data."""

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches, N in all."""

    def read_text(self, text: str) -> tuple[Array, tuple[str, ...]]:
        """The ids of a text as it is read, [MASK] for what is to be filled in, and what the vocabulary lacks of it."""

    def belongs(self, pixels: Array, texts: Sequence[str]) -> Array:
        """Pictures (n, h, w, c) uint8 of the size that the model reads and n texts -> the probability (n,) float32 that each
        text belongs to its picture"""

    def look_together(self, sample: Array, ids: Array, hidden: Array, truth: tuple[str, ...] = ()) -> WordLook:
        """What it makes of a picture (h, w, c) uint8, of which the patches that are True in `hidden` (N,) are masked, and a text
        of ids (T,), as `read_text` gives it; `truth` is what stood in its gaps, if known."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What was recognised in a recording: its `text`, the `letters` (n) of it, the frames `spans` (n, 2) at which each is said,
    first and behind the last, a frame every `hop` seconds; and the log-probability of the text in nats."""

    text: str
    letters: tuple[str, ...]
    spans: Array
    logprob: float
    hop: float


@runtime_checkable
class Transcribes(Model, Protocol):
    """Writes what is spoken in a recording, with the letters of its `alphabet`."""

    @property
    def rate(self) -> int:
        """Samples per second that it hears."""

    @property
    def longest(self) -> int:
        """Samples that it reads at once."""

    @property
    def alphabet(self) -> str: ...

    def transcribe(self, wave: Array, beams: int = 0) -> Heard:
        """A wave (T,) in [-1, 1] of `longest` samples at most -> what is spoken, with `beams` beginnings of a text kept in the
        search (0: as it is set)."""


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """What is said so far: `mels` (T, bands) float32, natural logarithms of mel magnitudes; `alignment` (S, N), how much
    each of the
    `letters` counts at each of N steps, spread evenly over the frames. `complete`: it came to its end by itself; `done` is how
    much of the way was gone. `heads` (layers x heads, N, S) are all that look at letters, where there are such."""

    mels: Array
    alignment: Array
    letters: tuple[str, ...]
    complete: bool = True
    done: float = 1.0
    heads: Array | None = None


@runtime_checkable
class Speaks(Reads, Protocol):
    """Turns a text into a spectrogram of speech."""

    @property
    def voices(self) -> int:
        """How many voices it can speak with."""

    @property
    def paced(self) -> bool:
        """Whether it can be told to speak faster or slower."""

    @property
    def longest_text(self) -> int:
        """Characters that it can speak at once."""

    @property
    def example(self) -> str:
        """A text that it was taught to say, or one like it."""

    @property
    def mel(self) -> Mapping[str, int]:
        """What its spectrograms are: `rate` samples in a second, a `window` and a `hop` of so many samples, and `bands`."""

    def read_text(self, text: str) -> tuple[Array, tuple[str, ...]]:
        """The letters of a text as they are spoken (S,), between two markers, and the characters that were never heard."""

    def speak(self, letters: Array, voice: int = 0, speed: float = 1.0, seed: int = 0) -> Iterator[Utterance]:
        """What is said of letters (S,) by one of the voices, as it grows; the last is the whole. Where it is `paced`,
        letters last 1 / `speed` as long as usual. `seed` is for what is drawn by chance."""


@dataclass(frozen=True, slots=True)
class MelForm:
    """The form of a log-mel spectrogram: `rate` samples per second, windows of `window`, a column every `hop`, `bands`."""

    rate: int
    window: int
    hop: int
    bands: int


@runtime_checkable
class Vocodes(Model, Protocol):
    """Turns mel spectrograms into sound."""

    @property
    def mel_form(self) -> MelForm: ...

    def mels_of(self, samples: Array) -> Array:
        """Samples (T,) int16 at the rate of the form -> natural log-mels (bands, 1 + T // hop) float32"""

    def vocode(self, mels: Array, *, learnt: bool = True) -> Array:
        """Log-mels (bands, N) -> samples ((N - 1) hop,) int16, by what was learnt or by Griffin-Lim"""


ABILITIES: Mapping[str, tuple[type[Model], str]] = {
    "Reads": (Reads, "read text"),
    "Writes": (Writes, "write text"),
    "FillsIn": (FillsIn, "fill gaps in a text"),
    "Traces": (Traces, "be inspected layer by layer"),
    "Classifies": (Classifies, "name the class of its input"),
    "Follows": (Follows, "judge whether one sentence follows another"),
    "Embeds": (Embeds, "represent words as vectors"),
    "Translates": (Translates, "translate"),
    "Samples": (Samples, "generate samples"),
    "Completes": (Completes, "complete pictures pixel by pixel"),
    "Denoises": (Denoises, "generate samples from noise step by step"),
    "Illustrates": (Illustrates, "make pictures from texts"),
    "Grows": (Grows, "generate pictures at several sizes"),
    "Encodes": (Encodes, "encode samples into latents"),
    "Reconstructs": (Reconstructs, "reconstruct given samples"),
    "Judges": (Judges, "score how real samples are"),
    "TranslatesPictures": (TranslatesPictures, "turn pictures of one set into those of another"),
    "ShowsNumbers": (ShowsNumbers, "be computed by hand"),
    "LooksAtPatches": (LooksAtPatches, "show what its patches attend to"),
    "Transcribes": (Transcribes, "transcribe speech"),
    "Matches": (Matches, "read texts and pictures into one space"),
    "Grounds": (Grounds, "read a text and a picture together"),
    "Speaks": (Speaks, "speak a text"),
    "Vocodes": (Vocodes, "turn mel spectrograms into sound"),
    "Evaluates": (Evaluates, "be evaluated"),
}
"""By name: the protocol, and what completes the sentence "this model can ..."."""


def able(model: Model) -> tuple[str, ...]:
    """Names of the abilities that a model has."""
    return tuple(name for name, (ability, _) in ABILITIES.items() if isinstance(model, ability))


def words(name: str) -> str:
    """What a model with this ability can do, to complete "it can ...": "write text"."""
    return ABILITIES[name][1]
