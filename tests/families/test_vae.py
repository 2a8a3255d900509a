"""VAEs against closed forms, and against twins of them that are broken on purpose."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from latents import learner, measured, pictures, points, train
from torch import Tensor
from torch.distributions import Bernoulli, MultivariateNormal, Normal, kl_divergence

from genstudio.data import shelf
from genstudio.events import Series
from genstudio.families.vae import bounds, model
from genstudio.families.vae.doctor import doctor
from genstudio.snapshots.samples import Bars, Codes, Histograms

TINY = {"width": 16, "layers": 1, "batch": 16, "code": 3}
LINEAR = {"network": "linear", "batch": 512, "learning_rate": 0.02, "hold": 0.2}
MEAN = torch.tensor([-2.0, 0.0, 0.3, 1.7], dtype=torch.float64)
LOG_VARIANCE = torch.tensor([-3.0, 0.0, 1.0, -0.4], dtype=torch.float64)


@pytest.fixture(scope="module")
def small() -> Any:
    trained = learner("vae", pictures(), **TINY)
    train(trained, 200)
    return trained


@pytest.fixture(scope="module")
def plane() -> Any:
    """A linear VAE with one number for points, whose log-likelihood is known."""
    trained = learner("vae", points(600), code=1, **LINEAR)
    train(trained, 600)
    return trained


def test_the_kl_is_that_of_torch_and_of_monte_carlo_and_with_its_sign_flipped_it_is_not() -> None:
    q, p = Normal(MEAN, (LOG_VARIANCE / 2).exp()), Normal(torch.zeros(4).double(), torch.ones(4).double())
    found = bounds.kl_to_prior(MEAN, LOG_VARIANCE)
    assert torch.allclose(found, kl_divergence(q, p), atol=1e-6, rtol=0)
    torch.manual_seed(0)
    z = q.sample((1_000_000,))
    terms = q.log_prob(z) - p.log_prob(z)
    error = 4 * terms.std(0) / 1000 + 1e-9
    assert ((terms.mean(0) - found).abs() < error).all()
    assert not ((terms.mean(0) + found).abs() < error).all()
    assert found[1] == 0 and (found >= 0).all()


def test_likelihoods_are_those_of_torch() -> None:
    torch.manual_seed(1)
    x, made = torch.rand(5, 1, 4, 4, dtype=torch.float64), torch.randn(5, 1, 4, 4, dtype=torch.float64)
    scale = torch.tensor(-0.7, dtype=torch.float64)
    wanted = Normal(made, scale.exp()).log_prob(x).flatten(1).sum(1)
    assert torch.allclose(bounds.log_likelihood("gaussian", x, made, scale), wanted, atol=1e-9)
    white = (x > 0.5).double()
    wanted = Bernoulli(logits=made).log_prob(white).flatten(1).sum(1)
    assert torch.allclose(bounds.log_likelihood("bernoulli", white, made), wanted, atol=1e-9)
    wanted = Normal(MEAN, (LOG_VARIANCE / 2).exp()).log_prob(x.flatten(1)[:, :4]).sum(1)
    assert torch.allclose(bounds.log_normal(x.flatten(1)[:, :4], MEAN, LOG_VARIANCE), wanted, atol=1e-9)


def test_the_exact_likelihood_of_a_linear_one_is_that_of_its_normal_distribution() -> None:
    torch.manual_seed(2)
    weight, bias, x = torch.randn(6, 2), torch.randn(6), torch.randn(9, 6)
    scale = torch.tensor(-0.3)
    covariance = weight.double() @ weight.double().T + math.exp(-0.6) * torch.eye(6).double()
    wanted = MultivariateNormal(bias.double(), covariance).log_prob(x.double())
    assert torch.allclose(bounds.linear_gaussian(x, weight, bias, scale), wanted, atol=1e-5)


def with_wrong_posterior(plane: Any) -> Any:
    """The same decoder, with an encoder that is off, so that bounds are loose."""
    loose = learner("vae", points(600), code=1, **LINEAR)
    for mine, theirs in zip(loose.model.modules.values(), plane.model.modules.values(), strict=True):
        mine.load_state_dict(theirs.state_dict())
    with torch.no_grad():
        loose.model.encoder.head.bias += torch.tensor([0.4, 1.0])
    return loose.model


def test_the_importance_bound_rises_with_its_codes_to_the_exact_likelihood(plane: Any) -> None:
    loose = with_wrong_posterior(plane)
    held = loose.data.held
    x, exact = loose.form.stored(held), loose.exact(held)
    with torch.no_grad():
        found = [loose.importance(x, None, k, torch.Generator().manual_seed(k)) for k in (1, 5, 50, 500)]
        again = [loose.importance(x, None, 1, torch.Generator().manual_seed(n)) for n in range(200)]
        mean, log_variance = loose.posterior(x, None)
    for less, more in itertools.pairwise(found):
        error = 2 * float((more - less).std()) / math.sqrt(len(x))
        assert float((more - less).mean()) > -error
    assert float((found[-1] - exact).mean().abs()) < 0.05
    assert float((found[0] - exact).mean()) < -0.05
    kl = bounds.kl_to_prior(mean, log_variance).sum(1)
    torch.manual_seed(0)
    z = mean + (log_variance / 2).exp() * torch.randn(200, *mean.shape)
    with torch.no_grad():
        given = torch.stack([loose.likelihood(x, one, None) for one in z]).mean(0)
    elbo, one = given - kl - loose.form.nats, torch.stack(again)
    error = 2 * float((one.mean(1)).std()) / math.sqrt(len(again)) * 2
    assert float(one.mean() - elbo.mean()) == pytest.approx(0, abs=error)


def test_an_importance_bound_without_the_posterior_in_it_is_caught(plane: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    loose, plain = with_wrong_posterior(plane), bounds.log_normal

    def forgetful(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
        return plain(z, mean, log_variance) if not mean.any() else torch.zeros(z.shape[:-1])

    monkeypatch.setattr(model, "log_normal", forgetful)
    held = loose.data.held
    with torch.no_grad():
        found = loose.importance(loose.form.stored(held), None, 500, torch.Generator().manual_seed(0))
    assert float((found - loose.exact(held)).mean().abs()) > 0.05


def ppca(flat: Tensor, code: int) -> float:
    """The mean log-likelihood of probabilistic PCA of samples (n, D) at its optimum (Tipping & Bishop 1999)."""
    centred = flat - flat.mean(0)
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(flat))
    values[: len(values) - code] = values[: len(values) - code].mean()
    return float(MultivariateNormal(flat.mean(0), vectors @ values.diag() @ vectors.T).log_prob(flat).mean())


@pytest.mark.thorough
def test_a_linear_one_comes_to_probabilistic_pca_and_with_its_kl_flipped_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    for sign in (1, -1):
        if sign < 0:
            monkeypatch.setattr(model, "kl_to_prior", lambda m, v: -bounds.kl_to_prior(m, v))
        trained = learner("vae", points(600), code=1, **LINEAR | {"clip": 1.0})
        train(trained, 600)
        fitted, chosen = trained.model, trained.model.data.train
        best = ppca(fitted.form.stored(chosen).double(), 1) - fitted.form.nats
        with torch.no_grad():
            bound = float(fitted.importance(fitted.form.stored(chosen), None, 20, torch.Generator().manual_seed(0)).mean())
        told.append((best, float(fitted.exact(chosen).mean()), bound))
    (best, exact, bound), (_, wrong, _) = told
    assert exact == pytest.approx(best, rel=0.005) and bound == pytest.approx(best, rel=0.01)
    assert wrong != pytest.approx(best, rel=0.005)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_digits_linear(seed: int) -> None:
    digits: Any = shelf.open_dataset(shelf.find_dataset("digits8"))
    trained = learner("vae", digits, seed, **LINEAR | {"code": 4, "batch": 2048, "learning_rate": 0.01})
    train(trained, 1500)
    fitted, chosen = trained.model, trained.model.data.train
    best = ppca(fitted.form.stored(chosen).flatten(1).double(), 4)
    exact = fitted.exact(chosen)
    assert float(exact.mean()) == pytest.approx(best, rel=0.005)
    x = fitted.form.stored(chosen[:400])
    with torch.no_grad():
        found = [fitted.importance(x, None, k, torch.Generator().manual_seed(k)) for k in (1, 5, 50, 500)]
    for less, more in itertools.pairwise(found):
        assert float((more - less).mean()) > -2 * float((more - less).std()) / 20
    assert float((found[-1] - exact[:400]).mean().abs()) < 0.05


def test_an_evaluation_adds_up_and_its_bounds_are_in_order(small: Any) -> None:
    found = measured(small.model)
    assert found["elbo_nats"] == pytest.approx(found["reconstruction_nats"] - found["kl_nats"]) == -found["val_loss"]
    assert found["kl_nats"] > 0 and found["val_loss"] < found["simple_loss"]
    held = small.model.data.held
    with torch.no_grad():
        many = float(small.model.importance(small.model.form.stored(held), None, 100, torch.Generator().manual_seed(0)).mean())
    assert many >= found["elbo_nats"]


def test_the_loss_weighs_the_kl_by_beta_that_rises(small: Any) -> None:
    x, _ = small.batch(1)
    losses = []
    for values in ({"beta": 0.0}, {"beta": 4.0}, {"beta": 4.0, "kl_warmup": 4}):
        small.change({"kl_warmup": 0} | values)
        torch.manual_seed(0)
        with torch.no_grad():
            loss, told = small.model.loss(x, None, 1)
        losses.append(float(loss) * 64)
    small.change({"beta": 1.0, "kl_warmup": 0})
    assert losses[1] - losses[0] == pytest.approx(4 * float(told["kl"]), rel=1e-3)
    assert losses[2] - losses[0] == pytest.approx(float(told["kl"]), rel=1e-3)
    assert float(told["train_loss"]) == pytest.approx(float(told["reconstruction_loss"]) + float(told["kl"]), rel=1e-5)


def test_what_is_seen_while_it_learns(small: Any) -> None:
    shown = {snapshot.channel: snapshot for snapshot in small.preview()}
    assert set(shown) == {"kl_by_number", "codes", "posterior", "real", "reconstructions", "errors", "samples"}
    bars, codes, posterior = shown["kl_by_number"], shown["codes"], shown["posterior"]
    assert isinstance(bars, Bars) and isinstance(codes, Codes) and isinstance(posterior, Histograms)
    assert bars.names == ("1", "2", "3") and set(codes.axes) == set(np.argsort(-bars.values)[:2].tolist())
    assert codes.points == pytest.approx(small.model.encode(small.model.data.real[small.model.shown.mapped])[:, codes.axes])
    assert {name: counts.sum() for name, counts in posterior.counts.items()} == {"q(z)": 12, "p(z)": 12}


def test_a_class_can_be_asked_for_and_is_guessed_of_a_picture_of_ones_own() -> None:
    trained = learner("vae", pictures(200), conditional=True, learning_rate=5e-3, **TINY)
    train(trained, 500)
    fitted, data = trained.model, pictures(200)
    (made,) = fitted.sample(fitted.noise(40, 0), np.arange(40) % 2, "mean")
    upper, lower = made.samples[:, :4].mean((1, 2, 3)), made.samples[:, 4:].mean((1, 2, 3))
    assert ((upper > lower) == (np.arange(40) % 2 == 0)).mean() >= 0.9
    wanted = np.asarray(data.labels[:20])
    assert (fitted._told(data.pixels[:20], None).numpy() == wanted).mean() >= 0.9
    assert fitted.reconstruct(data.pixels[:20]).shape == data.pixels[:20].shape


@pytest.mark.parametrize("values", [{"network": "conv", "channels": 4}, {"likelihood": "bernoulli"}, {"noise": "fixed"}])
def test_every_network_and_likelihood_learns(values: dict[str, Any]) -> None:
    trained = learner("vae", pictures(), **TINY | values)
    before = measured(trained.model)["val_loss"]
    train(trained, 60)
    assert measured(trained.model)["val_loss"] < before
    drawn = [next(iter(trained.model.sample(trained.model.noise(5, 0), None, variant))).samples for variant in ("mean", "noisy")]
    assert drawn[0].shape == drawn[1].shape == (5, 8, 8, 1) and (drawn[0] != drawn[1]).any()


@pytest.mark.thorough
def test_the_doctor_sees_a_collapsed_code_and_names_its_numbers() -> None:
    told = []
    for beta in (100.0, 1.0):
        trained = learner("vae", pictures(300), beta=beta, learning_rate=5e-3, **TINY)
        watching, settings = doctor(), trained.model.config.model_dump()
        found: list[Any] = []
        for step in range(100, 501, 100):
            numbers = train(trained, 100) | measured(trained.model)
            at = np.array([step], np.int64)
            looks = [s for s in trained.model.preview(step) if isinstance(s, Bars)]
            found += watching.see({n: Series(at, np.array([v])) for n, v in numbers.items()}, looks, settings)
        told.append({diagnosis.name: diagnosis for diagnosis in found})
    assert {"collapse", "plateau"} <= set(told[0]) and "1, 2, 3" in told[0]["collapse"].sentence
    assert told[0]["collapse"].advice[0].values == {"beta": 1.0} and not told[1]
