"""Charts of generators that are trained against discriminators, as more than one family shows them. No torch."""

from __future__ import annotations

from genstudio.families.dashboard import Chart, Line, Reference


def pair(generator: str, discriminator: str, *, smooth: bool = True) -> tuple[Line, ...]:
    """A number of both networks."""
    return (
        Line(generator, "generator", "generator", smooth),
        Line(discriminator, "discriminator", "discriminator", smooth),
    )


def both(real: str, fake: str, first: str, second: str) -> tuple[Line, ...]:
    """A number of real samples and of fakes."""
    return Line(real, first, "real", True), Line(fake, second, "fake", True)


LOSSES = Chart("losses", "Losses", "", pair("g_loss", "d_loss"), "Losses")
OPINIONS = Chart(
    "opinions", "D(x) and D(G(z))", "mean", both("d_real", "d_fake", "D(x)", "D(G(z))"), "Losses",
    references=(Reference("half", "cannot tell", value=0.5, when="loss=nonsaturating|minimax"),),
)  # fmt: skip
ACCURACY = Chart(
    "accuracy", "Discriminator accuracy", "share",
    both("accuracy_real", "accuracy_fake", "on real", "on fake"), "Accuracy",
    references=(Reference("chance", "50%: cannot tell", "50%", 0.5),),
)  # fmt: skip
GRADIENTS = (
    Chart("gradients", "Gradient norms", "", pair("gradient_norm_g", "gradient_norm_d"), "Gradients", log=True),
    Chart("rates", "Learning rates", "", pair("rate_g", "rate_d", smooth=False), "Gradients"),
    Chart("speed", "Iterations per second", "", (Line("steps_per_second", "steps/s", "speed", True),), "Gradients"),
)
