"""E-mail addresses: the library decides, the pattern that spares it agrees."""

from __future__ import annotations

import pandas as pd
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.values.email import judge_emails

ACCEPTED = [
    ("ann@example.com", "ann@example.com", "plain"),
    (" Ann.Bell@NHS.net ", "ann.bell@nhs.net", "one mailbox, one spelling"),
    ("o'neill+clinic@x.co.uk", "o'neill+clinic@x.co.uk", "apostrophe and plus"),
    ("ann@münchen.de", "ann@xn--mnchen-3ya.de", "an international domain in ASCII"),
    ("a" * 64 + "@example.com", "a" * 64 + "@example.com", "the longest local part"),
    ("\u200bann@example.com\u2060", "ann@example.com", "marks that nobody sees"),
    ("ann@exam\u00adple.com", "ann@example.com", "a soft hyphen of a PDF"),
]

REFUSED = [
    ("ann", "no @"),
    ("ann@", "no domain"),
    ("@example.com", "nobody"),
    ("ann@example", "one label"),
    ("ann..b@example.com", "two dots"),
    (".ann@example.com", "a dot first"),
    ("ann@-x.com", "a hyphen first"),
    ("ann@x..com", "an empty label"),
    ("ann b@example.com", "a space"),
    ("Ann <ann@example.com>", "a name and an address"),
    ("ann@example.com, bob@example.com", "two"),
    ("ann@example.com\nBcc: x@y.org", "a header in disguise"),
    ("jösé@example.com", "needs SMTPUTF8"),
    ("ann@localhost", "this machine"),
    ("ann@clinic.test", "a domain that never exists"),
    ("ann@clinic.invalid", "likewise"),
    ("ann@[127.0.0.1]", "an address of a machine"),
    ('"ann"@example.com', "quoted"),
    ("a" * 65 + "@example.com", "the local part too long"),
    ("ann@" + "x" * 64 + ".com", "a label too long"),
    ("ann@" + "x." * 130 + "com", "a domain too long"),
]

part = st.text(alphabet="aZ09.-_+'%", min_size=1, max_size=12)
domain = st.sampled_from(
    "x.test x.local local test x.localhost a.onion x.com x--y.com ab--y.com x.y-z.org".split()
)
addresses = st.builds("{}@{}.{}".format, part, part, part) | st.builds("{}@{}".format, part, domain)


@pytest.mark.parametrize(("text", "address", "why"), ACCEPTED)
def test_an_address_that_can_exist_is_accepted(text: str, address: str, why: str) -> None:
    judged = judge_emails(pd.Series([text])).iloc[0]
    assert (judged["address"], judged["fault"]) == (address, ""), why


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_an_address_that_cannot_exist_is_refused(text: str, why: str) -> None:
    judged = judge_emails(pd.Series([text])).iloc[0]
    assert (judged["address"], judged["fault"]) == ("", "email_invalid"), why


@pytest.mark.parametrize("nothing", ["", "  ", None, float("nan")])
def test_nothing_is_missing_not_invalid(nothing: object) -> None:
    judged = judge_emails(pd.Series([nothing], dtype=object)).iloc[0]
    assert (judged["address"], judged["fault"]) == ("", "email_missing")


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.lists(addresses, max_size=30))
def test_the_library_agrees_on_every_address(texts: list[str]) -> None:
    """The pattern that accepts a whole column at once accepts nothing that the library refuses."""
    judged = judge_emails(pd.Series(texts, dtype="str"))
    assert judged["address"].tolist() == [_second_opinion(text) for text in texts]


def test_the_index_stays() -> None:
    judged = judge_emails(pd.Series(["a@x.org", "b"], index=["y", "x"]))
    assert judged["fault"].to_dict() == {"y": "", "x": "email_invalid"}
    assert list(judge_emails(pd.Series([], dtype="str")).columns) == ["address", "fault"]


def _second_opinion(text: str) -> str:
    try:
        return validate_email(
            text.lower(), check_deliverability=False, allow_smtputf8=False, strict=True
        ).normalized
    except EmailNotValidError:
        return ""


@given(st.text(alphabet="aB.@-+ ü\u200b\u00ad\u202e", max_size=20))
def test_an_address_judged_again_is_the_same_and_nothing_is_invented(text: str) -> None:
    """ACX-26: what is refused stays out; what is accepted has the letters that were written."""
    [address] = judge_emails(pd.Series([f"{text}@example.com"]))["address"]
    if address:
        assert list(judge_emails(pd.Series([address]))["address"]) == [address]
        assert (
            address
            == f"{text}@example.com".translate(dict.fromkeys((0x200B, 0xAD, 0x202E)))
            .strip()
            .lower()
        )
