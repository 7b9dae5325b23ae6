"""HTML for the pages, with one way for text to get into it: escaped.

Text of records and outcomes is untrusted. Markdown would turn some of it into images, links or formulas even
after escaping, so pages show it as HTML that is made here, or as plain text.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from kb.words import Summary

CSS = Path(__file__).with_name("pages.css")
ICONS = {"supported": "✔", "refuted": "✘", "mixed": "±", "inconclusive": "?", "untested": "–"}
SCHEMES = ("https://", "http://")


def visible(text: object) -> str:
    """Return text with control, bidirectional and other invisible characters shown as their code points.

    Line breaks are kept, since they do no harm; tabs and hard spaces become spaces.
    """
    kept = str(text).replace("\t", " ").replace("\u00a0", " ")
    return "".join(c if c.isprintable() or c == "\n" else f"⟨U+{ord(c):04X}⟩" for c in kept)


def shown(value: Any) -> str:
    """Return a JSON value as a reader sees it: text as it is, the rest as JSON, nothing for None."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def fill(template: str, *texts: object) -> Markup:
    """Return a template of our own with texts put in its `{}`, escaped unless they are markup already."""
    return Markup(template).format(*(text if isinstance(text, Markup) else visible(text) for text in texts))  # noqa: S704 - ours


def joined(parts: Iterable[object], separator: str = "") -> Markup:
    """Return parts one after the other, escaped unless they are markup already."""
    return Markup(separator).join(fill("{}", part) for part in parts)  # noqa: S704 - the separator is ours


def link(address: str | None, text: object) -> Markup:
    """Return a link if the address is http or https, else the text alone."""
    if address is None or not address.lower().startswith(SCHEMES):
        return fill("{}", text)
    return fill('<a class="kb-link" href="{}" rel="noopener noreferrer">{}</a>', address, text)


def claim_link(claim: str, text: object, run: str = "") -> Markup:
    """Return a link to a claim, or to one run of it; relative, so that it works below any base path."""
    address = "claim?" + urlencode({"id": claim, **({"run": run} if run else {})})
    return fill('<a class="kb-link" href="{}">{}</a>', address, text)


def state(word: str) -> Markup:
    """Return a verdict or summary by icon and word; the meaning shows on hovering, the colour only adds."""
    if word not in ICONS:
        return fill("{}", word)
    meaning = Summary(word).meaning
    return fill(
        '<span class="kb-state kb-{}" title="{}"><b aria-hidden="true">{}</b> {}</span>',
        word,
        meaning,
        ICONS[word],
        word,
    )


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> Markup:
    """Return a table; on a narrow screen each row becomes a block whose cells carry their headers.

    Parameters
    ----------
    headers : sequence of str
        One a column.
    rows : iterable of sequence
        Cells, as many as headers.
    caption : str
        What the table shows, for those who cannot see where it stands.
    """
    head = joined(fill('<th scope="col">{}</th>', header) for header in headers)
    body = joined(
        fill(
            "<tr>{}</tr>",
            joined(fill('<td data-label="{}">{}</td>', *pair) for pair in zip(headers, row, strict=True)),
        )
        for row in rows
    )
    shape = '<table class="kb-table"><caption>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table>'
    return fill(shape, caption, head, body)


def facts(pairs: Mapping[str, object]) -> Markup:
    """Return named facts as a list of terms; those that are None or empty are left out."""
    items = (
        fill("<div><dt>{}</dt><dd>{}</dd></div>", name, value)
        for name, value in pairs.items()
        if value not in (None, "")
    )
    return fill('<dl class="kb-facts">{}</dl>', joined(items))
