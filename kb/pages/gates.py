"""What had to hold of a run before any of its verdicts counted."""

from typing import Any

import streamlit as st

from kb import sentences
from kb.pages.markup import fill, joined, table
from kb.words import Reason

Json = dict[str, Any]
ASKED = {
    Reason.SETTINGS_DIFFER: "Did every arm keep to its threads? Cores busy per thread, at most",
    Reason.IMPLAUSIBLE: "Can a chip compute that fast? Share of the rate that none exceeds",
    Reason.INTERFERENCE: "Was the machine left to the run? Share of blocks disturbed",
    Reason.PARTNER_BUSY: "Did waiting processes wait? Share of a core that they used",
    Reason.CONTROL_FAILED: "Is an arm equal to itself? Difference beyond the noise",
}


def gates(outcome: Json) -> None:
    """Show every gate with its figure and limit, and what had a declared setting or an output differ."""
    for title, found in (
        ("Declared settings that were not in force", outcome["voids"]),
        ("Outputs in which the arms differ", outcome["parity"]),
    ):
        if found:
            st.html(
                fill("<h3>{}</h3><ul>{}</ul>", title, joined(fill("<li>{}</li>", each) for each in found))
            )
    if not outcome["gates"]:
        return
    st.html(fill("<h3>{}</h3>", "Gates: what had to hold before a verdict counted"))
    headers = ["Gate", "Asked", "Passed", "Figure", "Limit", "Seen"]
    rows = [_row(gate) for gate in outcome["gates"]]
    if not all(gate["passed"] for gate in outcome["gates"]):
        headers.append("Advice")
        rows = [
            [*row, "" if gate["passed"] else gate["advice"]]
            for row, gate in zip(rows, outcome["gates"], strict=True)
        ]
    st.html(table(headers, rows, "Gates of the run"))


def _row(gate: Json) -> list[object]:
    passed = gate["passed"]
    return [
        sentences.name_of(gate),
        ASKED.get(gate["name"], ""),
        fill('<span class="kb-state">{}</span>', "✔ passed" if passed else "✘ failed"),
        sentences.share(gate["figure"]),
        sentences.share(gate["limit"]),
        gate["seen"],
    ]
