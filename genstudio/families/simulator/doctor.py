"""What goes wrong with a simulator of evolution, as rules about numbers of its training. Numpy only."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from genstudio.data.population.history import model_of
from genstudio.events import Diagnosis
from genstudio.families.rules import NOT_FINITE, Tried, advice, not_finite, number
from genstudio.training.doctor import Doctor, Finding, Rule, Window

SHAPE, REPAIRED, COOL, WINS, EDGE, ROUNDS = 4.0, 3.0, 0.35, 0.8, 0.015, 20
CHANCE, RESTING, REST = 0.6, 20, 0.1
"""A discriminator right less often is near chance; parameters rest that moved less than this share of their range in so many
steps."""
_OTHERS = {
    "constant": ("bottleneck", "exponential", "three_epochs"), "bottleneck": ("three_epochs", "exponential"),
    "exponential": ("three_epochs", "bottleneck"), "three_epochs": ("exponential", "isolation"),
    "isolation": ("isolation_two_rates", "three_epochs"), "isolation_two_rates": ("three_epochs", "bottleneck"),
}  # fmt: skip


def _cooled(window: Window) -> bool:
    """Whether the search has mostly come to rest."""
    return window.last("temperature") <= COOL * max(number(window, "temperature"), 1e-9)


def _settled(window: Window) -> bool:
    """Whether the search has cooled and is where it will stay: the discriminator is near chance, or the parameters rest, or one
    is at the end of its range."""
    if not _cooled(window):
        return False
    right, edge = window.all("accuracy")[1][-2:], window.recent("edge", RESTING)
    if (len(right) and right.mean() < CHANCE) or (len(edge) and edge.max() < EDGE):
        return True
    model = model_of(str(window.settings.get("history", "")))
    walks = [(one, window.recent(one.name, RESTING)) for one in model.parameters]
    shares = [[parameter.share(float(value)) for value in values] for parameter, values in walks if len(values) > 1]
    return bool(shares) and max(max(walk) - min(walk) for walk in shares) < REST


def wrong_model(window: Window) -> Finding | None:
    """The search has settled, the shape of the genomes' statistics differs, and no parameters nearby repair that."""
    steps, values = window.all("shape_apart")
    tried, nearby = window.all("nearby_apart")
    if len(values) < 2 or not values[-2:].min() > SHAPE or not _settled(window):
        return None
    if not np.isin(steps[-2:], tried).all() or not nearby[-2:].min() > REPAIRED:
        return None
    now = str(window.settings.get("history", ""))
    tries: list[Tried] = [(f"Start a new run with the model {name}", {"history": name}) for name in _OTHERS.get(now, ())]
    evidence = {
        "Tajima's D and linkage, standard errors apart": float(values[-1]),
        "Tajima's D alone": window.last("apart_tajimas_d"),
        "the same with the best parameters tried nearby": float(nearby[-1]),
    }
    return Finding(
        f"This model of history does not fit the data: where the search has settled, Tajima's D and linkage of simulated genomes "
        f"are {values[-1]:.1f} standard errors away from the real ones. Other parameters were tried: the best leave "
        f"{nearby[-1]:.1f}. Another model may fit.",
        evidence, advice(window, *tries, ("Free parameters that are held as known", {"known": ""})),
    )  # fmt: skip


def recognised(window: Window) -> Finding | None:
    """The search has cooled, and the discriminator still tells the simulations."""
    accuracy = window.all("accuracy")[1][-2:]
    if not _cooled(window) or len(accuracy) < 2 or not accuracy.min() > WINS:
        return None
    return Finding(
        "The search has cooled down, and the discriminator still recognises simulated genomes: it is right about "
        f"{accuracy[-1]:.0%} of the regions.",
        {"accuracy on held-out regions": float(accuracy[-1]), "temperature": window.last("temperature")},
        advice(
            window, ("Train longer: the temperature then falls more slowly", {}),
            ("Judge proposals by more regions", {"regions": min(1000, int(2 * number(window, "regions")))}),
            ("Propose more widely", {"width": min(1.0, 2 * number(window, "width"))}),
            ("Look at the statistics: a model that cannot fit is always recognised", {}),
        ),
    )


def at_the_edge(window: Window) -> Finding | None:
    """A parameter stays at the end of its range."""
    values = window.recent("edge", 60)
    if len(values) < 20 or not values.max() < EDGE or number(window, "hold"):
        return None
    return Finding(
        "A parameter has stayed at the end of its range for 60 steps: what would fit better may lie beyond it.",
        {"distance from the end, as a share of the range": float(values[-1])},
        advice(window, ("Start a new run with another model of history", {}),
               ("Compare the rates of mutation and recombination with those of the data", {})),
    )  # fmt: skip


def blind(window: Window) -> Finding | None:
    """In pre-training the discriminator cannot tell simulated genomes, wherever the search begins."""
    steps, phases = window.all("phase")
    right = window.recent("train_accuracy", 30)
    if not len(steps) or phases[-1] != 0 or window.step < 60 or not len(right) or not right.mean() < 0.6:
        return None
    return Finding(
        f"After {window.step} steps of pre-training the discriminator is right about only {right.mean():.0%} of the regions: "
        "it gives the search no direction.",
        {"accuracy in training": float(right.mean())},
        advice(
            window, ("Raise the discriminator's rate", {"d_rate": min(0.1, 2 * number(window, "d_rate"))}),
            ("Begin the search at a lower accuracy", {"good_enough": 0.6}),
            ("Start a new run with more haplotypes or sites", {}),
        ),
    )


def stuck(window: Window) -> Finding | None:
    """No proposal is ever accepted."""
    accepted = window.all("accepted")[1][-ROUNDS:]
    if len(accepted) < ROUNDS or accepted.any() or _cooled(window):
        return None
    return Finding(
        f"None of the last {ROUNDS} rounds had a proposal that was accepted, although the search is still warm.",
        {"rounds without a move": float(ROUNDS), "temperature": window.last("temperature")},
        advice(
            window, ("Propose smaller moves", {"width": max(0.001, number(window, "width") / 2)}),
            ("Raise the temperature", {"temperature": 1.0}),
            ("Make more proposals in a round", {"proposals": min(50, int(2 * number(window, "proposals")))}),
        ),
    )


RULES = (
    Rule("wrong_model", "The model does not fit",
         f"Below {COOL:.0%} of the first temperature, and with the discriminator right in less than {CHANCE:.0%} or parameters "
         f"that rest, Tajima's D and linkage differ by more than {SHAPE:g} standard errors (root mean square) in two evaluations "
         f"in a row, and the best parameters tried nearby leave more than {REPAIRED:g}.", wrong_model),
    Rule("recognised", "Simulations are recognised",
         f"Below {COOL:.0%} of the first temperature, the discriminator is right in more than {WINS:.0%} of held-out "
         f"regions in two "
         "evaluations in a row.", recognised),
    Rule("at_the_edge", "End of a range",
         f"A parameter has been within {EDGE:.1%} of an end of its range for 60 steps.", at_the_edge),
    Rule("blind", "The discriminator sees nothing",
         "After 60 steps of pre-training the discriminator is right in less than 60% of its regions.", blind),
    Rule("stuck", "No move is accepted", f"None of the last {ROUNDS} rounds had an accepted proposal.", stuck),
    NOT_FINITE,
)  # fmt: skip


def doctor(told: Iterable[Diagnosis] = (), _data: object = None) -> Doctor:
    """What watches the training; `told` are the diagnoses of its run so far. It is asked often, for its steps are long."""
    return Doctor(RULES, None, told, broken=not_finite, every=5)


