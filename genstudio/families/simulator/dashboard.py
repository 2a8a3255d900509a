"""What a run of a simulator shows."""

from __future__ import annotations

from genstudio.families.dashboard import DOCTOR, LIVE, SIDE, TIMELINE, Chart, Dashboard, Line, Measure, Pane, Reference

_SIZES = ("N", "N_anc", "N_bottleneck", "N_mid", "N_now", "N1", "N2")
_TIMES = ("T_end", "duration", "T_growth", "T_1", "T_2", "T_split")
_TWO_DEMES = "isolation|isolation_two_rates"
_CHANCE = Reference("chance", "50%: cannot tell", "50%", 0.5)


def _walk(name: str, title: str, unit: str, names: tuple[str, ...], log: bool, when: str = "") -> Chart:
    """Parameters on their way, with dashed lines where the truth is known."""
    lines = tuple(Line(parameter, parameter) for parameter in names)
    return Chart(
        name, title, unit, lines, "Parameters", log=log, floors={f"true_{parameter}": f"true {parameter}" for parameter in names},
        when=when,
    )  # fmt: skip


DASHBOARD = Dashboard(
    charts=(
        _walk("sizes", "Sizes of the population", "diploid individuals", _SIZES, True),
        _walk("times", "Times", "generations", _TIMES, True, f"history=bottleneck|exponential|three_epochs|{_TWO_DEMES}"),
        _walk("growth", "Growth", "per generation", ("growth",), False, "history=exponential"),
        _walk("migration", "Migration", "share per generation", ("mig", "mig_1", "mig_2"), True, f"history={_TWO_DEMES}"),
        Chart(
            "accuracy", "Discriminator accuracy", "share",
            (Line("accuracy", "held out", "validation"), Line("train_accuracy", "training", "training", True)), "Accuracy",
            references=(_CHANCE,),
        ),
        Chart(
            "opinions", "Accuracy by kind, held out", "share",
            (Line("accuracy_real", "on real", "real"), Line("accuracy_fake", "on simulated", "fake")), "Accuracy",
            references=(_CHANCE,),
        ),
        Chart(
            "losses", "Losses", "nats",
            (Line("g_loss", "current parameters", "generator", True),
             Line("proposal_loss", "best proposal", "variety", True),
             Line("d_loss", "discriminator", "discriminator", True)), "Search",
        ),
        Chart(
            "distance", "Feature distance", "variances of a region",
            (Line("distance", "current parameters", "generator"), Line("best_distance", "best alternative", "variety")),
            "Search",
            log=True, when="judge=features",
        ),
        Chart("temperature", "Temperature", "", (Line("temperature", "temperature", "rate"),), "Annealing"),
        Chart("acceptance", "Accepted rounds", "share", (Line("acceptance", "so far", "norm"),), "Annealing"),
        Chart(
            "apart", "Statistics: distance between real and simulated", "standard errors",
            (Line("statistics_apart", "all", "validation"), Line("shape_apart", "Tajima's D and linkage", "variety")),
            "Statistics",
            log=True,
        ),
        Chart(
            "error", "Error of the estimate", "share of the true value", (Line("relative_error", "median", "validation"),),
            "Statistics",
        ),
        Chart("speed", "Steps per second", "", (Line("steps_per_second", "steps/s", "speed", True),), "Statistics"),
    ),
    panes=(
        Pane(
            ("alignments",), "Simulated", beside="real", beside_title="Real", beside_note="not seen by the discriminator",
            note="rows are haplotypes, blue is the rarer allele", paired=True, picks=False,
        ),
        Pane(("statistics",), "Statistics", SIDE, note="none of them is part of a loss", tall=True),
        Pane(("proposals",), "Proposals", SIDE),
    ),
    tools=(LIVE, DOCTOR, TIMELINE),
    result=(
        Measure("relative_error", "relative error", "lower"),
        Measure("statistics_apart", "difference in statistics", "lower", "standard errors"),
    ),
    summary=(Measure("train_accuracy", "D right"), Measure("g_loss", "loss"), Measure("temperature", "temperature")),
    handles=("hold", "width", "temperature", "proposals", "regions", "retraining", "d_rate", "reveal"),
    key=(("real", "real"), ("simulated", "generator"), ("discriminator", "discriminator")),
    welcome="Press Start: the generator is not a network but a simulator of evolution with a few parameters. A "
    "discriminator learns "
    "to tell its genomes from real ones; then simulated annealing moves the parameters until it no longer can. The "
    "parameters are "
    "an answer: how large the population was, and when.",
    race="proposals",
)  # fmt: skip
