"""The chart of rows that regions, intervals and cells share: labels above bars, on one scale of effects."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt

Json = Mapping[str, Any]
TEXT = "currentColor"  # of the page that the chart stands in, light or dark
CLAIMED, MEASURED = "#5b8bd0", "#d9730d"
STEP, AXIS = 46, 55  # px a row, px below the rows
LITTLE, NEAR_ONE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5), (0.75, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 4, 5, 8)
TICKS = (*LITTLE, *NEAR_ONE, 10, 20, 50, 100, 200, 500, 1000)
NAMES = {"speedup": "speed-up, log scale", "ratio": "ratio, log scale", "trend": "slope per doubling"}


def row(kind: str, label: str, low: float | None, high: float | None) -> dict[str, Any]:
    """Return a row: `claimed`, `measured` or `indicative`; an edge that is None is open."""
    return {"kind": kind, "label": label, "low": low, "high": high, "estimate": None}


def rows_chart(rows: Sequence[dict[str, Any]], effect: str) -> Any:
    """Lay rows below each other, each label above its bar or interval, over the regions as faint bands.

    Parameters
    ----------
    rows : sequence of dict
        What `row` made; for an interval with its `estimate`.
    effect : str
        `speedup` or `ratio`, drawn about 1 on a log scale, or `trend`, drawn about 0.
    """
    logarithmic = effect != "trend"
    line = 1.0 if logarithmic else 0.0
    first, last = _domain(rows, line, logarithmic)
    drawn = _closed(rows, first, last)
    axis = _axis(effect, [tick for tick in TICKS if first <= tick <= last] if logarithmic else [])
    scale = alt.Scale(type="log" if logarithmic else "linear", domain=[first, last], nice=False)
    base = alt.Chart(alt.InlineData(values=drawn)).encode(
        x=alt.X("low:Q", scale=scale, axis=axis),
        y=alt.Y("row:O", axis=None, scale=alt.Scale(paddingInner=0, paddingOuter=0.1)),
    )
    ends = base.encode(x2="high:Q", tooltip=alt.Tooltip("label:N", title=" "))
    dots = base.encode(x=alt.X("estimate:Q", scale=scale), tooltip=alt.Tooltip("label:N", title=" "))
    none = alt.Chart(alt.InlineData(values=[{"x": line}])).mark_rule(strokeDash=[5, 4], color="#8a8f94")
    return alt.layer(
        _of(alt.Chart(alt.InlineData(values=drawn)), "claimed")
        .mark_rect(color=CLAIMED, opacity=0.13, clip=True)
        .encode(x=alt.X("low:Q", scale=scale), x2="high:Q"),
        none.encode(x=alt.X("x:Q", scale=scale)),
        _of(ends, "claimed").mark_bar(color=CLAIMED, height=9, yOffset=9, clip=True),
        _of(ends, "measured").mark_rule(color=MEASURED, strokeWidth=3, yOffset=9, y2Offset=9, clip=True),
        _of(ends, "indicative").mark_rule(
            color=MEASURED, strokeWidth=2, strokeDash=[3, 3], yOffset=9, clip=True
        ),
        _of(dots, "measured").mark_point(color=MEASURED, filled=True, size=110, yOffset=9, opacity=1),
        _of(dots, "indicative").mark_point(color=MEASURED, size=90, strokeWidth=2, yOffset=9),
        base.mark_text(align="left", dx=2, dy=-9, fontSize=13, color=TEXT).encode(
            text="label:N", x=alt.value(0)
        ),
    ).properties(height=STEP * len(rows) + AXIS, width="container")


def _closed(rows: Sequence[Json], first: float, last: float) -> list[dict[str, Any]]:
    """Return the rows numbered, open edges ended by the axis."""
    return [
        {
            **row,
            "row": index,
            "low": first if row["low"] is None else row["low"],
            "high": last if row["high"] is None else row["high"],
        }
        for index, row in enumerate(rows)
    ]


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
