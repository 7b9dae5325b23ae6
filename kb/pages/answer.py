"""The head of a claim's page: the answer, bound to where it holds; the picture; the verdicts."""

from collections.abc import Iterator
from typing import Any

import streamlit as st
from markupsafe import Markup

from kb import figures, sentences
from kb.pages.evidence import Evidence
from kb.pages.markup import fill, joined, shown, state, table, visible
from kb.words import Reason, Summary

Json = dict[str, Any]
INDICATIVE = fill('<span class="kb-flag">{}</span>', "indicative, does not count")


def head(evidence: Evidence) -> None:
    """Show title, the one-line answer and what kind of claim it is."""
    claim = evidence.record.claim
    st.set_page_config(page_title=visible(claim.title))
    st.html(fill('<h1 class="kb-title">{}</h1>', claim.title))
    lines = joined(fill("<p>{}</p>", line) for line in _lines(evidence))
    st.html(
        fill('<div class="kb-answer">{} {}{}</div>', state(evidence.row["summary"]), _answer(evidence), lines)
    )
    about = (
        f"{claim.kind} ({claim.kind.meaning}) · {evidence.record.topic} · favours {claim.favours} · "
        f"speaks of {claim.as_of} · id {evidence.record.id}"
    )
    st.html(fill('<p class="kb-small">{}</p>', about))


def _answer(evidence: Evidence) -> object:
    """Say what the outcome that speaks for the claim came to, or why there is none."""
    speaking = evidence.speaking()
    if not speaking:
        return evidence.row["because"]
    outcome = speaking[0]
    if evidence.row["summary"] == Summary.MIXED:
        return f"{Summary.MIXED.meaning}; the latest that decided: {outcome['verdict']}"
    if _measured(outcome):
        return sentences.effect(outcome, outcome["record"])
    return outcome["because"]


def _lines(evidence: Evidence) -> Iterator[object]:
    speaking = evidence.speaking()
    if not speaking:
        return
    first = speaking[0]
    if _measured(first):
        yield _why(first)
        yield from filter(None, [sentences.exceeded(first, first["record"])])
    if first["indicative"]:
        yield fill("{} {}", INDICATIVE, _seen(first))
    yield _where(first)
    classes = {name: word for name, word in evidence.row["by_hardware"].items() if name != "any"}
    if len(classes) > 1:
        yield joined((fill("{}: {}", name, state(word)) for name, word in classes.items()), "; ")
    if len(speaking) > 1:
        yield f"{len(speaking)} environments have outcomes; the table below has them all."


def _seen(outcome: Json) -> str:
    if sentences.states_direction(outcome):
        return f"Off the claim's scope, its direction there: {_ruling(outcome['direction'])}."
    said = "; ".join(f"{reading['name']}: {_ruling(reading)}" for reading in outcome["readings"])
    return f"Off the claim's scope, as it reads there: {said}."


def _why(outcome: Json) -> str:
    reason = Reason(outcome["reason"])
    meaning = reason.meaning
    return outcome["because"] if outcome["because"] == meaning else f"{reason}: {outcome['because']}"


def _where(outcome: Json) -> str:
    """Bind an answer to hardware, software and date."""
    if outcome["hardware"] == "any":
        return f"From the record's figures, citations and logic, as of {outcome['ended'][:10]}."
    versions = ", ".join(
        f"{name} {number}" for name, number in outcome["versions"].items() if name != "numpy"
    )
    place = f"{figures.machine(outcome)} (environment {outcome['environment'][:8]})"
    parts = [
        f"On {outcome['hardware']}: {place}",
        versions,
        f"{outcome['ended'][:10]}, budget {outcome['budget']}.",
    ]
    return "; ".join(part for part in parts if part)


def _measured(outcome: Json) -> bool:
    return outcome["plan"] is not None and outcome["estimate"] is not None


def picture(evidence: Evidence) -> None:
    """Draw what is claimed against what was measured or cited, where there are numbers for it."""
    measured = [outcome for outcome in evidence.speaking() if _measured(outcome) and outcome["readings"]]
    if measured:
        st.subheader("Claimed against measured", anchor="picture")
        alt = f"Regions claimed and intervals measured. {sentences.effect(measured[0], evidence.plain)}."
        st.altair_chart(figures.effect_chart(measured, evidence.plain), width="stretch", alt=alt)
        st.html(fill('<p class="kb-small">{}</p>', _caption(evidence.plain["estimand"])))
    drawn = [each for each in evidence.plain.get("figures", []) if figures.cited(evidence.plain, each)]
    if drawn:
        st.subheader("Stated against cited", anchor="picture")
    for figure in drawn:
        st.html(fill("<b>{}</b> ({}, of: {})", figure["name"], figure["unit"], figure["population"]))
        alt = f"Stated {figure['value']:,g} {figure['unit']}; what is cited, by date, as in the table below."
        st.altair_chart(figures.figure_chart(evidence.plain, figure), width="stretch", alt=alt)


def _caption(estimand: Json) -> str:
    of, against, quantity = estimand["of"], estimand["against"], estimand["quantity"]
    meaning = {
        "speedup": f"Above 1, {of} is faster than {against}; at the dashed line both take the same time.",
        "ratio": f"{quantity} of {of} over that of {against}; at the dashed line both are equal.",
        "contrast": f"Above 1, {of} gains more than {against}; at the dashed line both gain as much.",
        "narrowing": f"Above 1, {against} is closer than {of}; at the dashed line both are as far away.",
        "trend": f"Below 0 the gap between {of} and {against} shrinks; at the dashed line it stays.",
    }[estimand["effect"]]
    return (
        f"{meaning} Bands: where the claim counts as true. Point and line: median, 95% confidence sequence. "
        "Squares: published elsewhere, under other circumstances, and never judged."
    )


def verdicts(evidence: Evidence) -> None:
    """Show the verdict on every question in every environment."""
    speaking = evidence.speaking()
    if not speaking:
        return
    st.subheader("Verdicts", anchor="verdicts")
    rows = [row for outcome in speaking for row in _rows(outcome)]
    st.html(
        table(
            ("Environment", "Question", "Counts as true", "Verdict", "Because"),
            rows,
            "Verdict per reading and environment",
        )
    )


def releases(evidence: Evidence) -> None:
    """Show what other releases gave, those of the claim's own time above all, beside today's."""
    dated = evidence.dated()
    if not dated:
        return
    st.subheader("With other releases", anchor="releases")
    today = [outcome for outcome in evidence.speaking() if outcome["versions"]]
    rows = [[_when(outcome), *_compared(outcome)] for outcome in [*dated, *today[:1]]]
    headers = ("Releases", "Versions", "Verdict", "Effect", "Because")
    st.html(table(headers, rows, "Verdict by releases"))
    st.html(fill('<p class="kb-small">{}</p>', "Only today's releases count towards the claim's verdict."))


def _when(outcome: Json) -> str:
    if not outcome.get("releases"):
        return f"installed on {outcome['ended'][:10]}"
    return f"end of {outcome['as_of']}" if outcome["as_of"] else "as asked for"


def _compared(outcome: Json) -> list[object]:
    versions = ", ".join(f"{name} {number}" for name, number in outcome["versions"].items())
    effect = sentences.effect(outcome, outcome["record"]) if _measured(outcome) else ""
    return [versions, state(outcome["verdict"]), effect, f"{outcome['reason']}: {outcome['because']}"]


def _rows(outcome: Json) -> Iterator[list[object]]:
    where = _place(outcome)
    flag = fill(" {}", INDICATIVE) if outcome["indicative"] else fill("")
    yield [
        where,
        "the claim",
        "",
        fill("{}{}", state(outcome["verdict"]), flag),
        f"{outcome['reason']}: {outcome['because']}",
    ]
    for question in ("direction", "magnitude"):
        ruling = outcome[question]
        if outcome["plan"] is not None and (question != "direction" or sentences.states_direction(outcome)):
            yield ["", question, _question(question, outcome), _said(ruling, flag), ""]
    for reading in outcome["readings"]:
        region = sentences.bounds(reading["low"], reading["high"]) if "low" in reading else ""
        yield ["", f"reading: {reading['name']}", region, _said(reading, flag), reading.get("because", "")]
    for check in outcome["expectations"]:
        word = "holds" if check["holds"] else "does not hold"
        icon = "✔" if check["holds"] else "✘"
        yield [
            "",
            f"expected: {check['field']}",
            check["expected"],
            f"{icon} {word}",
            f"found {shown(check['found'])}",
        ]
    for check in outcome["logic"]:
        icon = "✔ holds" if check["holds"] else "✘ does not hold"
        yield ["", f"logic: {check['rule']}", _arithmetic(check), icon, check["because"]]


def _question(question: str, outcome: Json) -> str:
    if question == "magnitude":
        return "any reading below"
    estimand = outcome["record"]["estimand"]
    return {
        "speedup": f"{estimand['of']} is faster",
        "ratio": f"more of it with {estimand['of']}",
        "contrast": f"{estimand['of']} gains more",
        "narrowing": f"{estimand['against']} is closer",
        "trend": "the gap shrinks",
    }[estimand["effect"]]


def _said(ruling: Json, flag: Markup) -> Markup:
    tag = fill(" ({})", ruling["tag"]) if ruling.get("tag") else fill("")
    return fill("{}{}{}", state(ruling["verdict"]), tag, flag)


def _ruling(ruling: Json) -> str:
    return f"{ruling['verdict']} ({ruling['tag']})" if ruling.get("tag") else str(ruling["verdict"])


def _place(outcome: Json) -> Markup:
    if outcome["hardware"] == "any":
        return fill('documents<br><span class="kb-small">{}</span>', outcome["ended"][:10])
    return fill(
        '{}: {}<br><span class="kb-small">{}, {}</span>',
        outcome["hardware"],
        figures.machine(outcome),
        outcome["environment"][:8],
        outcome["ended"][:10],
    )


def _arithmetic(check: Json) -> str:
    left, right = (
        f"{side:,g}" if isinstance(side, float) else side for side in (check["left"], check["right"])
    )
    if check["rule"] == "quotient":
        return f"{left} / {right} = {check['stated']}"
    between = "is no larger than" if check["rule"] in ("subset", "range") else "is the same as"
    return f"{left} {between} {right}"
