"""Links that hide where they lead, strangers' domains, replies nobody reads, and whose message it is."""

from __future__ import annotations

import pytest

from clinic.message.template.vendor_templates import TEMPLATES
from clinic.message.words.trust import judge_trust
from clinic.settings import Content

NAME = "Elm Tree Surgery"


def found(
    texts: list[str], fixed: str = "", content: Content | None = None, *, replies_read: bool = False
) -> list[tuple[str, str, list[int]]]:
    hits = judge_trust(texts, fixed, content or Content(), name=NAME, replies_read=replies_read)
    return [(hit.phrase.subject, hit.phrase.written, hit.places.tolist()) for hit in hits]


@pytest.mark.parametrize(
    ("text", "subject", "named"),
    [
        ("Book: https://bit.ly/3xYz", "shortener", "bit.ly"),
        ("Book: BIT.LY/3xYz now", "shortener", "bit.ly"),
        ("(tinyurl.com/abc)", "shortener", "tinyurl.com"),
        ("http://nhs.uk@bit.ly/x", "shortener", "bit.ly"),
        ("https://jo-jones.bit.ly/x", "shortener", "bit.ly"),  # a cell may have made that of a name
        ("see www.elm-tree.co.uk.", "domain", "elm-tree.co.uk"),
        ("see elm-tree.co.uk, or call", "domain", "elm-tree.co.uk"),
        ("https://nhs.uk.example.com/login", "domain", "nhs.uk.example.com"),
        ("https://fakenhs.uk/login", "domain", "fakenhs.uk"),
        ("Please reply YES to confirm", "reply", "please reply"),
        ("To confirm reply yes.", "reply", "reply yes"),
        ("Text back if you want one", "reply", "text back"),
        ("Reply STOP to opt out", "reply", "reply stop"),
        ("Atebwch IE i gadarnhau", "reply", "atebwch ie"),
    ],
)
def test_what_looks_like_fraud_is_found_and_named(text: str, subject: str, named: str) -> None:
    assert (subject, named, [1]) in found(["Hello", text], text)


@pytest.mark.parametrize(
    "text",
    [
        "See https://www.nhs.uk/flu and 111.nhs.uk, or 111.wales.nhs.uk/symptoms",
        "Gweler https://iechydcyhoedd.gov.wales/ffliw",
        "Please do not reply to this message. You don't need to reply.",
        "Peidiwch ag ateb y neges hon",
        "Come at 9.30/10.00 today.Please bring a/b and write to elm.tree@nhs.net or x@elm-tree.co.uk",
        "Dr.Smith e.g. Mrs.Jones i.e. and/or",
        *(template.body for template in TEMPLATES),
    ],
)
def test_what_practices_write_every_day_is_not(text: str) -> None:
    assert found([text], text) == []


def test_a_link_out_of_the_lists_cells_is_not_named_and_a_domain_can_be_allowed() -> None:
    texts = ["see jo-jones.example.com/a", "see sam.example.com/b", "bit.ly/x"]
    assert found(texts[:2], "see {{ list.Link }}") == [("domain", "a link of the list", [0, 1])]
    assert found(texts, content=Content(domains=("example.com", "bit.ly"))) == []


def test_replies_may_be_asked_for_where_they_are_read() -> None:
    assert found(["Reply YES"], replies_read=True) == []


def test_the_practice_is_named_where_the_senders_name_does_not_show_it() -> None:
    content = Content(name_shown="text", short_names=("Elm Tree",))
    texts = ["Call ELM TREE SURGERY", "Call us", "Elm  Tree", "Llawfeddygfa", "elm tree"]
    assert found(texts, content=content) == [("unnamed", NAME, [1, 2, 3])]
    assert found(texts) == []
