"""The specification curve of a run: what it would have said under every other defensible choice."""

from typing import Any

import streamlit as st

from kb import sentences
from kb.curve_chart import MOST, curve_chart
from kb.pages.markup import fill, table

Json = dict[str, Any]
READ = (
    "Each point is one choice of cell, of what stands for a block, and of the bursts that count, with its "
    "95% sequence, from the least effect to the largest; the dots below it tell which. The verdict is made "
    "from diamonds alone, which were fixed beforehand. Bands: where a reading counts as true."
)


def choices(outcome: Json) -> None:
    """Draw the curve, and say per reading how many specifications lie inside its region."""
    curve = outcome["specifications"]
    if not curve:
        return
    st.html(fill("<h3>{}</h3>", "Other defensible choices: the specification curve"))
    total = len(curve["columns"]["place"])
    if len(set(curve["columns"]["estimate"])) > 1:
        alt = f"Effects of {total} specifications, least first. {sentences.choices(outcome)}."
        st.altair_chart(curve_chart(outcome), width="stretch", alt=alt)
        thinned = f" About {MOST} of {total} are drawn, evenly thinned." if total > MOST else ""
        st.html(fill('<p class="kb-small">{}{}</p>', READ, thinned))
    else:
        st.html(fill('<p class="kb-small">{}</p>', "All give the same figure, so no curve is drawn."))
    rows = [
        [each["name"], each["inside"], each["outside"], each["undecided"], total]
        for each in curve["readings"]
    ]
    headers = ("Reading", "Inside", "Outside", "Undecided", "Specifications")
    st.html(table(headers, rows, "Specifications inside and outside each claimed region"))
    if curve["chance"] is not None:
        st.html(fill('<p class="kb-small">Permutation test: {}.</p>', sentences.chance(outcome)))
