"""The HTML part: the same words as the text that was reviewed, and nothing that the text does not show."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clinic.gateway.protocol import Outgoing
from clinic.gateway.smtp.html import html_of
from clinic.gateway.smtp.message import Letterhead, compose

LETTERHEAD = Letterhead("practice@example.org", "Y Feddygfa", html=True)
OURS = {"html", "head", "meta", "body", "br", "a"}
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
anything = st.lists(
    texts | st.sampled_from(
        ["<script>", "</body>", "https://nhs.example/a?b=1&c=2.", '" onclick="x', "&amp;", "javascript:x",
         "https://a'><img src=x>", "\r\n", "  two", "\t"]
    ),
    max_size=6,
).map("".join)  # fmt: skip


class Reader(HTMLParser):
    """What somebody sees of a page, and the links in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen, self.links, self.tags = "", list[tuple[str, str]](), set[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "a":
            ((name, href),) = attrs
            assert name == "href"
            self.links.append((str(href), ""))

    def handle_data(self, data: str) -> None:
        self.seen += data
        if self.links and not self.links[-1][1]:
            self.links[-1] = (self.links[-1][0], data)


def words(text: str) -> str:
    return " ".join(re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "\ufffd", text).split())


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


@settings(max_examples=300, derandomize=True, deadline=None)
@given(text=anything)
@example("<b>bold</b> & https://nhs.example/x).")
def test_whoever_reads_the_page_reads_the_text(text: str) -> None:
    page = html_of(text)
    reader = read(page)
    assert words(reader.seen) == words(text)
    assert reader.tags <= OURS
    for leads, shown in reader.links:
        assert leads == shown
        assert leads.startswith(("https://", "http://"))


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("Book at https://nhs.example/book?id=1&x=2.", ["https://nhs.example/book?id=1&x=2"]),
        ("(see http://a.example/b), or https://c.example!", ["http://a.example/b", "https://c.example"]),
        ("nhs.example, javascript:alert(1), ftp://x", []),
    ],
)  # fmt: skip
def test_a_link_is_what_a_reader_would_take_for_one(text: str, links: list[str]) -> None:
    assert [leads for leads, _ in read(html_of(text)).links] == links


@settings(max_examples=150, derandomize=True, deadline=None)
@given(text=anything)
def test_both_parts_arrive_the_text_first(text: str) -> None:
    """RFC 2046 §5.1.4; no text can end a part, for the boundary stands in no encoding."""
    raw = compose(
        Outgoing(7, "a@example.org", text + "\n--=_cohort--\n", "Hello"),
        letterhead=LETTERHEAD,
        fixed=LETTERHEAD.fixed_headers(datetime(2026, 3, 2, 10, tzinfo=UTC)),
        address="a@example.org",
        message_id="7.k",
    )
    assert not re.search(rb"[^\r]\n|\r[^\n]", raw)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    parsed = cast(EmailMessage, email.message_from_bytes(raw, policy=email.policy.default))
    plain, page = parsed.iter_parts()
    assert (plain.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    assert parsed.defects == plain.defects == page.defects == []
    assert words(read(cast(EmailMessage, page).get_content()).seen) == words(
        cast(EmailMessage, plain).get_content()
    )
