"""The chart of rows that regions, intervals and cells share: labels above bars, on one scale of effects."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt

Json = Mapping[str, Any]
TEXT = "currentColor"  # of the page that the chart stands in, light or dark
CLAIMED, MEASURED, FADED = "#5b8bd0", "#d9730d", "#8a8f94"
STEP, LINE, AXIS = 46, 16, 55  # px of a row, of each further line of its label, and below all rows
LITTLE, NEAR_ONE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5), (0.75, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 4, 5, 8)
TICKS = (*LITTLE, *NEAR_ONE, 10, 20, 50, 100, 200, 500, 1000)
NAMES = {
    "speedup": "speed-up, log scale",
    "ratio": "ratio, log scale",
    "contrast": "ratio of speed-ups, log scale",
    "narrowing": "ratio of distances, log scale",
    "trend": "slope per doubling",
}


@dataclass(frozen=True)
class Ruler:
    """The scale on which effects are drawn, the line of no effect, and the ends of the axis."""

    scale: Any
    axis: Any
    line: float
    first: float
    last: float

    def closed(self, rows: Iterable[Json]) -> list[dict[str, Any]]:
        """Return rows whose open edges end where the axis does."""
        ends = {"low": self.first, "high": self.last}
        return [{**row, **{name: end for name, end in ends.items() if row[name] is None}} for row in rows]


def ruler(rows: Iterable[Json], effect: str, **placed: Any) -> Ruler:
    """Return the scale that fits all rows; `effect` as for `rows_chart`, `placed` as for `alt.Scale`."""
    logarithmic = effect != "trend"
    line = 1.0 if logarithmic else 0.0
    first, last = _domain(rows, line, logarithmic)
    axis = _axis(effect, [tick for tick in TICKS if first <= tick <= last] if logarithmic else [])
    kind: Literal["log", "linear"] = "log" if logarithmic else "linear"
    return Ruler(alt.Scale(type=kind, domain=[first, last], nice=False, **placed), axis, line, first, last)


def row(kind: str, label: str, low: float | None, high: float | None) -> dict[str, Any]:
    """Return a row: `claimed`, `measured`, `indicative` or `beside`; an edge that is None is open."""
    return {"kind": kind, "label": label, "low": low, "high": high, "estimate": None}


def rows_chart(rows: Sequence[dict[str, Any]], effect: str) -> Any:
    """Lay rows below each other, each label above its bar or interval, over the regions as faint bands.

    Parameters
    ----------
    rows : sequence of dict
        What `row` made; for an interval with its `estimate`. A label may have two lines, so that it is
        whole on a narrow screen: what does not fit is cut, or it would take the plot's place.
    effect : str
        `speedup` or `ratio`, drawn about 1 on a log scale, or `trend`, drawn about 0.
    """
    found = ruler(rows, effect)
    lines = 1 + max(each["label"].count("\n") for each in rows)
    below = 5 * lines + 4  # px from the middle of a row to its bar
    scale, axis = found.scale, found.axis
    drawn = [{**each, "row": index} for index, each in enumerate(found.closed(rows))]
    base = alt.Chart(alt.InlineData(values=drawn)).encode(
        x=alt.X("low:Q", scale=scale, axis=axis),
        y=alt.Y("row:O", axis=None, scale=alt.Scale(paddingInner=0, paddingOuter=0.1)),
    )
    ends = base.encode(x2="high:Q", tooltip=alt.Tooltip("label:N", title=" "))
    dots = base.encode(x=alt.X("estimate:Q", scale=scale), tooltip=alt.Tooltip("label:N", title=" "))
    none = alt.Chart(alt.InlineData(values=[{"x": found.line}])).mark_rule(strokeDash=[5, 4], color=FADED)
    return alt.layer(
        _of(alt.Chart(alt.InlineData(values=drawn)), "claimed")
        .mark_rect(color=CLAIMED, opacity=0.13, clip=True)
        .encode(x=alt.X("low:Q", scale=scale), x2="high:Q"),
        none.encode(x=alt.X("x:Q", scale=scale)),
        _of(ends, "claimed").mark_bar(color=CLAIMED, height=9, yOffset=below, clip=True),
        _of(ends, "measured").mark_rule(
            color=MEASURED, strokeWidth=3, yOffset=below, y2Offset=below, clip=True
        ),
        _of(ends, "indicative").mark_rule(
            color=MEASURED, strokeWidth=2, strokeDash=[3, 3], yOffset=below, clip=True
        ),
        _of(ends, "beside").mark_rule(color=FADED, strokeWidth=2, yOffset=below, clip=True),
        _of(dots, "beside").mark_point(color=FADED, shape="square", size=70, strokeWidth=2, yOffset=below),
        _of(dots, "measured").mark_point(color=MEASURED, filled=True, size=110, yOffset=below, opacity=1),
        _of(dots, "indicative").mark_point(color=MEASURED, size=90, strokeWidth=2, yOffset=below),
        base.mark_text(
            align="left", dx=2, dy=-9 * lines, fontSize=13, color=TEXT, lineBreak="\n", clip=True
        ).encode(text="label:N", x=alt.value(0)),
    ).properties(height=(STEP + LINE * (lines - 1)) * len(rows) + AXIS, width="container")


def _axis(effect: str, ticks: list[float]) -> Any:
    values = ticks or alt.Undefined
    return alt.Axis(title=NAMES[effect], grid=False, format="~g", labelOverlap="greedy", values=values)


def _of(chart: Any, kind: str) -> Any:
    return chart.transform_filter(f"datum.kind == '{kind}'")


def _domain(rows: Iterable[Json], line: float, logarithmic: bool) -> tuple[float, float]:
    """Return the ends of the axis: everything finite, the line of no effect, and a margin."""
    found = [
        value for row in rows for value in (row["low"], row["high"], row["estimate"]) if value is not None
    ]
    shown = [value for value in (*found, line) if not logarithmic or value > 0]
    low, high = min(shown), max(shown)
    if logarithmic:
        margin = max((high / low) ** 0.08, 1.05)
        return low / margin, high * margin
    margin = max(0.08 * (high - low), 1e-3)
    return low - margin, high + margin
