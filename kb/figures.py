"""Charts of claims and outcomes, as Altair specifications; they know neither pages nor files.

Position, shape and label say what a chart shows; colour only adds. Text colours are left to the theme that
draws the chart.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from kb.plan import Plan
from kb.rows_chart import CLAIMED, MEASURED, TEXT, row, rows_chart
from kb.sentences import bounds, settings_name

Json = Mapping[str, Any]
ARMS = ["#5b8bd0", "#d9730d", "#2f9e77", "#a36bd3", "#c2569a", "#8a7a2e", "#4aa3b5", "#8a8f94", "#d4a72c"]
NANOSECONDS_PER_MS = 1e6
MIB = 2.0**20
ROLES = {"measured": ", decides", "indicative": "", "beside": ", not judged"}


def effect_chart(outcomes: Sequence[Json], record: Json) -> Any:
    """Return what is claimed against what was measured: regions as bands, one interval an environment.

    Parameters
    ----------
    outcomes : sequence of mapping
        Measured outcomes under the record's present meaning, one an environment, each with an estimate. The
        regions are taken from the first: they are the same in all.
    record : mapping
        The claim's record as JSON data, with its estimand.
    """
    kind = record["estimand"]["effect"]
    claimed = [
        row(
            "claimed",
            f"claimed: {each['name']}, {bounds(each['low'], each['high'])}",
            each["low"],
            each["high"],
        )
        for each in outcomes[0]["readings"]
    ]
    published = [_published(each) for each in record.get("published", [])]
    return rows_chart(claimed + [_measured(each) for each in outcomes] + published, kind)


def cells_chart(outcome: Json) -> Any:
    """Return every cell's estimate with its interval, largest first; those that decide are filled.

    Arms beside come last, as squares: they are never judged. Effects are ratios, for a trend too, since a
    cell has no slope.
    """
    plan = Plan.from_json(outcome["plan"])
    known = [cell for cell in outcome["cells"] if cell["estimate"] is not None]
    known.sort(key=lambda cell: -cell["estimate"])
    rows = [_cell(plan, each, "measured" if each["deciding"] else "indicative") for each in known]
    rows += [_cell(plan, each, "beside") for each in outcome["beside"] if each["estimate"] is not None]
    return rows_chart(rows, plan.effect.value if plan.effect.per_cell else "ratio")


def _cell(plan: Plan, each: Json, kind: str) -> dict[str, Any]:
    """Return the row of a cell, or of an arm beside: its arms, and below them where it is and its figures."""
    of, against = (each["of"], each["against"]) if kind == "beside" else plan.pairs[each["pair"]]
    settings = settings_name(plan.settings[each["place"]])
    at = f"{settings}: " if settings else ""
    label = f"{of} against {against}\n{at}{each['estimate']:.4g}, {bounds(*each['interval'])}{ROLES[kind]}"
    return {**row(kind, label, *each["interval"]), "estimate": each["estimate"]}


def samples_chart(outcome: Json, place: int = 0) -> Any:
    """Return the cost per step of every burst, by block and arm.

    Parameters
    ----------
    outcome : mapping
        A measured outcome.
    place : int
        Index of the settings in the outcome's plan.
    """
    unit, divisor = cost_unit(outcome)
    columns = outcome["samples"]
    names = ("block", "place", "arm", "steps", "cost")
    values = [
        {"block": block, "arm": arm, "cost": cost / steps / divisor}
        for block, at, arm, steps, cost in zip(*(columns[name] for name in names), strict=True)
        if at == place
    ]
    legend = alt.Legend(orient="top", title=None, labelLimit=400, columns=1)
    return (
        alt.Chart(alt.InlineData(values=values))
        .mark_point(size=36, opacity=0.75)
        .encode(
            x=alt.X("block:O", title="block: one pair of fresh processes", axis=alt.Axis(labelAngle=0)),
            xOffset=alt.XOffset("arm:N"),
            y=alt.Y("cost:Q", title=f"{unit} per step", scale=alt.Scale(zero=False)),
            color=alt.Color("arm:N", legend=legend, scale=alt.Scale(range=ARMS)),
            shape=alt.Shape("arm:N", legend=legend),
            tooltip=["arm:N", "block:O", alt.Tooltip("cost:Q", title=f"{unit} per step", format=".5g")],
        )
        .properties(height=250 + 31 * len({value["arm"] for value in values}), width="container")
    )


def figure_chart(record: Json, figure: Json) -> Any:
    """Return one stated figure of a documented claim as a line, and what is cited for it as points by date.

    Parameters
    ----------
    record : mapping
        A documented claim's record as JSON data.
    figure : mapping
        One of its `figures`.
    """
    points = [
        {"date": each["date"], "value": each["value"], "read": each["read"]} for each in cited(record, figure)
    ]
    y = alt.Y("value:Q", title=figure["unit"], scale=alt.Scale(zero=False))
    base = alt.Chart(alt.InlineData(values=points)).encode(
        x=alt.X("date:T", title=None, scale=alt.Scale(type="utc"), axis=alt.Axis(grid=False)),
        y=y,
        tooltip=["date:N", alt.Tooltip("value:Q", format=",")],
    )
    stated = [{"value": figure["value"], "label": f"stated: {figure['value']:,g}"}]
    rule = alt.Chart(alt.InlineData(values=stated)).encode(y=y)
    return alt.layer(
        rule.mark_rule(color=CLAIMED, strokeWidth=3),
        rule.mark_text(align="left", dx=4, dy=-8, color=TEXT).encode(text="label:N", x=alt.value(0)),
        base.mark_line(color=MEASURED, opacity=0.5),
        base.mark_point(color=MEASURED, filled=True, size=50, opacity=1),
    ).properties(height=230, width="container")


def cited(record: Json, figure: Json) -> list[Json]:
    """Return the citations with a value for one figure of a record, of the figure's own population."""
    return [
        each
        for each in record.get("citations", [])
        if each["figure"] == figure["name"]
        and each.get("value") is not None
        and each["population"] == figure["population"]
    ]


def cost_unit(outcome: Json) -> tuple[str, float]:
    """Return the unit in which costs are shown, and the cost in stored units (ns or bytes) of one of it."""
    return ("MiB", MIB) if outcome["record"]["estimand"]["unit"] == "B" else ("ms", NANOSECONDS_PER_MS)


def machine(outcome: Json) -> str:
    """Return the machine of an outcome in a few words."""
    host = outcome["environment_key"].get("host", {})
    accelerators = [
        each.get("name", "unknown") for each in outcome["environment_key"].get("accelerators", [])
    ]
    on = outcome["hardware"]
    name = ", ".join(accelerators) if on == "gpu" and accelerators else host.get("cpu", "unknown machine")
    cores = f", {host['logical_cores']} cores" if "logical_cores" in host else ""
    return f"{name}{cores}"


def _published(each: Json) -> dict[str, Any]:
    """Return the row of a figure found elsewhere: a square, as for all that is never judged."""
    read = "" if each["read"] == "primary" else f", {each['read']}"
    label = f"published: {each['population']}\n{each['effect']:.4g} ({each['date']}{read})"
    return {**row("beside", label, each["effect"], each["effect"]), "estimate": each["effect"]}


def _measured(outcome: Json) -> dict[str, Any]:
    low, high = outcome["interval"]
    indicative = outcome["indicative"]
    note = " (indicative, does not count)" if indicative else ""
    label = f"measured on {machine(outcome)}:\n{outcome['estimate']:.4g}, 95% {bounds(low, high)}{note}"
    return {
        **row("indicative" if indicative else "measured", label, low, high),
        "estimate": outcome["estimate"],
    }
