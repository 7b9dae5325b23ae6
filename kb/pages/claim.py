"""One claim, reached by `claim?id=ID`: the answer first, then everything behind it."""

import logging
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from kb.errors import KbError, RecordFaults, UnknownClaim
from kb.library import Library, load_library
from kb.pages import answer, provenance, runs, stated
from kb.pages.evidence import Evidence, gather, nearest
from kb.pages.markup import claim_link, fill, joined, visible
from kb.root import find_root

LOG = logging.getLogger(__name__)
RECORDS = ("claims", "data/sources")


def page() -> None:
    """Show the page."""
    st.html(fill('<a class="kb-link" href="./">{}</a>', "← All claims"))
    asked = st.query_params.get("id", "")
    try:
        root = find_root()
        library = _library(root, _generation(root))
        evidence = gather(library, asked)
    except UnknownClaim:
        _unknown(asked, library)
    except RecordFaults as faults:
        st.error("This claim's record cannot be read.")
        st.code(visible(faults), language=None)
    except KbError as error:
        st.error("The knowledge base cannot be read.")
        st.code(visible(error), language=None)
    else:
        _show(evidence, library)


def _show(evidence: Evidence, library: Library) -> None:
    """Show every section; one that an odd outcome file breaks does not take the others with it."""
    sections: list[Callable[[], None]] = [
        lambda: answer.head(evidence),
        lambda: stated.statement(evidence),
        lambda: answer.picture(evidence),
        lambda: answer.verdicts(evidence),
        lambda: answer.releases(evidence),
        lambda: provenance.request(evidence),
        lambda: stated.meanings(evidence),
        lambda: stated.conditions(evidence),
        lambda: stated.published(evidence),
        lambda: stated.citations(evidence),
        lambda: runs.sections(evidence, library),
        lambda: stated.clashes(evidence, library),
        lambda: stated.relations(evidence, library),
        lambda: runs.history(evidence),
    ]
    for section in sections:
        try:
            section()
        except Exception as error:
            LOG.exception("a section of %s cannot be shown", evidence.record.id)
            st.error("This part of the page cannot be shown. `kb recheck` examines the outcome files.")
            st.code(visible(f"{type(error).__name__}: {error}"), language=None)


def _unknown(asked: str, library: Library) -> None:
    st.html(
        fill('<h1 class="kb-title">{}</h1>', "There is no such claim" if asked else "No claim was asked for")
    )
    if not asked:
        st.text("A claim's address ends in claim?id= and its id. The list of claims has them all.")
        return
    st.html(fill('<p class="kb-prose">No claim has the id “{}”.</p>', asked))
    near = nearest(asked, list(library.records))
    if near:
        items = joined(
            fill("<li>{}</li>", claim_link(name, library.records[name].claim.title)) for name in near
        )
        st.html(fill("<p>Did you mean one of these?</p><ul>{}</ul>", items))


def _generation(root: Path) -> tuple[tuple[str, int, int], ...]:
    """Return name, size and time of every record: what the cached library depends on."""
    found = (path for folder in RECORDS for path in (root / folder).rglob("*.y*ml"))
    return tuple(
        (str(path), status.st_size, status.st_mtime_ns) for path in sorted(found) for status in [path.stat()]
    )


@st.cache_resource(max_entries=2, show_spinner=False)
def _library(root: Path, generation: tuple[tuple[str, int, int], ...]) -> Library:
    """Read all records; they are immutable, so every session may share them."""
    return load_library(root)


page()
