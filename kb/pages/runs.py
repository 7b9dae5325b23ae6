"""What a run measured, cell by cell and sample by sample; and the list of all runs."""

from typing import Any

import streamlit as st
from markupsafe import Markup

from kb import asides, figures, sentences
from kb.effects import COLUMNS
from kb.library import Library
from kb.pages import choices, costs, gates, provenance
from kb.pages.downloads import as_csv
from kb.pages.evidence import Evidence
from kb.pages.folded import folded
from kb.pages.markup import claim_link, fill, state, table, visible
from kb.plan import Plan

Json = dict[str, Any]


def sections(evidence: Evidence, library: Library) -> None:
    """Show the chosen run, the code that it ran, and how to run it again."""
    st.subheader("How it was verified", anchor="run")
    outcome = _chosen(evidence)
    if outcome is None:
        st.text(f"No run yet. {evidence.row['because']}")
    else:
        gates.gates(outcome)
        _cells(outcome)
        choices.choices(outcome)
        costs.first_calls(outcome)
        costs.weighed(outcome)
        _samples(outcome)
        provenance.settings(outcome)
        provenance.environment(outcome)
        provenance.log(outcome)
    provenance.code(evidence, library, outcome)
    provenance.commands(evidence)


def _chosen(evidence: Evidence) -> Json | None:
    """Let the reader choose a run if there are several; the one that speaks for the claim comes first."""
    if not evidence.outcomes:
        return None
    speaking = evidence.speaking()
    ordered = speaking + [outcome for outcome in evidence.outcomes if outcome not in speaking]
    by_run = {outcome["run"]: outcome for outcome in ordered}
    if len(by_run) == 1:
        return ordered[0]
    run = st.selectbox(
        "Run",
        list(by_run),
        key="run",
        bind="query-params",
        help="Sections below show this run; the list of all runs is at the end of the page",
    )
    return by_run.get(run, ordered[0])


def _cells(outcome: Json) -> None:
    if not outcome["cells"] or outcome["plan"] is None:
        return
    plan = Plan.from_json(outcome["plan"])
    st.html(fill("<h3>{}</h3>", "Every cell: settings and pair of arms"))
    known = [cell for cell in outcome["cells"] if cell["estimate"] is not None]
    if len(known) + len(outcome["beside"]) > 1:
        alt = "Effect with its interval in every cell, largest first; the table below has the same numbers."
        st.altair_chart(figures.cells_chart(outcome), width="stretch", alt=alt)
        beside = " Squares: beside, never judged." if outcome["beside"] else ""
        st.html(fill('<p class="kb-small">Filled: decides. Hollow: context.{}</p>', beside))
    if (projected := asides.projection(outcome, outcome["record"])) is not None:
        st.html(fill("<p><b>Projected</b>: {}</p>", projected))
    for said in asides.crossovers(outcome):
        st.html(fill("<p>{}</p>", said))
    for cell in sentences.headline(outcome)[:1]:
        if (rates := asides.rates(outcome, outcome["record"], cell)) is not None:
            st.html(fill("<p><b>Rates</b>: {}</p>", rates))
    rows = [
        [
            sentences.cell_name(plan.settings[cell["place"]], plan.pairs[cell["pair"]]),
            _number(cell["estimate"]),
            sentences.bounds(*cell["interval"]),
            _number(cell["mean"]),
            sentences.bounds(*cell["mean_interval"]),
            cell["blocks"],
            "; ".join(filter(None, ("decides" if cell["deciding"] else "context", cell["trouble"]))),
        ]
        for cell in sorted(outcome["cells"], key=lambda cell: -(cell["estimate"] or 0))
    ]
    rows += [_beside(plan, each) for each in outcome["beside"]]
    headers = ("Cell", "Median effect", "95% sequence", "Mean effect", "95% of the mean", "Blocks", "Role")
    folded(f"Table of {len(rows)} cells", len(rows), table(headers, rows, "Effect in every cell"))
    if plan.dropped:
        st.html(fill("<p>Not run here: {}</p>", "; ".join(plan.dropped)))


def _beside(plan: Plan, each: Json) -> list[object]:
    name = sentences.cell_name(plan.settings[each["place"]], (each["of"], each["against"]))
    within = sentences.bounds(*each["interval"])
    return [name, _number(each["estimate"]), within, "", "", each["blocks"], "beside, never judged"]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _samples(outcome: Json) -> None:
    columns = outcome["samples"]
    if not columns or outcome["plan"] is None:
        return
    plan = Plan.from_json(outcome["plan"])
    place = 0
    st.html(fill("<h3>{}</h3>", "Raw samples"))
    if len(plan.settings) > 1:
        names = {index: sentences.settings_name(settings) for index, settings in enumerate(plan.settings)}
        place = st.selectbox("Settings", list(names), format_func=lambda index: visible(names[index]))
    st.altair_chart(
        figures.samples_chart(outcome, place),
        width="stretch",
        alt="Cost per step of every burst by block and arm; the table below has every sample.",
    )
    rows = [
        dict(zip(COLUMNS, values, strict=True))
        for values in zip(*(columns[name] for name in COLUMNS), strict=True)
    ]
    with st.expander(f"Table of {len(rows)} samples (cost in ns or bytes, cpu and start in ns)"):
        st.dataframe(
            [
                {name: visible(value) if isinstance(value, str) else value for name, value in row.items()}
                for row in rows
            ],
            hide_index=True,
            alt="Raw samples, one a row; the CSV has the same",
        )
        st.download_button(
            "Samples as CSV",
            lambda: as_csv(COLUMNS, rows),
            f"{outcome['run']}.csv",
            "text/csv",
            on_click="ignore",
        )


def history(evidence: Evidence) -> None:
    """List every outcome, the newest first; those under an older meaning of the record do not count."""
    for fault in evidence.faults:
        st.warning("An outcome file cannot be read and is left out.")
        st.code(visible(fault), language=None, wrap_lines=True)
    if not evidence.outcomes:
        return
    st.subheader("All runs", anchor="history")
    rows = [
        [
            _run(evidence, outcome),
            state(outcome["verdict"]),
            outcome["reason"],
            outcome["hardware"],
            outcome["environment"][:8],
            outcome["budget"],
            f"{outcome['seconds']:.0f} s",
            _standing(evidence, outcome),
        ]
        for outcome in evidence.outcomes
    ]
    st.html(
        table(
            ("Run", "Verdict", "Reason", "On", "Environment", "Budget", "Took", "Counts"),
            rows,
            "All outcomes",
        )
    )


def _run(evidence: Evidence, outcome: Json) -> Markup:
    return claim_link(evidence.record.id, outcome["run"], outcome["run"])


def _standing(evidence: Evidence, outcome: Json) -> str:
    if not evidence.counts(outcome):
        return "no: the record has changed since"
    if outcome["indicative"]:
        return "no: indicative, off the claim's scope"
    return "yes"
