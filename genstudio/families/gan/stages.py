"""One iteration of a GAN in numbered stages: names, formulas and which way the data goes. No torch."""

from __future__ import annotations

from genstudio.families.gan.config import GANConfig

TITLES = (
    "Sample real data and noise",
    "The generator turns the noise into fakes",
    "The discriminator judges both",
    "The discriminator's loss and its gradient",
    "The discriminator is updated",
    "New noise and new fakes, judged by the updated discriminator",
    "The generator's loss and its gradient at the fakes",
    "The generator is updated",
)
PATHS = (
    ("data", "noise"),
    ("noise", "generator", "fake"),
    ("data", "fake", "discriminator", "scores"),
    ("scores", "d_loss", "discriminator"),
    ("d_loss", "discriminator"),
    ("noise", "generator", "fake", "discriminator", "scores"),
    ("scores", "g_loss", "discriminator", "fake", "generator"),
    ("g_loss", "generator"),
)
"""The parts that data (or a gradient) runs through in each stage, in its order."""

_D_LOSS = {
    "nonsaturating": "L_D = -mean log D(x) - mean log(1 - D(G(z)))",
    "minimax": "L_D = -mean log D(x) - mean log(1 - D(G(z)))",
    "least_squares": "L_D = 1/2 mean (D(x) - 1)^2 + 1/2 mean D(G(z))^2",
    "hinge": "L_D = mean max(0, 1 - D(x)) + mean max(0, 1 + D(G(z)))",
    "wasserstein": "L_D = mean D(G(z)) - mean D(x)",
    "wasserstein_gp": "L_D = mean D(G(z)) - mean D(x) + penalty",
}
_G_LOSS = {
    "nonsaturating": "L_G = -mean log D(G(z))",
    "minimax": "L_G = mean log(1 - D(G(z)))",
    "least_squares": "L_G = 1/2 mean (D(G(z)) - 1)^2",
    "hinge": "L_G = -mean D(G(z))",
    "wasserstein": "L_G = -mean D(G(z))",
    "wasserstein_gp": "L_G = -mean D(G(z))",
}


def formula(config: GANConfig, number: int) -> str:
    """The formula of a stage with these settings."""
    penalty = " + gamma/2 mean |grad D(x)|^2" if config.r1 else ""
    noise = "z ~ N(0, 1)" if config.latent_kind == "normal" else "z ~ U(-1, 1)"
    return (
        f"x ~ data,  {noise}",
        "G(z)",
        "D(x), D(G(z))",
        _D_LOSS[config.loss] + penalty,
        "theta_D <- theta_D - Adam(grad L_D)",
        f"{noise},  D(G(z))",
        _G_LOSS[config.loss],
        "theta_G <- theta_G - Adam(grad L_G)",
    )[number - 1]
