"""A variational autoencoder (Kingma & Welling 2014): samples become distributions over codes, and codes become samples."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from genstudio.data.learnable.samples import SampleData
from genstudio.events import Snapshot
from genstudio.families.abilities import LatentSpec, Made
from genstudio.families.coder import build
from genstudio.families.samples import (
    ROWS,
    Array,
    OnSamples,
    codes,
    compared,
    copies,
    density_field,
    noise_of,
    pictures,
    plane,
    warped_grid,
)
from genstudio.families.vae.bounds import (
    importance_bound,
    kl_to_prior,
    linear_gaussian,
    log_likelihood,
    log_normal,
)
from genstudio.families.vae.config import VAEConfig
from genstudio.snapshots.samples import Bars, Histograms
from genstudio.training.learner import Measured

COLLAPSED = 0.01
"""Nats below which a number of the code says nothing."""
_SEED = 20_131_220
_WEIGHED, _KNOWN = 500, 2000
_FIELD = 8


class Noise(nn.Module):
    """The logarithm of the deviation that a Gaussian decoder's answers have, one for all numbers."""

    def __init__(self, deviation: float, learnt: bool) -> None:
        super().__init__()
        self.log_deviation = nn.Parameter(torch.tensor(math.log(deviation)), requires_grad=learnt)


class VAE(OnSamples):
    """q(z | x) = N(mu, s^2) of the encoder, p(x | z) of the decoder, p(z) = N(0, 1)."""

    def __init__(self, config: VAEConfig, data: SampleData, device: str, seed: int) -> None:
        self.config, self.device = config, torch.device(device)
        self.classes = data.shape.classes if config.conditional else ()
        centred = config.likelihood == "gaussian"
        self.encoder, self.decoder = build(config, data, seed, 2 * config.code, len(self.classes), centred=centred)
        if config.network == "linear":  # at the best of linear models the variances of q do not depend on x
            nn.init.zeros_(self.encoder.head.weight[config.code :])
            nn.init.zeros_(self.encoder.head.bias[config.code :])
        self.noise_scale = Noise(config.deviation, centred and config.noise == "learnt")
        self.modules: Mapping[str, nn.Module] = {
            "encoder": self.encoder, "decoder": self.decoder, "noise": self.noise_scale,
        }  # fmt: skip
        for module in self.modules.values():
            module.to(self.device)
        self.squashed = (data.shape.kind == "images" and config.network != "linear") or config.likelihood == "bernoulli"
        self.variants = ("noisy", "mean") if data.shape.kind == "points" else ("mean", "noisy")
        self.latent = LatentSpec(config.code)
        self._take(data)

    def _take(self, data: SampleData) -> None:
        super()._take(data)
        self._simple: float | None = None

    def posterior(self, x: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (B, code) of q(z | x)."""
        mean, log_variance = self.encoder(x, labels).chunk(2, 1)
        return mean, log_variance

    def likelihood(self, x: Tensor, z: Tensor, labels: Tensor | None) -> Tensor:
        """log p(x | z) (B,) in nats"""
        made = self.decoder(z, labels)
        if self.config.likelihood == "bernoulli":
            return log_likelihood("bernoulli", x, made)
        return log_likelihood("gaussian", x, self._squash(made), self.noise_scale.log_deviation)

    def decode(self, z: Tensor, labels: Tensor | None) -> Tensor:
        """The mean of p(x | z)."""
        return self._squash(self.decoder(z, labels))

    def _squash(self, made: Tensor) -> Tensor:
        return made.sigmoid() if self.squashed else made

    def loss(self, x: Tensor, labels: Tensor | None, step: int) -> tuple[Tensor, dict[str, Tensor | float]]:
        """-E log p(x | z) + beta KL(q(z | x) || p(z)) over the numbers of a sample, so that gradients are of one size for all.

        `train_loss` is minus the bound itself, whatever beta is.
        """
        mean, log_variance = self.posterior(x, labels)
        z = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        reconstruction = -self.likelihood(x, z, labels).mean()
        kl = kl_to_prior(mean, log_variance).sum(1).mean()
        beta = self.config.weight(step)
        loss = (reconstruction + beta * kl) / self.data.shape.numbers
        told, divergence = reconstruction.detach() + self.form.nats, kl.detach()
        values: dict[str, Tensor | float] = {
            "train_loss": told + divergence, "reconstruction_loss": told, "kl": divergence, "beta": beta,
        }  # fmt: skip
        if self.config.likelihood == "gaussian":
            values["deviation"] = self.noise_scale.log_deviation.detach().exp()
        return loss, values

    @torch.no_grad()
    def sample(self, latents: Array, labels: Array | None = None, variant: str = "mean") -> Iterator[Made]:
        """The mean of p(x | z), or, "noisy", a draw of it."""
        if labels is None and self.classes:
            labels = np.arange(len(latents)) % len(self.classes)
        made = self.decode(torch.from_numpy(latents).to(self.device), self._labels(labels))
        if variant == "noisy":
            made = self._drawn(made, noise_of(latents))
        yield Made(self.form.outside(made))

    def _drawn(self, mean: Tensor, random: torch.Generator) -> Tensor:
        if self.config.likelihood == "bernoulli":
            return torch.bernoulli(mean.cpu(), generator=random).to(self.device)
        drawn = torch.randn(mean.shape, generator=random).to(self.device)
        return mean + self.noise_scale.log_deviation.exp() * drawn

    def _labels(self, labels: Array | None) -> Tensor | None:
        return None if labels is None or not self.classes else torch.from_numpy(labels).to(self.device)

    @torch.no_grad()
    def encode(self, samples: Array, labels: Array | None = None) -> Array:
        """The means of q(z | x)."""
        found: Array = self.posterior(self.form.inside(samples), self._told(samples, labels))[0].cpu().numpy()
        return found

    @torch.no_grad()
    def reconstruct(self, samples: Array, labels: Array | None = None) -> Array:
        asked = self._told(samples, labels)
        mean, _ = self.posterior(self.form.inside(samples), asked)
        return self.form.outside(self.decode(mean, asked))

    def _told(self, samples: Array, labels: Array | None) -> Tensor | None:
        """The classes given, or else those under which each sample is most_probable."""
        if not self.classes or labels is not None:
            return self._labels(labels)
        x, bounds = self.form.inside(samples), []
        for k in range(len(self.classes)):
            asked = torch.full((len(x),), k, device=self.device)
            mean, log_variance = self.posterior(x, asked)
            bounds.append(self.likelihood(x, mean, asked) - kl_to_prior(mean, log_variance).sum(1))
        return torch.stack(bounds, 1).argmax(1)

    def first_weight(self, variant: str) -> Array | None:
        """What the decoder's first layer does with the latents."""
        weight: Array = self.decoder.first.weight.detach()[:, : self.config.code].cpu().numpy()
        return weight

    @torch.no_grad()
    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """In nats per sample that is kept from training, in the units of the dataset, pixels from 0 to 1: `elbo_nats` =
        `reconstruction_nats` - `kl_nats`; `val_loss` is minus the first, `known_loss` the same of samples that were trained
        on; `simple_loss` is what the same likelihood reaches with a code without information; `active_codes` are the numbers
        that say more than COLLAPSED nats. When exact also `iwae_nats`, with `iwae_samples` codes for each of `iwae_count`
        samples, and, where all is linear and Gaussian, the `exact_nats` of the same ones. Yields nothing without data."""
        if not len(self.data.train):
            return
        held = self.data.held if len(self.data.held) else self.data.train
        reconstruction, kl = self._bound(held)
        yield Measured(done=0.2)
        known = self._bound(self.reference.used[:_KNOWN])
        elbo = reconstruction - float(kl.sum())
        values = {
            "val_loss": -elbo,
            "elbo_nats": elbo,
            "reconstruction_nats": reconstruction,
            "kl_nats": float(kl.sum()),
            "known_loss": float(known[1].sum()) - known[0],
            "simple_loss": self._simplest(held),
            "active_codes": float((kl > COLLAPSED).sum()),
        }
        if exact:
            chosen = held[:_WEIGHED]
            values |= {"iwae_samples": float(self.config.importance), "iwae_count": float(len(chosen))}
            values["iwae_nats"] = yield from self._weighed(chosen, self.config.importance)
            if (nats := self.exact(chosen)) is not None:
                values["exact_nats"] = float(nats.mean())
        values |= yield from compared(self, exact)
        yield Measured(values)

    def _bound(self, chosen: Array) -> tuple[float, Array]:
        """Mean log p(x | z) of stored samples, with fixed noise, and the mean KL (code,) of each number."""
        total, kl, random = 0.0, np.zeros(self.config.code), torch.Generator().manual_seed(_SEED)
        for first in range(0, len(chosen), ROWS):
            part = chosen[first : first + ROWS]
            x, labels = self.form.stored(part), self._of(part)
            mean, log_variance = self.posterior(x, labels)
            z = mean + (log_variance / 2).exp() * torch.randn(mean.shape, generator=random).to(self.device)
            total += float(self.likelihood(x, z, labels).double().sum())
            kl += kl_to_prior(mean, log_variance).double().sum(0).cpu().numpy()
        return total / len(chosen) - self.form.nats, kl / len(chosen)

    @torch.no_grad()
    def importance(self, x: Tensor, labels: Tensor | None, k: int, random: torch.Generator) -> Tensor:
        """The bound of log p(x) with k codes for each sample (B, ...), in nats of the dataset's units: (B,)"""
        mean, log_variance = self.posterior(x, labels)
        z = mean + (log_variance / 2).exp() * torch.randn((k, *mean.shape), generator=random).to(self.device)
        asked = None if labels is None else labels.repeat(k)
        given = self.likelihood(x.repeat(k, *[1] * (x.ndim - 1)), z.flatten(0, 1), asked).view(k, -1)
        zero = torch.zeros_like(mean)
        weights = given + log_normal(z, zero, zero) - log_normal(z, mean, log_variance)
        return importance_bound(weights.double()) - self.form.nats

    def _weighed(self, chosen: Array, k: int) -> Generator[Measured, None, float]:
        total, random, rows = 0.0, torch.Generator().manual_seed(_SEED + 1), max(1, 20_000 // k)
        for first in range(0, len(chosen), rows):
            part = chosen[first : first + rows]
            total += float(self.importance(self.form.stored(part), self._of(part), k, random).sum())
            yield Measured(done=0.4)
        return total / len(chosen)

    @torch.no_grad()
    def exact(self, chosen: Array) -> Tensor | None:
        """log p(x) (n,) of stored samples by closed form, where decoder and noise are linear and Gaussian; else None."""
        config = self.config
        if config.network != "linear" or config.likelihood != "gaussian" or self.classes:
            return None
        layer, x = self.decoder.first, self.form.stored(chosen).flatten(1)
        return linear_gaussian(x, layer.weight, layer.bias, self.noise_scale.log_deviation) - self.form.nats

    def _of(self, chosen: Array) -> Tensor | None:
        return self.form.labels(chosen) if self.classes else None

    def _simplest(self, held: Array) -> float:
        """Minus nats of the mean sample, whatever x is: by a deviation fitted to the training samples, or the fixed one."""
        if self._simple is None:
            flat, other = (self.form.stored(c).flatten(1).double() for c in (self.data.train, held))
            mean = flat.mean(0)
            if self.config.likelihood == "bernoulli":
                nats = log_likelihood("bernoulli", other, mean.clamp(1e-4, 1 - 1e-4).logit().expand_as(other))
            else:
                fitted = (flat - mean).square().mean().sqrt().log()
                fixed = torch.tensor(math.log(self.config.deviation), dtype=flat.dtype)
                scale = fitted if self.config.noise == "learnt" else fixed
                nats = log_likelihood("gaussian", other, mean.expand_as(other), scale)
            self._simple = self.form.nats - float(nats.mean())
        return self._simple

    @torch.no_grad()
    def preview(self, step: int) -> Iterator[Snapshot]:
        """`plane`: real points and made ones; or `real`, `reconstructions`, `errors` and `samples`. `kl_by_number` of the
        code, the map of `codes`, and `posterior`: all codes together against the prior."""
        data, form, shown = self.data, self.form, self.shown
        if not len(shown.chosen):
            return
        mapped = form.stored(shown.mapped)
        mean, log_variance = self.posterior(mapped, self._of(shown.mapped))
        kl = kl_to_prior(mean, log_variance).mean(0).cpu().numpy()
        best = np.argsort(-kl, kind="stable")[:2].tolist()
        notes = tuple("collapsed" if value < COLLAPSED else "" for value in kl)
        yield Bars("kl_by_number", step, kl.astype(np.float32), tuple(map(str, range(1, len(kl) + 1))), notes, "nats")
        axes = (best[0], best[1]) if len(best) > 1 else (0, 0)
        yield codes(step, data, shown.mapped, mean.cpu().numpy(), axes)
        yield self._aggregate(step, mean[:, best], log_variance[:, best])
        (made,) = self.sample(*self.fixed, self.variants[0])
        if form.points:
            grid, real = warped_grid(self, "mean"), form.outside(form.stored(shown.chosen))
            yield plane(step, data, real, made.samples, density_field(data, self._density), grid)
            return
        x, labels = form.stored(shown.chosen), self._of(shown.chosen)
        yield from copies(step, data, form, shown, x, self.decode(self.posterior(x, labels)[0], labels))
        yield pictures("samples", step, data, made.samples, shown.labels)

    def _aggregate(self, step: int, mean: Tensor, log_variance: Tensor) -> Histograms:
        """Codes drawn of q(z | x) for all x together, of the numbers that say most, beside as many of the prior."""
        random = torch.Generator().manual_seed(_SEED)
        drawn, prior = torch.randn((2, *mean.shape), generator=random)
        found = {"q(z)": mean.cpu() + (log_variance.cpu() / 2).exp() * drawn, "p(z)": prior}
        edges = np.linspace(-4, 4, 41)
        counts = {name: np.histogram(z.numpy().clip(-4, 4), edges)[0] for name, z in found.items()}
        return Histograms("posterior", step, edges, counts)

    def _density(self, places: Array) -> Array:
        """A bound of log p(x) with a few codes for each place (n, 2) of the dataset's units."""
        random = torch.Generator().manual_seed(_SEED)
        found: Array = self.importance(self.form.inside(places), None, _FIELD, random).cpu().numpy()
        return found
