"""Where a run's numbers come from: settings, environment, log, code, commands."""

from typing import Any

import streamlit as st

from kb.library import Library
from kb.pages.evidence import Evidence
from kb.pages.markup import facts, fill, shown, table, visible
from kb.verification import code_hash

Json = dict[str, Any]


def settings(outcome: Json) -> None:
    """Show what every arm reported of itself: threads, precision, switches."""
    arms = outcome["settings"]
    if not arms:
        return
    names = sorted({name for found in arms.values() for name in found if name != "arm"})
    rows = [[name, *(shown(found.get(name)) for found in arms.values())] for name in names]
    with st.expander("Settings in force, per arm"):
        arms_table = table(("Setting", *arms), rows, "Settings that each arm reported")
        wide = '<div class="kb-wide" tabindex="0" role="region" aria-label="Settings per arm">{}</div>'
        st.html(fill(wide, arms_table))


def environment(outcome: Json) -> None:
    """Show the machine and software of a run: what names it, and what was so at the time."""
    flat: dict[str, object] = {"fingerprint": outcome["environment"]}
    for part, found in outcome["environment_key"].items():
        pairs = found.items() if isinstance(found, dict) else [("", found)]
        flat |= {f"{part} {name}".strip(): shown(value) for name, value in pairs}
    context = {
        f"then: {name}": shown(value) for name, value in outcome["context"].items() if name != "distributions"
    }
    run = {
        "run": outcome["run"],
        "started": outcome["started"],
        "seconds": outcome["seconds"],
        "budget": outcome["budget"],
        "plan, SHA-256": outcome["plan_sha256"],
        "record, SHA-256": outcome["record_sha256"],
        "policy": shown(outcome["policy"]),
    }
    with st.expander("Environment"):
        st.html(facts({**run, **flat, **context}))
    installed = outcome["context"].get("distributions") or []
    if installed:
        with st.expander(f"{len(installed)} packages installed then"):
            st.code(visible("\n".join(str(each) for each in installed)), language=None)


def log(outcome: Json) -> None:
    """Show what the verifier found and wrote."""
    if outcome["finding"] is not None:
        with st.expander("Finding, as the verifier observed it"):
            st.html(facts({name: shown(value) for name, value in outcome["finding"].items()}))
    for title, text in (("Failure", outcome["failure"]), ("End of the verifier's log", outcome["log"])):
        if text:
            with st.expander(title):
                st.code(visible(text), language=None)


def code(evidence: Evidence, library: Library, outcome: Json | None) -> None:
    """Show the verifier as it is now, and say whether the run used the same."""
    name = evidence.record.claim.verifier
    if name is None:
        return
    path = library.verifier_path(name)
    with st.expander(f"Verifier: verifiers/{name}.py"):
        try:
            text, present = path.read_text(encoding="utf-8"), code_hash(path)
        except (OSError, UnicodeDecodeError):
            st.text(f"verifiers/{name}.py cannot be read; it may not have been written yet.")
            return
        st.html(facts({"SHA-256 now": present, **_ran(outcome, present)}))
        st.code(visible(text), language="python", line_numbers=True)


def _ran(outcome: Json | None, present: str) -> dict[str, object]:
    if outcome is None or outcome["verifier_sha256"] is None:
        return {}
    same = outcome["verifier_sha256"] == present
    return {
        "SHA-256 that ran": outcome["verifier_sha256"],
        "Same code": "yes" if same else "no: the verifier or a shared model has changed since the run",
        "Commit": outcome["verifier_commit"] or "unknown",
    }


def commands(evidence: Evidence) -> None:
    """Show what to type to run the claim again, and to see it in a terminal."""
    st.html(fill("<h3>{}</h3>", "Run it yourself"))
    claim = visible(evidence.record.id)
    st.code(f"verify {claim}\nkb show {claim}", language="bash")


def request(evidence: Evidence) -> None:
    """Show what somebody with other hardware is asked to run, where a class of the scope has no verdict."""
    asked = evidence.row["request"]
    if asked is None:
        return
    st.subheader("To settle it elsewhere", anchor="settle")
    st.html(fill('<p class="kb-prose">On a machine with {}:</p>', asked["needs"]))
    st.code(visible("\n".join(asked["commands"])), language="bash")
