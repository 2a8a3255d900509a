"""The GAN family against closed forms, and against twins of it that are broken on purpose."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from gans import SMALL, learner, pictures, points, same, train, weights

from genstudio.data.work import finished
from genstudio.evaluation import plane
from genstudio.families.gan.config import GANConfig
from genstudio.families.gan.cost import EMBEDDING, cost
from genstudio.families.gan.data import prepare
from genstudio.families.gan.learner import GANLearner
from genstudio.families.gan.networks import EMBEDDING as BUILT
from genstudio.families.gan.networks import Discriminator
from genstudio.snapshots.samples import Histograms, Pictures, Plane
from genstudio.training import adversarial
from helpers import usually

RNG = np.random.default_rng(0)
LOGITS = torch.tensor([-3.0, -0.5, 0.0, 2.0, 40.0], dtype=torch.float64)


def test_the_losses_are_their_closed_forms() -> None:
    r, f = LOGITS[:4], LOGITS[:4].flip(0) * 0.7
    d, g = r.sigmoid(), f.sigmoid()
    for kind in ("minimax", "nonsaturating"):
        total = adversarial.real_loss(kind, r) + adversarial.fake_loss(kind, f)
        assert total.item() == pytest.approx(-(d.log().mean() + (1 - g).log().mean()).item(), abs=1e-7)
        smooth = adversarial.real_loss(kind, r, 0.1)
        target = torch.full_like(r, 0.9)
        assert smooth.item() == pytest.approx(F.binary_cross_entropy_with_logits(r, target).item(), abs=1e-7)
    assert adversarial.generator_loss("minimax", f).item() == pytest.approx((1 - g).log().mean().item(), abs=1e-7)
    assert adversarial.generator_loss("nonsaturating", f).item() == pytest.approx(-g.log().mean().item(), abs=1e-7)
    half, real = torch.tensor(0.5, dtype=torch.float64), adversarial.real_loss
    forms: list[tuple[torch.Tensor, torch.Tensor]] = [
        (real("least_squares", r, 0.1), half * ((r - 0.9) ** 2).mean()),
        (adversarial.fake_loss("least_squares", f), half * (f**2).mean()),
        (adversarial.generator_loss("least_squares", f), half * ((f - 1) ** 2).mean()),
        (real("hinge", r), (1 - r).clamp(min=0).mean()),
        (adversarial.fake_loss("hinge", f), (1 + f).clamp(min=0).mean()),
        (adversarial.generator_loss("hinge", f), -f.mean()),
    ]
    for kind in ("wasserstein", "wasserstein_gp"):
        forms += [(real(kind, r), -r.mean()), (adversarial.fake_loss(kind, f), f.mean())]
        forms += [(adversarial.generator_loss(kind, f), -f.mean())]
    assert [found.item() for found, _ in forms] == pytest.approx([form.item() for _, form in forms], abs=1e-7)
    assert torch.isfinite(adversarial.generator_loss("nonsaturating", -LOGITS * 100))


def test_at_one_half_the_value_is_minus_log_four() -> None:
    zero = torch.zeros(7, dtype=torch.float64)
    assert adversarial.value(zero, zero).item() == pytest.approx(-math.log(4), abs=1e-12)


def test_the_optimal_discriminator_gives_the_jensen_shannon_divergence() -> None:
    """Of distributions over 12 things, each thing as often as it is likely: there the losses are least, and -V."""
    p, q = (RNG.multinomial(5000, RNG.dirichlet(np.ones(12) * 4)) for _ in range(2))
    assert p.min() > 0 < q.min()
    logits = torch.from_numpy(np.log(p / q)).requires_grad_()  # D* = p / (p + q)
    things = torch.arange(12)
    r, f = (logits[things.repeat_interleave(torch.from_numpy(counts))] for counts in (p, q))
    loss = adversarial.real_loss("nonsaturating", r) + adversarial.fake_loss("nonsaturating", f)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient.abs().max() < 1e-12
    p, q = p / 5000, q / 5000
    middle = (p + q) / 2
    divergence = float((p * np.log(p / middle) + q * np.log(q / middle)).sum() / 2)
    assert adversarial.value(r, f).item() == pytest.approx(2 * divergence - math.log(4), abs=1e-7)
    assert -loss.item() == pytest.approx(2 * divergence - math.log(4), abs=1e-7)
    assert plane.jensen_shannon(p, q) == pytest.approx(divergence, abs=1e-12) and plane.jensen_shannon(p, p) == 0
    assert adversarial.value(-r, -f).item() < adversarial.value(r, f).item() - 0.01


def test_penalties_on_a_linear_critic_are_closed_forms() -> None:
    w = torch.randn(6, dtype=torch.float64)
    x, y = torch.randn(5, 6, dtype=torch.float64), torch.randn(5, 6, dtype=torch.float64)

    def judge(samples: torch.Tensor) -> torch.Tensor:
        return samples @ w

    norm = float(w.norm())
    for seed in range(3):
        shares = torch.rand(5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        found = adversarial.one_centred(judge, x, y, 10.0, shares).item()
        assert found == pytest.approx(10 * (norm - 1) ** 2, abs=1e-6)
    assert adversarial.zero_centred(judge, x, 3.0).item() == pytest.approx(1.5 * norm**2, abs=1e-6)


def test_lazy_penalties_come_every_so_often_and_that_of_wgan_gp_always(monkeypatch: pytest.MonkeyPatch) -> None:
    weighed: list[tuple[int, str, float]] = []
    for name in ("zero_centred", "one_centred"):
        plain = getattr(adversarial, name)

        def noted(*given: Any, name: str = name, plain: Any = plain) -> torch.Tensor:
            weighed.append((trained.step, name, given[2 if name == "zero_centred" else 3]))
            return plain(*given) * 0

        monkeypatch.setattr(adversarial, name, noted)
    trained = learner(loss="wasserstein_gp", gradient_penalty=3.0, r1=0.5, r2=0.0, penalty_every=3)
    train(trained, 1, 6)
    assert [w for w in weighed if w[1] == "one_centred"] == [(step, "one_centred", 3.0) for step in range(1, 7)]
    assert [w for w in weighed if w[1] == "zero_centred"] == [(3, "zero_centred", 0.5), (6, "zero_centred", 0.5)]


def test_spectral_norm_divides_by_the_largest_singular_value() -> None:
    torch.manual_seed(0)
    config = GANConfig.parse({**SMALL, "spectral_norm": True})
    judge = Discriminator(config, finished(prepare(config, points())).shape).train()
    for _ in range(100):
        judge(torch.randn(4, 2))
    judge.eval()
    for module in (judge.body[0], judge.head):  # type: ignore[index]
        assert torch.linalg.matrix_norm(module.weight.detach(), 2).item() == pytest.approx(1.0, abs=1e-4)


def plain(of: GANLearner, steps: int) -> None:
    """The game of Goodfellow et al. 2014 in its few lines, on the networks of a learner; no packing anywhere."""
    generator, judge = of.generator, of.discriminator

    def opinion(samples: torch.Tensor) -> torch.Tensor:
        return judge.head(judge.body(samples)).squeeze(1)

    for step in range(1, steps + 1):
        (real,), _ = of.batch(step)
        random = torch.Generator().manual_seed(of.seed * 1_000_003 + step)
        fake = generator(torch.randn(len(real), of.config.latent, generator=random)).detach()
        r, f = opinion(torch.cat([real, fake])).chunk(2)
        (F.softplus(-r).mean() + F.softplus(f).mean()).backward()
        of.optimizers["discriminator"].step()
        judge.zero_grad()
        scores = opinion(generator(torch.randn(len(real), of.config.latent, generator=random)))
        F.softplus(-scores).mean().backward()
        of.optimizers["generator"].step()
        judge.zero_grad()
        generator.zero_grad()


def test_packing_one_is_the_plain_game_and_packing_two_sees_pairs() -> None:
    values = {"r1": 0.0, "schedule": "constant"}
    one, other = learner(pack=1, **values), learner(**values)
    train(one, 1, 4)
    plain(other, 4)
    parts = ("generator", "discriminator")
    assert same(weights(one, *parts), weights(other, *parts))
    packed = learner(pack=2)
    pairs = torch.randn(8, 2)
    scores = packed.discriminator(pairs)
    assert scores.shape == (4,)
    moved = pairs.clone()
    moved[1] += 1
    assert (packed.discriminator(moved) != scores).tolist() == [True, False, False, False]


@pytest.mark.parametrize("values", [{}, {"spectral_norm": True}, {"norm": "batch"}, {"loss": "wasserstein"}])
def test_each_networks_step_leaves_the_other_untouched(values: dict[str, Any]) -> None:
    for who, other in (("discriminator", "generator"), ("generator", "discriminator")):
        trained = learner(trained=who, **values)
        before = weights(trained)
        train(trained, 1, 3)
        after = weights(trained)
        assert same({k: v for k, v in before.items() if k.startswith(other)},
                    {k: v for k, v in after.items() if k.startswith(other)})  # fmt: skip
        assert not same({k: v for k, v in before.items() if k.startswith(who)},
                        {k: v for k, v in after.items() if k.startswith(who)})  # fmt: skip


def walled_off(trained: GANLearner) -> bool:
    """Whether in each iteration the first half changes nothing of the generator, and the second nothing of its judge."""
    seen: list[tuple[int, Any, bool]] = []

    def note(number: int, *_: Any) -> None:
        seen.append((number, weights(trained), any(p.grad is not None for p in trained.generator.parameters())))

    trained._stage = note  # type: ignore[method-assign]
    for step in range(1, 4):
        before = weights(trained)
        seen.clear()
        trained.training_step(trained.batch(step), step, 0.0)
        for number, now, pulled in seen:
            untouched = "generator" if number <= 5 else "discriminator"
            if not same({k: v for k, v in before.items() if k.startswith(untouched)},
                        {k: v for k, v in now.items() if k.startswith(untouched)}):  # fmt: skip
                return False
            if number == 5:
                if pulled:
                    return False
                before = now
    return True


@pytest.mark.parametrize("values", [{}, {"spectral_norm": True, "norm": "batch", "d_updates": 2}, {"pack": 2}])
def test_in_one_iteration_each_half_leaves_the_other_network_untouched(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert walled_off(learner(**values))
    leaking = learner(**values)
    monkeypatch.setattr(leaking, "_fakes", leaking.generator)
    assert not walled_off(leaking)
    eager = learner(**values)
    apply = eager.updates.apply

    def both(norm: torch.Tensor, *names: str) -> None:
        apply(norm, *names)
        with torch.no_grad():
            next(eager.discriminator.parameters()).add_(1e-6)

    monkeypatch.setattr(eager.updates, "apply", both)
    assert not walled_off(eager)


def test_a_generator_that_sees_detached_fakes_does_not_learn_and_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    sound, broken = learner(), learner()
    monkeypatch.setattr(broken.updates, "frozen", lambda name: contextlib.nullcontext())
    forward = broken.discriminator.forward
    monkeypatch.setattr(broken.discriminator, "forward", lambda x, y=None: forward(x.detach(), y))
    start = weights(sound, "generator")
    train(sound, 1, 2)
    assert not same(start, weights(sound, "generator"))
    with pytest.raises((RuntimeError, IndexError)):
        train(broken, 1, 2)


def follows(trained: GANLearner) -> bool:
    """Whether the average is the generator's weights of all steps, each weighed by what the decays after it leave."""
    past, decays = [weights(trained, "generator")], []
    for step in range(1, 8):
        train(trained, step, step)
        decays.append(min(trained.config.ema, (1 + step) / (10 + step)))
        past.append(weights(trained, "generator"))
    shares = [math.prod(decays[i:]) * (1 - decays[i - 1] if i else 1) for i in range(len(past))]
    assert sum(shares) == pytest.approx(1)
    found = weights(trained, "average")
    return all(
        torch.allclose(found[k.replace("generator", "average")], sum(c * w[k] for c, w in zip(shares, past, strict=True)),
                       rtol=0, atol=1e-6) for k in past[0]
    )  # fmt: skip


def test_the_average_is_its_closed_form_and_one_that_stands_still_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    assert follows(learner(ema=0.9))
    without = learner(ema=0.0)
    train(without, 1, 2)
    assert all(torch.equal(a, b) for a, b in zip(without.model.average.parameters(), without.generator.parameters(), strict=True))
    still = learner(ema=0.9)
    monkeypatch.setattr(still, "_update_average", lambda: None)
    assert not follows(still)


@pytest.mark.parametrize("network", ["mlp", "dcgan", "residual"])
@pytest.mark.parametrize("condition", ["embedding", "projection"])
def test_both_networks_hear_of_the_class(network: str, condition: str) -> None:
    trained = learner(pictures(), network=network, condition=condition, conditional=True)
    train(trained, 1, 3)
    noise, asked = trained.model.noise(6, 0), np.array([0, 1, 0, 1, 0, 1])
    made, labels = trained.model.made(noise, asked), torch.from_numpy(asked)
    assert made.shape == (6, 1, 8, 8) and bool((made != trained.model.made(noise, 1 - asked)).any())
    with torch.no_grad():
        scores = trained.discriminator(made, labels)
        assert bool((scores != trained.discriminator(made, 1 - labels)).all())
    whole = learner(pictures(), network=network)
    assert whole.model.made(whole.model.noise(6, 0), None).shape == (6, 1, 8, 8)


def agreement(trained: GANLearner) -> float:
    made = trained.model.made(trained.model.noise(200, 1), np.arange(200) % 2)
    upper = made[:, :, :4].mean((1, 2, 3)) > made[:, :, 4:].mean((1, 2, 3))
    return float((upper == (torch.arange(200) % 2 == 0)).float().mean())


@usually("broken", ["", "shuffled", "swapped"], 2)
def test_a_class_that_is_asked_for_comes_and_broken_labels_are_caught(broken: str) -> None:
    found = []
    for seed in range(1 if broken == "swapped" else 3):  # without a link to the classes each seed goes its own way
        trained = learner(
            pictures(400), seed, conditional=True, batch=32, width=32, layers=1, d_rate=2e-3, g_rate=2e-3
        )
        data = trained.model.data
        assert data.labels is not None
        labels = 1 - data.labels
        if broken == "shuffled":  # half of each class has either label
            labels[np.argsort(data.labels, kind="stable")] = np.arange(len(labels)) % 2
        if broken:
            trained.model.data = replace(data, labels=labels)
        train(trained, 1, 250, 250)
        found.append(agreement(trained))
    assert (min(found) > 0.9) == (broken == ""), found


def test_costs_are_what_is_built_for_every_network_and_shape() -> None:
    assert EMBEDDING == BUILT
    cases = [(points(), {"network": "residual", "norm": "none"}), (points(), {"pack": 2, "norm": "batch"})]
    for size, channels in ((8, 1), (28, 3), (24, 1)):
        for network in ("mlp", "dcgan", "residual"):
            for more in ({}, {"conditional": True, "norm": "batch"}, {"conditional": True, "condition": "projection"}):
                cases.append((pictures(20, size, channels), {"network": network, **more}))
    for dataset, values in cases:
        built = learner(dataset, **values)
        count = sum(p.numel() for part in built.model.modules.values() for p in part.parameters())
        assert cost(built.config, built.model.data.shape).parameters == count, values


def test_previews_are_bounded_and_complete() -> None:
    flat = learner(latent=2)
    plane, scores = flat.preview()
    assert isinstance(plane, Plane) and isinstance(scores, Histograms)
    assert plane.field.shape == (40, 40) and plane.mesh is not None and plane.mesh.shape == (20, 20, 2)
    assert len(plane.arrows) == 200 and plane.scores is not None and plane.bounded and plane.field.min() >= 0
    shown = {s.channel: s for s in learner(pictures(), conditional=True, pack=2).preview()}  # type: ignore[union-attr]
    assert set(shown) == {"fixed", "fixed_raw", "real", "scores"}
    fixed = shown["fixed"]
    assert isinstance(fixed, Pictures) and fixed.pixels.shape == (64, 8, 8, 1) and fixed.classes == ("up", "down")


def test_arrows_point_where_the_loss_falls() -> None:
    trained = learner()
    train(trained, 1, 40)
    plane = next(iter(trained.preview()))
    assert isinstance(plane, Plane)
    fake = torch.from_numpy(trained.model.data.inside(plane.fake[:200]))
    step = torch.from_numpy(plane.arrows * 1e-3)
    with torch.no_grad():
        before = F.softplus(-trained.discriminator(fake))
        after = F.softplus(-trained.discriminator(fake + step))
    assert float((after - before).mean()) < 0


def test_the_same_seed_starts_the_same_whatever_the_game() -> None:
    """Also the generator alone, whatever discriminator it meets: a restart differs in the settings only."""
    one, other = learner(seed=5), learner(seed=5, loss="hinge", r1=7.0, d_rate=0.1, ema=0.5)
    assert same(weights(one), weights(other)) and not same(weights(one), weights(learner(seed=6)))
    assert same(weights(one, "generator"), weights(learner(seed=5, pack=2), "generator"))


def test_only_so_many_samples_are_used_as_asked_for() -> None:
    few = learner(examples=5)
    drawn = {tuple(point) for step in range(1, 30) for point in few.batch(step)[0].flatten(0, 1).tolist()}
    assert drawn == {tuple(point) for point in few.model.data.real[few.model.data.train[:5]].tolist()}
    assert same({"": learner(examples=10**6).batch(1)[0]}, {"": learner().batch(1)[0]})


