"""The list of claims: how many stand how, filters that live in the URL, one row a claim."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import streamlit as st
from markupsafe import Markup

from kb.errors import KbError
from kb.listing import listed
from kb.pages.downloads import as_csv, as_json
from kb.pages.markup import claim_link, fill, joined, state, table, visible
from kb.root import find_root
from kb.words import Hardware, Kind, Summary, Topic

Row = dict[str, Any]
HEADERS = ("Stands", "Claim", "Kind and topic", "Favours", "Stated in", "Tried on", "Why")
COLUMNS = (
    "id",
    "title",
    "summary",
    "reason",
    "because",
    "kind",
    "topic",
    "favours",
    "sources",
    "by_hardware",
    "as_of",
    "verifier",
    "run",
    "outcomes",
)
WHY = 150


def page() -> None:
    """Show the page."""
    st.html(fill('<h1 class="kb-title">{}</h1>', "Claims about deep learning frameworks"))
    try:
        rows = listed(find_root())
    except KbError as error:
        st.error("The records cannot be read, so no list is shown. `kb lint` says the same with every fault.")
        st.code(visible(error), language=None)
        return
    if not rows:
        st.info("There are no claims yet. `kb new` writes the first record.")
        return
    st.html(_counts(rows))
    wanted = _filters(rows)
    shown = [row for row in rows if _passes(row, wanted)]
    _downloads(shown, len(rows))
    if shown:
        st.html(table(HEADERS, (_cells(row) for row in shown), "Claims that pass the filters"))
    else:
        st.info("No claim passes these filters.")


def _counts(rows: Iterable[Row]) -> Markup:
    counts = Counter(row["summary"] for row in rows)
    items = joined(fill("<li><strong>{}</strong>{}</li>", counts[word], state(word)) for word in Summary)
    return fill('<ul class="kb-counts" aria-label="How the claims stand">{}</ul>', items)


def _filters(rows: list[Row]) -> dict[str, Any]:
    """Draw the filters and return what they ask for; each is a query parameter of its name."""
    sources = sorted({source for row in rows for source in row["sources"]})
    wide, narrow = st.columns([2, 3], vertical_alignment="bottom")
    search = wide.text_input(
        "Search", key="q", bind="query-params", placeholder="words of the claim, its id or its source"
    )
    with narrow:
        verdict = st.pills(
            "Stands as",
            list(Summary),
            selection_mode="multi",
            key="verdict",
            bind="query-params",
        )
    choices: dict[str, Sequence[str]] = {
        "kind": list(Kind),
        "topic": list(Topic),
        "source": sources,
        "hardware": list(Hardware),
    }
    labels = {"kind": "Kind", "topic": "Topic", "source": "Stated in", "hardware": "Tried on"}
    columns = st.columns(len(choices))
    chosen = {
        name: column.multiselect(labels[name], options, key=name, bind="query-params", placeholder="all")
        for column, (name, options) in zip(columns, choices.items(), strict=True)
    }
    return {"search": search, "verdict": verdict, **chosen}


def _passes(row: Row, wanted: dict[str, Any]) -> bool:
    text = " ".join([row["id"], row["title"], row["favours"], row["because"], *row["sources"]]).lower()
    return (
        all(word in text for word in wanted["search"].lower().split())
        and (not wanted["verdict"] or row["summary"] in wanted["verdict"])
        and (not wanted["kind"] or row["kind"] in wanted["kind"])
        and (not wanted["topic"] or row["topic"] in wanted["topic"])
        and (not wanted["source"] or bool(set(row["sources"]) & set(wanted["source"])))
        and (not wanted["hardware"] or bool(set(row["by_hardware"]) & set(wanted["hardware"])))
    )


def _downloads(shown: list[Row], total: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        count = f"{len(shown)} of {total} claims" if len(shown) != total else f"{total} claims"
        st.text(count, width="stretch")
        st.download_button(
            "CSV",
            lambda: as_csv(COLUMNS, shown),
            "claims.csv",
            "text/csv",
            on_click="ignore",
            help="The claims shown, one a line",
        )
        st.download_button(
            "JSON",
            lambda: as_json(shown),
            "claims.json",
            "application/json",
            on_click="ignore",
            help="The claims shown, as `kb list --json` writes them",
        )


def _cells(row: Row) -> list[object]:
    classes = [f"{hardware}: {word}" for hardware, word in row["by_hardware"].items() if hardware != "any"]
    name = fill('{}<br><span class="kb-small">{}</span>', claim_link(row["id"], row["title"]), row["id"])
    sources = joined(dict.fromkeys(row["sources"]), "<br> ")
    return [
        state(row["summary"]),
        name,
        fill("{}<br> {}", row["kind"], row["topic"]),
        row["favours"],
        sources,
        joined(classes, "<br>"),
        _why(row),
    ]


def _why(row: Row) -> Markup:
    because = row["because"] if len(row["because"]) <= WHY else row["because"][: WHY - 1] + "…"
    return fill('{}: <span class="kb-small">{}</span>', row["reason"], because)


page()
