"""
Why an e-mail was not delivered: the enhanced status codes of RFC 3463, and what each says of the address.

One table, of what a relay refuses at once and of what comes back as a report; docs/gateways.md shows it, and
a test compares. The first row that fits counts. A code that no row names keeps its own form (smtp_5_9_9): it
calls no address dead.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class Status(NamedTuple):
    """code: as it is written, `*` for any number; reason: of clinic/message/network_reasons.py."""

    code: str
    reason: str
    says: str


TABLE: Final = (
    Status("5.1.1", "mailbox_unknown", "no such mailbox"),
    Status("5.1.6", "mailbox_unknown", "the mailbox has moved, and nobody says where to"),
    Status("5.1.3", "mailbox_unknown", "it is no address"),
    Status("5.1.2", "domain_unknown", "no such domain"),
    Status("5.1.10", "domain_unknown", "the domain takes no mail (RFC 7505)"),
    Status("5.4.4", "domain_unknown", "the domain has no mail server"),
    Status("5.2.1", "mailbox_disabled", "the mailbox is closed"),
    Status("*.2.2", "mailbox_full", "the mailbox is full"),
    Status("5.2.3", "too_long", "the mail is larger than the mailbox takes"),
    Status("5.3.4", "too_long", "the mail is larger than the system takes"),
    Status("5.1.7", "mail_refused", "our sender is none for it"),
    Status("5.1.8", "mail_refused", "our sender's domain is none for it"),
    Status("5.6.*", "mail_refused", "the content is not taken"),
    Status("5.7.*", "mail_refused", "its policy: taken for spam, blocked, no SPF or DKIM, members alone"),
    Status("*.4.6", "routing_error", "the mail runs in a circle"),
    Status("*.4.7", "expired", "it gave up after a time"),
    Status("4.*.*", "expired", "it could not be delivered for so long that it gave up"),
    Status("5.1.0", "delivery_failure", "something about the address, or about ours: it does not say which"),
    Status("5.0.0", "delivery_failure", "it does not say why"),
    Status("5.3.*", "delivery_failure", "the mail system has an error"),
    Status("5.4.*", "delivery_failure", "the network has an error"),
    Status("5.5.*", "delivery_failure", "the two systems do not understand each other"),
)  # fmt: skip
_CODE: Final = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")


def code_in(text: str) -> str:
    """The first enhanced status code of a text; empty: there is none."""
    found = _CODE.search(text)
    return ".".join(str(int(part)) for part in found.groups()) if found else ""


def status_of(code: str) -> Status | None:
    """What a code says, as `code_in` gives it."""
    parts = code.split(".")
    for row in TABLE:
        if code and all(a in ("*", b) for a, b in zip(row.code.split("."), parts, strict=True)):
            return row
    return None


def reason_of(code: str) -> str:
    """Why, by a code as `code_in` gives it; empty: there is no code."""
    known = status_of(code)
    return known.reason if known else f"smtp_{code.replace('.', '_')}" if code else ""


def statuses_table() -> str:
    """The rows of the table in docs/gateways.md."""
    rows = ["| code | it says | reason |", "|---|---|---|"]
    rows += [f"| `{one.code}` | {one.says} | `{one.reason}` |" for one in TABLE]
    return "\n".join(rows) + "\n"
