"""An autoencoder: a copy through a bottleneck, a Gaussian over its codes to draw from, and PCA of the same size beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from genstudio.data.learnable.samples import SampleData
from genstudio.evaluation.subspaces import principal, principal_angles
from genstudio.events import Snapshot
from genstudio.families.abilities import LatentSpec, Made
from genstudio.families.autoencoder.config import AutoencoderConfig
from genstudio.families.coder import build
from genstudio.families.samples import (
    ARROWS,
    ROWS,
    Array,
    Form,
    OnSamples,
    codes,
    compared,
    copies,
    pictures,
    plane,
    warped_grid,
)
from genstudio.nn.ema import update_ema
from genstudio.training.learner import Measured

_MEMORY = 0.99
_HEARD = 2000
"""Training samples that are copied to know how well those are."""


class CodePrior(nn.Module):
    """The mean (k,) and covariance (k, k) of the codes of the last batches: a Gaussian to draw codes from."""

    mean: Tensor
    covariance: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("covariance", torch.eye(size))

    @torch.no_grad()
    def follow(self, code: Tensor, step: int) -> None:
        """Take in the codes (B, k) of a batch."""
        mean = code.mean(0)
        away = code - mean
        update_ema([self.mean, self.covariance], [mean, away.T @ away / max(len(code) - 1, 1)], _MEMORY, step)

    def axes(self) -> tuple[Tensor, Tensor]:
        """Deviations (k,), largest first, and the directions (k, k) along which they are, in rows."""
        values, vectors = torch.linalg.eigh(self.covariance.double())
        found = vectors.flip(1).T
        signs = found.gather(1, found.abs().argmax(1, keepdim=True)).sign()
        return values.flip(0).clamp_min(1e-12).sqrt().float(), (found * signs).float()


@dataclass(frozen=True, eq=False)
class PCA:
    """Of the training samples: mean (D,), directions (k, D), and the mean squared errors per number of held-out samples copied
    through k directions, and of predicting the mean alone."""

    mean: Tensor
    directions: Tensor
    error: float
    mean_error: float

    def copy(self, flat: Tensor) -> Tensor:
        """(n, D) -> (n, D)"""
        centred = flat - self.mean
        return self.mean + centred @ self.directions.T @ self.directions


class Autoencoder(OnSamples):
    """Latents are codes along the axes of their Gaussian, over their deviations: so they are as standard normal as one can
    make them, the widest first."""

    variants = ("model",)
    classes: tuple[str, ...] = ()

    def __init__(self, config: AutoencoderConfig, data: SampleData, device: str, seed: int) -> None:
        self.config, self.device = config, torch.device(device)
        self.encoder, self.decoder = build(config, data, seed, config.code)
        self.prior = CodePrior(config.code)
        self.modules: Mapping[str, nn.Module] = {"encoder": self.encoder, "decoder": self.decoder, "prior": self.prior}
        for module in self.modules.values():
            module.to(self.device)
        self.squashed = data.shape.kind == "images" and config.network != "linear"
        self.latent = LatentSpec(config.code)
        self._take(data)

    def _take(self, data: SampleData) -> None:
        super()._take(data)
        self._pca: PCA | None = None

    def decode(self, code: Tensor) -> Tensor:
        """code (B, code) -> samples; those of pictures between black and white, but for a linear network"""
        made = self.decoder(code)
        return made.sigmoid() if self.squashed else made

    def loss(self, x: Tensor, _labels: Tensor | None, step: int) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Mean squared error per number, and the L2 penalty over the numbers of a sample (Kunin et al. 2019, eq. 3)."""
        config = self.config
        seen = x + config.noise * torch.randn_like(x) if config.noise else x
        code = self.encoder(seen)
        error = (self.decode(code) - x).square().mean()
        self.prior.follow(code.detach(), step)
        loss = error
        if config.l2:
            squares = sum(p.square().sum() for p in self._weights())
            loss = error + config.l2 * squares / self.data.shape.numbers
        return loss, {"train_loss": error.detach()}

    def _weights(self) -> Iterator[Tensor]:
        return (p for half in (self.encoder, self.decoder) for p in half.parameters() if p.ndim > 1)

    @torch.no_grad()
    def sample(self, latents: Array, labels: Array | None = None, variant: str = "model") -> Iterator[Made]:
        yield Made(self.form.outside(self.decode(self._code(latents))))

    def _code(self, latents: Array) -> Tensor:
        deviations, axes = self.prior.axes()
        return self.prior.mean + torch.from_numpy(latents).to(self.device) * deviations @ axes

    @torch.no_grad()
    def encode(self, samples: Array) -> Array:
        return self._latents(self.form.inside(samples))

    def _latents(self, x: Tensor) -> Array:
        deviations, axes = self.prior.axes()
        found: Array = ((self.encoder(x) - self.prior.mean) @ axes.T / deviations).cpu().numpy()
        return found

    @torch.no_grad()
    def reconstruct(self, samples: Array) -> Array:
        return self.form.outside(self.copy(self.form.inside(samples)))

    def copy(self, x: Tensor) -> Tensor:
        """Samples (B, ...) through the bottleneck."""
        return self.decode(self.encoder(x))

    def first_weight(self, variant: str) -> Array | None:
        """What the decoder's first layer does with the latents."""
        deviations, axes = self.prior.axes()
        weight = self.decoder.first.weight.detach()
        return (weight @ axes.T * deviations).cpu().numpy()

    @torch.no_grad()
    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """Mean squared errors per number. `val_loss` and `reconstruction_error` of samples kept from training, `known_error`
        of some that were trained on, `pca_reconstruction_error` of PCA with as many directions, `simple_loss` of always
        predicting the mean; of a linear one the largest principal angle between both subspaces, in degrees, and
        `axis_cosine`, how well the least fitting of its singular vectors agrees with a principal axis. Yields nothing
        without data."""
        if not len(self.data.train):
            return
        pca = self.pca()
        yield Measured(done=0.3)
        held = self.data.held if len(self.data.held) else self.data.train
        error = self._error(held)
        values = {
            "val_loss": error,
            "reconstruction_error": error,
            "known_error": self._error(self.reference.used[:_HEARD]),
            "pca_reconstruction_error": pca.error,
            "simple_loss": pca.mean_error,
        }
        if self.config.network == "linear":
            weight = self.decoder.first.weight.double()  # (D, k)
            values["principal_angle_degrees"] = float(principal_angles(weight.T, pca.directions)[-1])
            vectors = torch.linalg.svd(weight, full_matrices=False)[0]
            values["axis_cosine"] = float((vectors * pca.directions.T).sum(0).abs().min())
        values |= yield from compared(self, exact)
        yield Measured(values)

    @torch.no_grad()
    def _error(self, chosen: Array) -> float:
        total = 0.0
        for first in range(0, len(chosen), ROWS):
            x = self.form.stored(chosen[first : first + ROWS])
            total += float((self.copy(x) - x).double().square().sum())
        return total / (len(chosen) * self.data.shape.numbers)

    @torch.no_grad()
    def pca(self) -> PCA:
        """PCA of the samples that are trained on, with as many directions as there are numbers in the code."""
        if self._pca is None:
            form, numbers = Form(self.data, torch.device("cpu"), torch.float64), self.data.shape.numbers
            flat = form.stored(self.reference.used).flatten(1)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                found = PCA(flat.mean(0), principal(flat - flat.mean(0), min(self.config.code, numbers))[1], 0.0, 0.0)
            held = form.stored(self.data.held if len(self.data.held) else self.data.train).flatten(1)
            errors = [float((copied - held).square().mean()) for copied in (found.copy(held), found.mean)]
            self._pca = PCA(found.mean, found.directions, *errors)
        return self._pca

    @torch.no_grad()
    def preview(self, step: int) -> Iterator[Snapshot]:
        """`plane`: real points, and where they are copied to, with arrows back; or `real`, `reconstructions`, `errors`, the
        copies of `pca`, and `samples` of fixed codes. The map of codes is `codes`."""
        data, form, shown = self.data, self.form, self.shown
        if not len(shown.chosen):
            return
        x = form.stored(shown.chosen)
        made = self.copy(x)
        yield codes(step, data, shown.mapped, self._latents(form.stored(shown.mapped)))
        if form.points:
            real, fake = form.outside(x), form.outside(made)
            typical = float(np.median(np.square(fake - real).sum(1))) + 1e-12

            def near(places: Array) -> Array:
                away = np.square(self.reconstruct(places) - places).sum(1)
                return np.exp2(-away / typical)

            yield plane(step, data, real, fake, near, warped_grid(self, "model"), (real - fake)[:ARROWS])
            return
        yield from copies(step, data, form, shown, x, made)
        flat = x.flatten(1).double().cpu()
        beside = self.pca().copy(flat)
        lost = (beside - flat).square().mean(1).float().numpy()
        yield pictures("pca", step, data, form.outside(form.shaped(beside)), shown.real_labels(data), lost)
        (drawn,) = self.sample(shown.noise)
        yield pictures("samples", step, data, drawn.samples)
