"""Checks over a measured claim's cells and primary, and what its effect and verifier ask of them."""

import ast
import math
from collections.abc import Iterator

from kb.claim import Claim
from kb.estimand import Cells
from kb.library import Library
from kb.strict import Scalar
from kb.words import Effect, Quantifier
from kb.yaml_lines import Location

THREADS, EVERY_THREAD = "threads", "all"


def grid(library: Library, claim: Claim) -> Iterator[tuple[Location, str]]:
    """Yield every fault of a claim's cells and primary, with its place."""
    cells, primary = claim.cells, claim.primary
    if cells is None:
        return
    arms = _arms(library, claim)
    for index, pair in enumerate(cells.arms):
        unknown = [arm for arm in pair if arms and arm not in arms]
        if unknown:
            yield (
                ("cells", "arms", index),
                f"{claim.verifier} knows no {', '.join(unknown)}; it knows {', '.join(arms)}",
            )
    yield from _beside(claim, cells, arms)
    yield from _threads(cells)
    if primary is not None:
        if primary.arms is not None and primary.arms not in cells.arms:
            yield ("primary", "arms"), "is not among cells.arms"
        for name, values in primary.settings.items():
            for value in values:
                if value not in cells.settings.get(name, []):
                    yield ("primary", name), f"{value!r} is not among cells.{name}"
    yield from _effect(claim, cells)


def _effect(claim: Claim, cells: Cells) -> Iterator[tuple[Location, str]]:
    """Hold the grid against what the effect is made from."""
    effect = claim.estimand.effect if claim.estimand else None
    if effect is not None and effect.over_pairs:
        primary = claim.primary
        chosen = primary is not None and primary.arms is not None
        if len(cells.arms) != 2 or chosen or claim.quantifier is not Quantifier.TYPICAL:
            yield (
                ("cells", "arms"),
                f"a {effect} takes exactly two pairs, a primary without arms, and the quantifier typical",
            )
        if effect is Effect.NARROWING and _places(claim, cells) != 1:
            yield ("primary",), "a narrowing is judged at one combination of settings"
    if cells.tuned and (THREADS in cells.settings or len(cells.arms) != _product(cells)):
        yield (
            ("cells", "tuned"),
            "takes every pair of an arm of one side with one of the other, and no threads among the settings",
        )
    unknown = [name for name in cells.off_scope or () if name not in cells.settings]
    if unknown:
        yield ("cells", "off_scope"), f"{', '.join(unknown)} is not among the swept settings"
    trend = effect is Effect.TREND
    if (trend and claim.along is None) or (claim.along and claim.along not in cells.settings):
        yield ("along",), "names one of the swept settings; a trend needs it"
    elif claim.along and not all(_above_zero(value) for value in cells.settings[claim.along]):
        yield ("cells", claim.along), "grows along a log scale, so it holds numbers above 0"


def _places(claim: Claim, cells: Cells) -> int:
    """Return how many combinations of settings the primary chooses."""
    chosen = claim.primary.settings if claim.primary else {}
    return math.prod(len(chosen.get(name, values)) for name, values in cells.settings.items())


def _product(cells: Cells) -> int:
    """Return how many pairs there are of the arms on either side."""
    return len({of for of, _ in cells.arms}) * len({against for _, against in cells.arms})


def _beside(claim: Claim, cells: Cells, arms: list[str]) -> Iterator[tuple[Location, str]]:
    paired = {arm for pair in cells.arms for arm in pair}
    for index, arm in enumerate(cells.beside):
        place = ("cells", "beside", index)
        if arm in paired:
            yield place, f"{arm} stands in a pair, which is judged; leave it out here"
        elif arms and arm not in arms:
            yield place, f"{claim.verifier} knows no {arm}; it knows {', '.join(arms)}"


def _threads(cells: Cells) -> Iterator[tuple[Location, str]]:
    for index, value in enumerate(cells.settings.get(THREADS, [])):
        if not (isinstance(value, int) and _above_zero(value)) and value != EVERY_THREAD:
            message = f"found {value!r}; expected a whole number above 0, or {EVERY_THREAD}"
            yield ("cells", THREADS, index), message


def _above_zero(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _arms(library: Library, claim: Claim) -> list[str]:
    """Read the arms out of a verifier's decorator without running the script."""
    path = library.verifier_path(claim.verifier or "")
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        return []
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "arms":
            value = constants.get(node.value.id) if isinstance(node.value, ast.Name) else node.value
            try:
                return list(ast.literal_eval(value)) if value is not None else []
            except ValueError:
                return []
    return []
