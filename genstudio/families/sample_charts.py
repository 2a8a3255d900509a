"""Charts and measures of models of points and pictures, as more than one family shows them. No torch."""

from __future__ import annotations

from genstudio.evaluation.plane import CEILING
from genstudio.families.dashboard import Chart, Line, Pane, Reference

POINTS, PICTURES = ("points",), ("images",)


def divergence(made: str) -> Chart:
    """How far the points of a model, called `made`, are from the data."""
    lines = (Line("js_divergence", "JS", "real"), Line("kl_divergence", f"KL(real || {made})", "variety"))
    return Chart("divergence", "Divergence", "nats", lines, "Quality", POINTS, log=True)


MODES = Chart("modes", "Modes covered", "", (Line("modes", "modes", "fake"),), "Quality", POINTS)
HIGH_QUALITY = Chart(
    "high_quality", "High quality", "within 3 sigma", (Line("high_quality", "share", "fake"),), "Quality", POINTS,
    references=(Reference("ceiling", f"ceiling {CEILING:.2%}", f"{CEILING:.1%}", CEILING),),
)  # fmt: skip
DISTANCES = (divergence("made"), MODES, HIGH_QUALITY)
PICTURE_DISTANCES = (
    Chart(
        "distance", "Fréchet distance", "own encoder", (Line("frechet_distance", "samples", "fake"),), "Quality",
        PICTURES, floors={"frechet_distance_floor": "real against real"},
    ),
    Chart(
        "kernel", "Kernel distance", "own encoder", (Line("kernel_distance", "samples", "fake"),), "Quality",
        PICTURES, floors={"kernel_distance_floor": "real against real"}, least=0.0,
    ),
    Chart(
        "coverage", "Density, coverage", "",
        (Line("density", "density", "variety"), Line("coverage", "coverage", "fake")), "Variety",
        PICTURES, floors={"density_floor": "real density", "coverage_floor": "real coverage"},
    ),
    Chart(
        "agreement", "Class agreement", "share", (Line("agreement", "samples", "fake"),), "Variety",
        PICTURES, floors={"agreement_real": "real pictures"}, when="conditional=True",
    ),
    Chart(
        "copying", "Distance to data", "held-out pictures", (Line("nearest_ratio", "ratio", "fake"),), "Variety",
        PICTURES, references=(Reference("fresh", "as far as new pictures", "new", 1.0),),
    ),
)  # fmt: skip
"""How far the pictures of a model are from real ones, and whether they are copies."""
GRADIENTS = (
    Chart("gradients", "Gradient norm", "", (Line("gradient_norm", "norm", "norm", True),), "Gradients", log=True),
    Chart("rates", "Learning rate", "", (Line("learning_rate", "rate", "rate"),), "Gradients"),
    Chart("speed", "Steps per second", "", (Line("steps_per_second", "steps/s", "speed", True),), "Gradients"),
)
KEY = (("real", "real"), ("made", "fake"))
PLANE = Pane(("plane",), "Points", kinds=POINTS, made="generated point", score="density", ends=("thin", "dense"))


def samples_pane(title: str = "Samples") -> Pane:
    """Pictures that are made of fixed noise, beside real ones."""
    return Pane(
        ("samples",), title, kinds=PICTURES, beside="real", beside_title="Real", beside_note="from the dataset",
        note="same noise throughout",
    )  # fmt: skip


def copies_pane(channels: tuple[str, ...], choices: tuple[str, ...]) -> Pane:
    """What becomes of real pictures, beside them."""
    return Pane(
        channels, choices[0], kinds=PICTURES, choices=choices, choice_title="What is shown beside the originals",
        choice_help="The reconstructions, or the error of each pixel", beside="real", beside_title="Originals",
        beside_note="held out", paired=True,
    )  # fmt: skip


def losses(title: str, unit: str, simple: str, *floors: tuple[str, str]) -> Chart:
    """Training and held-out loss, with what the simplest model reaches, and further floors (metric, words)."""
    lines = (Line("train_loss", "training", "training", True), Line("val_loss", "held out", "validation"))
    return Chart("loss", title, unit, lines, "Loss", floors={"simple_loss": simple, **dict(floors)})
