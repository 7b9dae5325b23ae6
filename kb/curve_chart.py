"""The chart of a specification curve: every choice's effect in order, and below it which choice each is."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from kb.plan import Plan
from kb.rows_chart import CLAIMED, FADED, MEASURED, TEXT, ruler
from kb.sentences import bounds, cell_name, settings_name
from kb.words import Effect

Json = Mapping[str, Any]
MOST = 120
JUDGED = {"statistic": "median", "bursts": "all"}
"""What the verdict itself chose, in the cells that decide; see `kb.effects.block_values`."""
CURVE, GAP, LINE = 260, 14, 30  # px of the curve, of what parts it from the matrix, and of a row of that


def curve_chart(outcome: Json) -> Any:
    """Return the curve over a matrix of dots, which tell by their row what was chosen.

    The specification from which the verdict was made is a diamond.

    Parameters
    ----------
    outcome : mapping
        A measured outcome with its specifications.
    """
    plan = Plan.from_json(outcome["plan"])
    rows = thinned(specifications(outcome, plan))
    choices = varied(rows)
    bottom = CURVE + GAP + LINE * len(choices)
    x = alt.X("rank:Q", scale=alt.Scale(domain=[-0.7, len(rows) - 0.3], nice=False), axis=None)
    return (
        alt.layer(_curve(rows, outcome["readings"], plan.effect, x), _matrix(rows, choices, x, bottom))
        .resolve_scale(y="independent")
        .properties(height=bottom, width="container")
    )


def specifications(outcome: Json, plan: Plan) -> list[dict[str, Any]]:
    """Return every specification as a row, from the least effect to the largest.

    A row has `estimate`, `low`, `high`, `label`, `choices` by name, and `judged`: whether the verdict is
    made from it.
    """
    columns = outcome["specifications"]["columns"]
    found = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
    return sorted((_row(plan, each) for each in found), key=lambda row: float(row["estimate"]))


def _row(plan: Plan, each: Json) -> dict[str, Any]:
    pair = plan.pairs[each["pair"]]
    settings = {} if plan.effect is Effect.TREND else plan.settings[each["place"]]
    pairs = {index for _, index in plan.deciding}
    decides = (
        each["pair"] in pairs
        if plan.effect is Effect.TREND
        else [each["place"], each["pair"]] in plan.deciding
    )
    choices = {
        "value of a block": each["statistic"],
        "bursts": each["bursts"],
        **({} if plan.effect.over_pairs else {"of": pair[0], "against": pair[1]}),
        **{name: str(value) for name, value in settings.items()},
    }
    name = settings_name(settings) if plan.effect.over_pairs else cell_name(settings, pair)
    figures = f"{each['estimate']:.4g}, 95% {bounds(each['low'], each['high'])}"
    return {
        **{name: each[name] for name in ("estimate", "low", "high")},
        "label": f"{name}; {each['statistic']}, bursts: {each['bursts']}: {figures}",
        "choices": choices,
        "judged": decides and all(each[name] == choice for name, choice in JUDGED.items()),
    }


def thinned(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return about `MOST` rows, evenly apart, with those of the verdict if they are few; add their ranks."""
    last = len(rows) - 1
    even = {round(index * last / (MOST - 1)) for index in range(MOST)} if last >= MOST else range(last + 1)
    few = sum(row["judged"] for row in rows) <= MOST // 10
    kept = [row for index, row in enumerate(rows) if index in even or (few and row["judged"])]
    return [{**row, "rank": rank} for rank, row in enumerate(kept)]


def varied(rows: Sequence[Json]) -> list[tuple[str, str]]:
    """Return every choice, as its name and what was chosen, of those made in more than one way."""
    chosen: dict[str, dict[str, None]] = {}
    for name, choice in (pair for row in rows for pair in row["choices"].items()):
        chosen.setdefault(name, {})[choice] = None
    return [
        (name, choice) for name, found in chosen.items() if len(found) > 1 for choice in _ordered(list(found))
    ]


def _ordered(found: list[str]) -> list[str]:
    """Return numbers by size, and words by the alphabet."""
    return sorted(found, key=lambda each: each.zfill(9) if each.isdecimal() else "~" + each)


def _curve(rows: Sequence[Json], readings: Sequence[Json], effect: Effect, x: Any) -> Any:
    regions = [
        {
            "low": each["low"],
            "high": each["high"],
            "estimate": None,
            "label": f"claimed: {each['name']}, {bounds(each['low'], each['high'])}",
        }
        for each in readings
    ]
    found = ruler([*rows, *regions], effect, range=[CURVE, 0])
    found.axis.titleY = CURVE / 2
    y, at = (alt.Y(f"{name}:Q", scale=found.scale, axis=found.axis) for name in ("low", "estimate"))
    label = alt.Tooltip("label:N", title=" ")
    points = alt.Chart(alt.InlineData(values=found.closed(_drawn(rows)))).encode(x=x, tooltip=label)
    bands = alt.Chart(alt.InlineData(values=found.closed(regions))).encode(y=y, y2="high:Q", tooltip=label)
    none = alt.Chart(alt.InlineData(values=[{"low": found.line}])).encode(y=y)
    return alt.layer(
        bands.mark_rect(color=CLAIMED, opacity=0.2, clip=True),
        none.mark_rule(strokeDash=[5, 4], color=FADED),
        points.encode(y=y, y2="high:Q").mark_rule(color=MEASURED, opacity=0.5, strokeWidth=2, clip=True),
        *_marks(points.encode(y=at), 30, 150),
    )


def _matrix(rows: Sequence[Json], choices: Sequence[tuple[str, str]], x: Any, bottom: int) -> Any:
    """Return a dot for each choice of each specification; the choice's name stands above its row."""
    names = [{"choice": index, "text": f"{name}: {chosen}"} for index, (name, chosen) in enumerate(choices)]
    dots = [
        {**drawn, "choice": index}
        for row, drawn in zip(rows, _drawn(rows), strict=True)
        for index, (name, chosen) in enumerate(choices)
        if row["choices"][name] == chosen
    ]
    scale = alt.Scale(domain=[-0.5, len(choices) - 0.5], range=[CURVE + GAP, bottom], nice=False)
    y = alt.Y("choice:Q", axis=None, scale=scale)
    points = alt.Chart(alt.InlineData(values=dots)).encode(
        x=x, y=y, tooltip=alt.Tooltip("label:N", title=" ")
    )
    text = alt.Chart(alt.InlineData(values=names)).encode(y=y, text="text:N", x=alt.value(0))
    return alt.layer(
        text.mark_rule(color=FADED, opacity=0.3, yOffset=8, y2Offset=8).encode(x2=alt.value("width")),
        *_marks(points, 22, 60, yOffset=8),
        text.mark_text(align="left", baseline="middle", dy=-6, fontSize=12, color=TEXT),
    )


def _drawn(rows: Sequence[Json]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "choices"} for row in rows]


def _marks(points: Any, size: int, judged: int, **placed: Any) -> tuple[Any, Any]:
    """Return the points of a chart: discs, and diamonds for what was judged."""
    return (
        points.transform_filter("!datum.judged").mark_point(
            color=MEASURED, filled=True, size=size, opacity=1, **placed
        ),
        points.transform_filter("datum.judged").mark_point(
            color=TEXT, filled=True, size=judged, shape="diamond", opacity=1, **placed
        ),
    )
