"""What the source says, and what it leaves open: statement, quotes, conditions, citations, relations."""

from collections.abc import Iterator

import streamlit as st
from markupsafe import Markup

from kb.citation import Citation
from kb.claim import Expectation, Mention
from kb.contradictions import RULES, Contradiction, contradictions, of_claim
from kb.estimand import Reading
from kb.library import Library
from kb.pages.evidence import Evidence
from kb.pages.folded import folded
from kb.pages.markup import claim_link, fill, joined, link, shown, table
from kb.regions import region_of
from kb.sentences import bounds
from kb.source import Source
from kb.words import Quantifier

READ = {
    "primary": "read in the source itself",
    "secondary": "through a third party",
    "memory": "from memory: settles nothing",
}


def statement(evidence: Evidence) -> None:
    """Show the claim in our words, and where it is stated in the source's."""
    claim = evidence.record.claim
    st.subheader("What is claimed", anchor="claimed")
    st.html(fill('<p class="kb-prose">{}</p>', claim.statement))
    st.html(joined(_mention(mention, evidence.sources) for mention in claim.stated_in))
    if claim.estimand is not None:
        estimand, quantifier = claim.estimand, claim.quantifier or Quantifier.TYPICAL
        text = (
            f"Judged by: {estimand.quantity} ({estimand.unit}), {estimand.effect} of {estimand.of} against "
            f"{estimand.against}. “{quantifier}”: {quantifier.meaning}."
        )
        st.html(fill('<p class="kb-prose kb-small">{}</p>', text))


def _mention(mention: Mention, sources: dict[str, Source]) -> Markup:
    via = f", citing {mention.via}" if mention.via else ""
    section = f", “{mention.section}”" if mention.section else ""
    return fill(
        '<blockquote class="kb-quote">“{}”<br><span class="kb-small">{}{}{}</span></blockquote>',
        mention.quote,
        source_link(mention.source, sources),
        section,
        via,
    )


def source_link(name: str, sources: dict[str, Source]) -> Markup:
    """Return a source by author, title and date, linked if it has an address."""
    source = sources.get(name)
    if source is None:
        return fill("{}", name)
    address = source.URL or (f"https://doi.org/{source.DOI}" if source.DOI else None)
    authors = "; ".join(author.short() for author in source.author[:3]) + (
        " and others" if len(source.author) > 3 else ""
    )
    when = f" ({source.issued})" if source.issued else ""
    return fill("{}{}{}", f"{authors}: " if authors else "", link(address, source.title), when)


def meanings(evidence: Evidence) -> None:
    """Show what would count as true: the readings of the wording, and what a finding must be."""
    claim = evidence.record.claim
    rows = [[reading.name, _region(reading), reading.because or ""] for reading in claim.readings]
    rows += [[each.field, _expected(each), each.because or ""] for each in claim.expect]
    rows += [[each.name, each.says, "the cited sources have to say so"] for each in claim.facts or ()]
    if claim.trend is not None:
        trend = claim.trend
        rows.append([trend.figure, f"{trend.direction} from date to date", f"of: {trend.population}"])
    if rows:
        st.subheader("What would count as true", anchor="readings")
        st.html(table(("Reading", "Counts as true", "Because"), rows, "Readings of the claim"))


def _region(reading: Reading) -> str:
    if reading.rounded_to:
        return "; ".join(f"{name} to the nearest {step:,g}" for name, step in reading.rounded_to.items())
    return bounds(*region_of(reading).as_json())


def _expected(expectation: Expectation) -> str:
    if expectation.at_least is not None:
        return f"at least {expectation.at_least:g}"
    if expectation.at_most is not None:
        return f"at most {expectation.at_most:g}"
    if expectation.contains is not None:
        return f"contains {shown(expectation.contains)}"
    return shown(expectation.equals)


def conditions(evidence: Evidence) -> None:
    """Show every circumstance, and whether the source or we have set it."""
    claim = evidence.record.claim
    rows = [[c.name, c.value, _who(c.stated), c.because or ""] for c in claim.conditions]
    if claim.scope is not None:
        scope = claim.scope
        named = " or ".join(scope.hardware) + (f", {scope.devices} devices" if scope.devices > 1 else "")
        named += f", {scope.cores} cores" if scope.cores else ""
        rows.append(["hardware", named, _who(scope.stated), scope.because or ""])
    if claim.region is not None:
        edges = bounds(claim.region.low, claim.region.high)
        rows.append(["region that counts as true", edges, _who(False), claim.region.because])
    if rows:
        st.subheader("Conditions", anchor="conditions")
        st.html(table(("Condition", "Value", "Who says so", "Why assumed"), rows, "Conditions of the claim"))


def _who(stated: bool) -> str:
    return "the source" if stated else "assumed by us"


def citations(evidence: Evidence) -> None:
    """Show the figures and statements found elsewhere that bear on the claim."""
    claim = evidence.record.claim
    if not claim.citations:
        return
    st.subheader("Literature that bears on it", anchor="literature")
    rows = [
        [
            c.figure,
            _value(c),
            c.population,
            c.date,
            source_link(c.source, evidence.sources),
            c.locator,
            READ[c.read],
        ]
        for c in claim.citations
    ]
    headers = ("Figure", "Value", "Of what", "Date", "Source", "Where", "How read")
    shown = table(headers, rows, "Figures and statements cited")
    folded(f"{len(rows)} citations", len(rows), shown)


def published(evidence: Evidence) -> None:
    """Show figures found elsewhere as the claim's own effect, beside what was measured."""
    found = evidence.record.claim.published
    if not found:
        return
    st.subheader("Published, and measured here", anchor="published")
    rows = [
        [
            f"{each.effect:.4g}",
            each.population,
            each.date,
            source_link(each.source, evidence.sources),
            each.locator,
            READ[each.read],
        ]
        for each in found
    ]
    for outcome in evidence.speaking():
        if outcome["estimate"] is not None:
            figures = f"{outcome['estimate']:.4g}, 95% {bounds(*outcome['interval'])}"
            rows.insert(0, [figures, "measured here", outcome["ended"][:10], "", f"run {outcome['run']}", ""])
    headers = ("Effect", "Of what", "Date", "Source", "Where", "How read")
    st.html(table(headers, rows, "Figures published, beside what was measured"))


def _value(citation: Citation) -> str:
    number = f"{citation.value:,g}" if citation.value is not None and abs(citation.value) < 1e6 else None
    if citation.value is not None and number is None:
        number = f"{citation.value:,.0f}"
    said = " ".join(part for part in (number, citation.unit) if part)
    return "; ".join(part for part in (said, citation.text) if part)


def relations(evidence: Evidence, library: Library) -> None:
    """Link the claims that this one contradicts, rests on, repeats or replaces, both ways; show the notes."""
    claim = evidence.record.claim
    items = list(_relations(evidence.record.id, library))
    if items:
        st.subheader("Related claims", anchor="related")
        st.html(fill("<ul>{}</ul>", joined(fill("<li>{}</li>", item) for item in items)))
    if claim.notes:
        st.subheader("Notes", anchor="notes")
        st.html(fill('<p class="kb-prose">{}</p>', claim.notes))


def clashes(evidence: Evidence, library: Library) -> None:
    """Show what the rules find that cannot hold together, in this claim or between it and others."""
    own = evidence.record.id
    found = of_claim(contradictions(library), own)
    if found:
        st.subheader("What cannot hold together", anchor="contradictions")
        st.html(
            fill("<ul>{}</ul>", joined(fill("<li>{}</li>", _clash(each, own, library)) for each in found))
        )


def _clash(found: Contradiction, own: str, library: Library) -> Markup:
    others = joined(
        fill(" Against {}.", claim_link(each, library.records[each].claim.title))
        for each in found.claims
        if each != own
    )
    return fill("{}: {}.{}", RULES[found.rule][1], found.because.rstrip("."), others)


BACK = {
    "contradicts": "contradicted by",
    "rests_on": "carries",
    "same_as": "same as",
    "supersedes": "superseded by",
}


def _relations(claim: str, library: Library) -> Iterator[Markup]:
    own = {relation.target() for relation in library.records[claim].claim.relates}
    for relation in library.records[claim].claim.relates:
        name, other = relation.target()
        yield _relation(name.replace("_", " "), other, relation.because, library)
    for other, record in library.records.items():
        for relation in record.claim.relates:
            name, target = relation.target()
            if target == claim and (name, other) not in own:
                yield _relation(BACK[name], other, relation.because, library)


def _relation(name: str, other: str, because: str | None, library: Library) -> Markup:
    known = library.records.get(other)
    title = known.claim.title if known else other
    return fill("{} {}{}", name, claim_link(other, title), f": {because}" if because else "")
