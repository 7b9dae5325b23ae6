"""Markup: text gets in escaped, and only http and https become links."""

import pytest

from kb.pages.markup import claim_link, fill, link, state, table, visible
from kb.words import Summary

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


def test_text_is_escaped_wherever_it_gets_in():
    for found in (
        fill("<p>{}</p>", HOSTILE),
        link("https://a.example/", HOSTILE),
        claim_link("id", HOSTILE),
        table([HOSTILE], [[HOSTILE]], HOSTILE),
        state(HOSTILE),
    ):
        assert "<script" not in found
        assert "<img" not in found
        assert "&lt;script&gt;" in found


def test_markup_that_is_already_markup_is_not_escaped_twice():
    assert fill("<p>{}</p>", fill("<b>{}</b>", "a&b")) == "<p><b>a&amp;b</b></p>"


def test_braces_in_text_are_not_filled():
    assert fill("{} {}", "{0.__class__}", "x") == "{0.__class__} x"


@pytest.mark.parametrize("character", ["\u202e", "\u200b", "\x1b", "\x00", "\ufeff", "\ud800", "\u2066"])
def test_invisible_characters_show_as_code_points(character):
    assert visible(f"a{character}b") == f"a⟨U+{ord(character):04X}⟩b"


def test_line_breaks_are_kept_and_tabs_become_spaces():
    assert visible("a\n\tb\u00a0c") == "a\n b c"


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", " https://x", "", None]
)
def test_other_schemes_give_no_link(address):
    assert link(address, "text") == "text"


def test_an_address_cannot_leave_its_attribute():
    assert '"><script' not in link('https://x/"><script>', "text")
    assert claim_link('a"&id=b', "text").startswith('<a class="kb-link" href="claim?id=a%22%26id%3Db">')


def test_states_differ_by_icon_and_by_word():
    icons = {str(state(word)).split("</b>")[0][-1] for word in Summary}
    assert len(icons) == len(Summary)
    for word in Summary:
        assert f"</b> {word}</span>" in state(word)
        assert word.meaning in state(word)
