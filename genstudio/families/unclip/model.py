"""Text to picture (Ramesh et al. 2022): frozen towers, a prior from the vector of a text to that of a picture, and a decoder."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from genstudio.data.learnable import captions
from genstudio.data.learnable.captions import knows
from genstudio.data.tokenizers.special import SpecialTokenizer
from genstudio.evaluation import illustrations, retrieval
from genstudio.evaluation.features import pictures as as_pictures
from genstudio.events import Snapshot
from genstudio.families import start, towers
from genstudio.families.abilities import Denoised, LatentSpec
from genstudio.families.denoiser import EmaLearner, NoiseModel
from genstudio.families.samples import ROWS, Array
from genstudio.families.unclip.config import UnclipConfig
from genstudio.families.unclip.data import UnclipData, draw
from genstudio.families.unclip.networks import Prior, VectorDenoiser
from genstudio.nn.modes import evaluating
from genstudio.snapshots.samples import Pictures
from genstudio.training.learner import Measured, Tick

_TEXTS, _EXACT, _SEED = 200, 200, 1_000_003
_EACH, _STAGES = 4, (1.0, 0.75, 0.5, 0.25)


class Unclip(NoiseModel):
    """Towers that read texts and pictures, and stay as they are; a prior where the decoder is told pictures' vectors; and the
    decoder. The classes that can be asked for are the prompts of its data; `made_of` asks for any vectors."""

    config: UnclipConfig
    data: UnclipData

    def __init__(self, config: UnclipConfig, data: UnclipData, device: str, seed: int) -> None:
        """Raises CheckpointError where the run that is read with cannot be."""
        self.config, self.device = config, torch.device(device)
        numbers = data.towers.embedding
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = VectorDenoiser(config, data.shape, numbers)
            prior = Prior(numbers, config.prior_width, config.prior_layers) if config.has_prior else None
            self.pictures, self.texts = towers.build(data.towers, data)
        self.network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.prior = prior
        frozen: dict[str, nn.Module] = {"pictures": self.pictures, "texts": self.texts}
        if data.start is not None:
            start.take(data.start.weights(), frozen)
        for tower in frozen.values():
            tower.requires_grad_(False).eval()
        self.modules: Mapping[str, nn.Module] = {
            "network": self.network, "average": self.average, **({"prior": prior} if prior is not None else {}), **frozen,
        }  # fmt: skip
        for module in self.modules.values():
            module.to(self.device)
        self.classes = data.prompts
        self.latent = LatentSpec(data.shape.numbers)
        self.levels = config.noise_levels()
        self._vectors: Tensor | None = None
        self._take(data)

    @property
    def conditional(self) -> bool:
        return True

    @property
    def words(self) -> SpecialTokenizer:
        """The tokens that texts are read in."""
        return self.data.tokenizer

    def read_text(self, text: str) -> tuple[Array, tuple[str, ...]]:
        """The ids of a text as it is read, and what the vocabulary lacks of it."""
        return captions.encode(self.data.tokenizer, text, self.data.towers.context)

    @property
    def has_prior(self) -> bool:
        return self.prior is not None

    @property
    def uses_prior(self) -> bool:
        return self.prior is not None and self.config.prior

    @torch.no_grad()
    def of_texts(self, texts: Sequence[str], prior: bool | None = None) -> Array:
        """The vectors (n, d) that pictures of these texts are made of, through the prior where there is one, unless it is not to
        be used."""
        ids = captions.padded(self.data.tokenizer, [self.read_text(text)[0] for text in texts])
        found: Array = self._read(torch.from_numpy(ids).to(self.device), prior).cpu().numpy()
        return found

    @torch.no_grad()
    def of_pictures(self, pixels: Array) -> Array:
        """The vectors (n, d) of pictures (n, h, w, c) uint8, which the decoder is told where it reads these."""
        parts = [as_pictures(pixels[n : n + ROWS], self.device) for n in range(0, len(pixels), ROWS)]
        return np.concatenate([self.pictures(part).cpu().numpy() for part in parts])

    def made_of(self, vectors: Array) -> Self:
        """The same modules, whose sample i is made of vector i % n of these (n, d), whatever class is asked for."""
        other = copy.copy(self)
        other._vectors = torch.from_numpy(np.require(vectors, np.float32, ["C", "W"])).to(self.device)
        return other

    def _read(self, ids: Tensor, prior: bool | None = None) -> Tensor:
        """What the decoder is told of texts, ids (n, T)."""
        with evaluating(self.texts):
            vectors: Tensor = self.texts(ids)
        used = self.config.prior if prior is None else prior
        return self.prior(vectors) if self.prior is not None and used else vectors

    def _prompts(self) -> Tensor:
        return torch.from_numpy(self.of_texts(self.classes)).to(self.device)

    def _given(self, labels: Array | None) -> Tensor | None:
        if labels is None:
            return None
        if self._vectors is not None:
            return self._vectors[torch.arange(len(labels), device=self.device) % len(self._vectors)]
        known = torch.cat([self._prompts(), torch.zeros(1, self.data.towers.embedding, device=self.device)])
        return known[torch.from_numpy(np.array(labels)).to(self.device)]  # -1 is the last: nothing

    def _labels(self, labels: Array | None, count: int) -> Tensor | None:
        return self._given(np.arange(count) % max(len(self.classes), 1) if labels is None else labels)

    def _nothing(self, asked: Tensor) -> Tensor:
        return torch.zeros_like(asked)

    @torch.no_grad()
    def _asked_of(self, chosen: Array) -> Tensor:
        """What training tells the decoder of these pictures."""
        if self.config.condition == "picture":
            return torch.from_numpy(self.of_pictures(self.data.real[chosen])).to(self.device)
        return self._read(torch.from_numpy(self.data.padded(chosen)).to(self.device))

    def loss(self, x: Tensor, asked: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Of pictures x (B, C, H, W) in [0, 1] and ids (B, T) of the captions that they are given: the squared error of the
        decoder at noise levels spread evenly, some of it told nothing, and that of the prior."""
        x = self.to_model(x)
        with torch.no_grad():
            texts = self.texts(asked)
            vectors = self.pictures(x) if self.prior is not None else texts
        hidden = torch.rand(len(x), 1, device=x.device) < self.config.condition_dropout
        made, noise, signal, spread = self._trained(x, torch.where(hidden, 0.0, vectors))
        loss = self._squared(made, x, noise, signal, spread).mean()
        values: dict[str, Tensor | float] = {"train_loss": loss.detach()}
        if self.prior is not None:
            error = (self.prior(texts) - vectors).square().sum(1).mean()
            values["prior_loss"] = error.detach()
            loss = loss + error
        return loss, values

    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """What `losses` says of the decoder. Of held-out captions: `prior_cosine` of the prior's vectors with those of their
        pictures, and `text_cosine` of the texts' own. Of pictures that are made of held-out captions: what `illustrations` says,
        and with `exact` of combinations that training never saw. Yields nothing without data."""
        data = self.data
        if not len(data.train):
            return
        values = yield from self.losses()
        held = data.held if len(data.held) else data.train
        values |= self._cosines(held[:_TEXTS])
        count = min(_EXACT if exact else min(self._affordable(), _EXACT), len(held))
        if count:
            some = np.random.default_rng(_SEED).permutation(held)[:count]
            made = yield from self._illustrated(some, 0.2, 0.6)
            values |= yield from illustrations.agreement(data, data.factors, some, made, self.device)
            values |= self._found(some, made)
            if exact and len(data.unseen):
                some = np.random.default_rng(_SEED).permutation(data.unseen)[:_EXACT]
                made = yield from self._illustrated(some, 0.7, 1.0)
                found = yield from illustrations.agreement(data, data.factors, some, made, self.device)
                values |= {f"unseen_{name}": value for name, value in found.items() if not name.endswith("_real")}
        counted = {"held_out_count": float(len(data.held)), "illustrated": float(count)} if exact else {}
        yield Measured({**values, **counted})

    def _illustrated(self, chosen: Array, begin: float, end: float) -> Any:
        """Pictures (n, h, w, c) of the captions of these pictures, of noise that is always the same."""
        latents, made = self.noise(len(chosen), _SEED), []
        for first in range(0, len(chosen), ROWS):
            part, one = slice(first, first + ROWS), None
            vectors = self.of_texts([self.data.captions[at] for at in chosen[part].tolist()])
            for one in self.made_of(vectors).sample(latents[part]):
                yield Measured(done=begin + (end - begin) * (first + ROWS * one.done) / (len(chosen) + ROWS))
            assert one is not None
            made.append(one.samples)
        return np.concatenate(made)

    def _cosines(self, chosen: Array) -> dict[str, float]:
        """Of the vectors of texts, as they are and through the prior, with those of their pictures."""
        if self.prior is None:
            return {}
        said = [self.data.captions[at] for at in chosen.tolist()]
        true = self.of_pictures(self.data.real[chosen])
        return {
            name: float((self.of_texts(said, used) * true).sum(1).mean())
            for name, used in (("prior_cosine", True), ("text_cosine", False))
        }

    def _found(self, chosen: Array, made: Array) -> dict[str, float]:
        """How often a made picture is nearer to its own caption than to those of others, by the towers; of real ones the same."""
        _, first = np.unique(self.data.alike[chosen], return_index=True)
        some = np.sort(first)[: retrieval.CANDIDATES]
        texts = self.of_texts([self.data.captions[at] for at in chosen[some].tolist()], prior=False)
        found = {"chance": 1 / len(some)}
        for name, pixels in (("recall_at_1", made[some]), ("recall_at_1_real", self.data.real[chosen[some]])):
            found[name] = float((retrieval.ranks(self.of_pictures(pixels) @ texts.T) == 1).mean())
        return found

    @torch.no_grad()
    def preview(self, step: int, text: str = "") -> Iterator[Snapshot | Tick]:
        """`samples` of the prompts and what the decoder expected half-way, `expected`; `sentence`: pictures of a text on their
        way from noise; `loss_by_level` of held-out pictures."""
        if not len(self.shown.chosen):
            return
        yield self.loss_by_level(step)
        yield Tick()
        latents, labels = self.fixed
        made = half = None
        for made in self.sample(latents, labels):
            half = made if half is None or made.before >= 0.5 else half
            yield Tick()
        assert made is not None and half is not None and labels is not None
        rows = np.argsort(labels, kind="stable")  # a row for each caption, which is too long for a column
        for channel, pixels in (("samples", made.samples), ("expected", half.clean)):
            yield Pictures(channel, step, pixels[rows], labels[rows], self.classes)
        yield from self._sentence(step, text)

    def _sentence(self, step: int, text: str) -> Iterator[Snapshot | Tick]:
        """Some pictures of a text at some stages, a column each; of the first prompt where nothing of the text is known."""
        ids, _ = self.read_text(text)
        said = text if knows(self.data.tokenizer, ids) else self.classes[0]
        stages: list[Denoised] = []
        for one in self.made_of(self.of_texts([said])).sample(self.noise(_EACH, _SEED)):
            stages.append(one)
            yield Tick()
        shown = [min(stages, key=lambda one: abs(one.before - share)) for share in _STAGES]
        columns = [*(one.start for one in shown), stages[-1].samples]
        names = (*(f"{one.before:.0%} noise" for one in shown), "finished")
        labels = np.arange(len(columns) * _EACH) % len(columns)
        pixels = np.stack(columns, 1).reshape(-1, *columns[0].shape[1:])
        yield Pictures("sentence", step, pixels, labels, names)


class UnclipLearner(EmaLearner):
    """The decoder, its average and the prior. Each preview makes pictures of `text`."""

    preview_every = 1.0

    def __init__(self, model: Unclip, seed: int) -> None:
        super().__init__(model, seed)
        self.unclip, self.text = model, ""

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Pictures (batch, C, H, W) of a step, and ids (batch, T) of the captions that they are given. Raises DataError."""
        model = self.unclip
        chosen, said = draw(model.config, model.data, self.seed, step)
        return model.form.stored(chosen), torch.from_numpy(model.data.padded(said)).to(model.device)

    def watch(self, values: Mapping[str, str]) -> None:
        """Make pictures of another `text`, from the next preview on."""
        self.text = values.get("text", self.text)

    def preview(self) -> Iterator[Snapshot | Tick]:
        yield from self.unclip.preview(self.step, self.text)
