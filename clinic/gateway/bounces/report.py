"""
An e-mail that came back, read: a report of delivery (RFC 3464), a complaint (ARF, RFC 5965), or neither.

    its token names one message of ours  →  Receipt or Complaint
    it names none, or two                →  Unread: a person looks; nobody's guess moves a message
    an automatic answer, a read receipt  →  nothing: it says nothing of delivery
    any other e-mail, without a token    →  nothing: it is somebody else's, and stays where it is

Only what is meant for machines is read (message/delivery-status), never prose. One envelope of ours has one
recipient: of a report about several, to whom a mailbox passed it on, the best counts.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import Any, Final

from clinic.gateway.bounces.kind import KEPT, Kind, kind_of
from clinic.gateway.incoming.parse import Incoming
from clinic.gateway.received import Complaint, Receipt, Said, Unread
from clinic.gateway.smtp.stamp import Stamp
from clinic.gateway.smtp.statuses import code_in, reason_of

# What a report says was done (RFC 3464 §2.3.3), the better the higher; delayed is not failed, and passed on to
# where nobody reports is not delivered
ACTIONS: Final[dict[str, tuple[int, Said]]] = {
    "failed": (0, "undelivered"),
    "delayed": (1, "accepted"),
    "expanded": (2, "accepted"),
    "relayed": (2, "accepted"),
    "delivered": (3, "delivered"),
}
# Where the address that a report came to stands, as mailboxes note it
_TO: Final = (
    "Delivered-To",
    "X-Original-To",
    "X-Delivered-To",
    "Envelope-To",
    "X-Envelope-To",
    "To",
)
_COMPLAINTS: Final = ("abuse", "fraud", "opt-out", "opt-out-list", "other")
_LONGEST: Final = 4_000


def read_mail(
    raw: bytes,
    stamps: Mapping[str, Stamp],
    *,
    gateway: str,
    recipients: Sequence[str] = (),
    keep_all: bool = False,
) -> Incoming:
    """
    What an e-mail says.

    Args:
        stamps: of the gateways whose messages it may be about
        gateway: under whose name it is kept if nobody understands it
        recipients: of its envelope, where that is known
        keep_all: also what has nothing to do with us: it would be lost
    """
    raw = raw[:KEPT]  # of more, made for it, one e-mail would hold its reader for minutes
    try:
        return _read(raw, stamps, gateway, recipients, keep_all)
    except Exception:  # made to break who reads it: one that cannot be read keeps back no other
        return Incoming(unread=[_unread(raw, gateway, "an e-mail that cannot be read")])


def _read(
    raw: bytes,
    stamps: Mapping[str, Stamp],
    gateway: str,
    recipients: Sequence[str],
    keep_all: bool,
) -> Incoming:
    found = Incoming()
    mail: Message = email.message_from_bytes(raw, policy=email.policy.compat32)
    kind = kind_of(mail)
    if kind.name == "automatic":
        return found
    try:
        named = _named(mail, kind, stamps, recipients)
        if kind.name == "report" and len(named) == 1:
            found.receipts.append(_receipt(mail, kind, *named.popitem()))
            return found
        if kind.name == "complaint" and len(named) == 1:
            return _complained(mail, kind, *named.popitem())
        if kind.name == "other" and not (named or keep_all):
            return found
        why = _why(kind, len(named))
    except (ValueError, LookupError) as error:
        why = str(error)
    found.unread.append(_unread(raw, gateway, why))
    return found


def _why(kind: Kind, count: int) -> str:
    if kind.name == "other":
        return "an e-mail that is no report"
    return f"a {kind.name} that names {'no message of ours' if not count else 'two messages'}"


def _named(
    mail: Message, kind: Kind, stamps: Mapping[str, Stamp], recipients: Sequence[str]
) -> dict[int, str]:
    """The messages whose tokens it carries, each with its gateway."""
    addresses = [*recipients, *_addresses(mail, _TO)]
    tokens = [_plain(kind.about.get("Original-Envelope-Id"))]
    addresses += _addresses(kind.about, ("Original-Mail-From",))
    if kind.original is not None:
        # Our own headers, as they come back: some systems keep neither envelope id nor sender (Exchange Online)
        addresses += _addresses(kind.original, ("Return-Path",))
        tokens.append(_plain(kind.original.get("Message-ID")).lstrip("<").partition(".")[0])
    found: dict[int, str] = {}
    for name, stamp in stamps.items():
        read = [*map(stamp.read_address, addresses), *map(stamp.read, tokens)]
        found |= {reference: name for reference in read if reference is not None}
    return found


def _addresses(mail: Message, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        given = [str(value)[:2_000] for value in mail.get_all(name, [])[:5]]
        yield from (address for _, address in getaddresses(given))


def _plain(given: object) -> str:
    """xtext (RFC 3461 §4) of our tokens, which need none; cut where somebody folded it."""
    return "".join(str(given or "").split()).lower()


def _receipt(mail: Message, kind: Kind, reference: int, gateway: str) -> Receipt:
    """
    The best that it says of the one recipient, or of those that a mailbox passed it on to.

    Raises:
        ValueError: it says nothing that is known
    """
    best: tuple[int, Said, str, Any] | None = None
    for block in kind.recipients:
        action = str(block.get("Action") or "").strip().lower()
        if action not in ACTIONS:
            raise ValueError(f"a report with the action {action[:20]!r}")
        rank, said = ACTIONS[action]
        if best is None or rank > best[0]:
            best = rank, said, f"{action} {_code(block)}".strip(), block
    if best is None:
        raise ValueError("a report without a recipient")
    _, said, says, block = best
    failed = said == "undelivered"
    return Receipt(
        gateway,
        _event_id("dsn", reference, says),
        reference,
        said,
        (reason_of(_code(block)) or None) if failed else None,
        says if failed else None,
        _instant(block.get("Last-Attempt-Date")) or _instant(mail.get("Date")),
    )


def _code(block: Message) -> str:
    """Its status; where that is of no use (5.0.0), the one that the refusing system wrote."""
    status = code_in(str(block.get("Status") or ""))
    own = code_in(str(block.get("Diagnostic-Code") or ""))
    return own if own and (not status or status.endswith((".0.0", ".3.0"))) else status


def _complained(mail: Message, kind: Kind, reference: int, gateway: str) -> Incoming:
    told = str(kind.about.get("Feedback-Type") or "").strip().lower()
    if told not in _COMPLAINTS:
        return Incoming()  # not-spam, or a report on a signature (RFC 6591)
    at = _instant(kind.about.get("Arrival-Date")) or _instant(mail.get("Date"))
    event = _event_id("arf", reference, "")
    return Incoming(complaints=[Complaint(gateway, event, reference, at)])


def _event_id(kind: str, reference: int, says: str) -> str:
    """The same said again, by whichever way it came, is the same event."""
    return f"{kind} {reference} {says}"[:80]


def _instant(given: object) -> datetime | None:
    try:
        instant = parsedate_to_datetime(str(given or ""))
        return instant.astimezone(UTC) if instant.tzinfo else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _unread(raw: bytes, gateway: str, why: str) -> Unread:
    shown = raw[:_LONGEST].decode("utf-8", "backslashreplace").replace("\x00", " ")
    return Unread(gateway, hashlib.sha256(raw).hexdigest(), why, shown[:_LONGEST])
