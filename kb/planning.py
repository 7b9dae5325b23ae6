"""From a claim's record to the plan of one run of it."""

import itertools
from collections.abc import Mapping

from kb.claim import Claim
from kb.plan import Plan, PlannedReading, Settings
from kb.regions import POLICY, region_of
from kb.strict import Scalar
from kb.words import Budget, Effect

ALPHA = 0.05
FEWEST_BLOCKS = 8
MOST_BLOCKS = 40
CONTROL_EVERY = 4
SECONDS = {Budget.SMOKE: 20.0, Budget.QUICK: 180.0, Budget.NORMAL: 600.0, Budget.DEEP: 3600.0}
OFF_SCOPE_SHARE = 0.5
"""Of a quick run's time, what one off the claim's scope has: its outcome is indicative, and never counts."""
CONTEXT_SHARE = 0.3
"""Of a longer run's time, what one off the claim's scope keeps for the cells that decide nothing."""
SHORT = (Budget.SMOKE, Budget.QUICK)
"""Budgets that keep to the deciding cells."""
BURST_SECONDS = {Budget.SMOKE: 0.02, Budget.QUICK: 0.1, Budget.NORMAL: 0.1, Budget.DEEP: 0.25}


def make_plan(
    name: str,
    claim: Claim,
    budget: Budget,
    threads: int,
    device: str,
    seed: int,
    seconds: float | None = None,
    in_scope: bool = True,
) -> Plan:
    """Fix what a run of a measured claim will do.

    A smoke or quick run keeps to the deciding cells; the others add the remaining cells, and the arms
    beside them, as context.

    Parameters
    ----------
    name : str
        Id of the claim.
    claim : Claim
        A measured claim with cells.
    budget : Budget
        How much time may be spent.
    threads : int
        Threads for every framework.
    device : str
        `cpu`, `cuda`, ...
    seed : int
        Seed of weights, data and the order of bursts.
    seconds : float or None
        Wall time that may be spent; see `wall_time`.
    in_scope : bool
        Whether the hardware is what the claim speaks of; elsewhere its cells may be others.

    Raises
    ------
    ValueError
        Where the claim has no cells or no estimand.
    """
    if claim.cells is None or claim.estimand is None or claim.quantifier is None:
        message = f"{name} has no estimand, quantifier or cells, so nothing can be planned"
        raise ValueError(message)
    pairs, settings, deciding = _grid(claim, budget, in_scope)
    return Plan(
        claim=name,
        effect=claim.estimand.effect,
        quantifier=claim.quantifier,
        readings=[PlannedReading(each.name, *region_of(each).as_json()) for each in claim.readings],
        magnitude=claim.region is not None,
        pairs=pairs,
        settings=settings,
        deciding=deciding,
        beside=[] if budget in SHORT else list(claim.cells.beside),
        along=claim.along,
        budget=budget,
        seconds=wall_time(budget, seconds, in_scope),
        burst_seconds=BURST_SECONDS[budget],
        fewest_blocks=FEWEST_BLOCKS,
        most_blocks=1 if budget is Budget.SMOKE else MOST_BLOCKS,
        control_every=CONTROL_EVERY,
        alpha=ALPHA,
        policy=POLICY,
        threads=threads,
        device=device,
        seed=seed,
        declared=len({place for place, _ in deciding}) if claim.cells.tuned else len(deciding),
        tuned=bool(claim.cells.tuned),
        kept_seconds=kept_time(budget, seconds, in_scope),
    )


def wall_time(budget: Budget, seconds: float | None, in_scope: bool) -> float:
    """Return the seconds that a run may take: those given, else the budget's, cut where it cannot count."""
    share = OFF_SCOPE_SHARE if budget is Budget.QUICK and not in_scope else 1.0
    return seconds or SECONDS[budget] * share


def kept_time(budget: Budget, seconds: float | None, in_scope: bool) -> float:
    """Return how many of a run's seconds are kept for cells that decide nothing; none that could count."""
    return 0.0 if in_scope or budget in SHORT else CONTEXT_SHARE * wall_time(budget, seconds, in_scope)


def _grid(
    claim: Claim, budget: Budget, in_scope: bool
) -> tuple[list[list[str]], list[Settings], list[list[int]]]:
    """Return arm pairs, combinations of settings, and deciding cells, as far as a budget takes them in."""
    if claim.cells is None or claim.estimand is None:
        return [], [], []
    pairs = [list(pair) for pair in claim.cells.arms]
    swept = claim.cells.settings_on(in_scope)
    settings = [dict(zip(swept, values, strict=True)) for values in itertools.product(*swept.values())]
    deciding = _deciding(claim, pairs, settings, {} if in_scope else claim.cells.off_scope or {})
    if budget is Budget.SMOKE and claim.estimand.effect is not Effect.TREND:
        deciding = deciding[: 2 if claim.estimand.effect.over_pairs else 1]
    return _only(deciding, pairs, settings) if budget in SHORT else (pairs, settings, deciding)


def _deciding(
    claim: Claim, pairs: list[list[str]], settings: list[Settings], replaced: Mapping[str, list[Scalar]]
) -> list[list[int]]:
    """Return the cells that the primary chooses; of a setting whose values were replaced, any value."""
    primary = claim.primary
    return [
        [place, index]
        for place, combination in enumerate(settings)
        for index, pair in enumerate(pairs)
        if primary is None
        or (
            primary.arms in (None, pair)
            and all(
                combination[key] in values for key, values in primary.settings.items() if key not in replaced
            )
        )
    ]


def _only(
    deciding: list[list[int]], pairs: list[list[str]], settings: list[Settings]
) -> tuple[list[list[str]], list[Settings], list[list[int]]]:
    """Drop the settings and pairs from which nothing is decided, renumbering the deciding cells."""
    places = sorted({place for place, _ in deciding})
    indices = sorted({index for _, index in deciding})
    renumbered = [[places.index(place), indices.index(index)] for place, index in deciding]
    return [pairs[index] for index in indices], [settings[place] for place in places], renumbered
